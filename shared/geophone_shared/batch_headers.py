"""The headers of a record on `dns.transactions`: what is known of a batch without decoding it.

Core. A record with no rows and an empty value is a minute mark: it only says how far the packet
clock of its producer has come.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from geophone_shared.batch_schema import SCHEMA_MAJOR
from geophone_shared.record_reasons import invalid_record
from geophone_shared.timestamps import LATEST_TIME_US

_LARGEST_NUMBER = 2**63 - 1
_NUMBER = re.compile(rb"0|[1-9][0-9]{0,18}")
_IDENTIFIER = re.compile(rb"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchHeaders:
    """Headers of one batch; docs/records.md has their meaning.

    Attributes:
        schema: major version of the batch's columns.
        rows: transactions in the batch; 0 in a minute mark.
        raw_bytes: size of the batch before compression.
        first_time_us: no time in the batch lies before it.
        last_time_us: no time in the batch lies after it; in a minute mark, the packet clock.
        sensor: name of the capture that saw the packets, 1 to 255 printable ASCII characters.
        producer: identity of the stream of batches, likewise.
        sequence: number of the batch in its producer's stream to this partition, from 0.
        position: how far the producer had read its source, in a unit of its own.
    """

    schema: int = SCHEMA_MAJOR
    rows: int
    raw_bytes: int
    first_time_us: int
    last_time_us: int
    sensor: str
    producer: str
    sequence: int
    position: int

    def is_minute_mark(self) -> bool:
        """Whether the record carries a clock and no rows."""
        return self.rows == 0

    def to_headers(self) -> list[tuple[str, bytes]]:
        """The record headers, in ASCII; numbers are decimal."""
        return [
            ("schema", b"%d" % self.schema),
            ("rows", b"%d" % self.rows),
            ("raw-bytes", b"%d" % self.raw_bytes),
            ("first-time-us", b"%d" % self.first_time_us),
            ("last-time-us", b"%d" % self.last_time_us),
            ("sensor", self.sensor.encode("ascii")),
            ("producer", self.producer.encode("ascii")),
            ("sequence", b"%d" % self.sequence),
            ("position", b"%d" % self.position),
        ]

    @classmethod
    def from_headers(cls, headers: Iterable[tuple[str, bytes | None]]) -> "BatchHeaders":
        """The headers of a record; those that aren't known are ignored, the last of a name counts.

        Raises:
            InvalidRecordError: `newer_schema`, or `headers` (one is missing or garbled).
        """
        values = {name: value for name, value in headers if value is not None}
        schema = _number(values, "schema")
        if schema > SCHEMA_MAJOR:
            raise invalid_record("newer_schema")
        parsed = cls(
            schema=schema,
            rows=_number(values, "rows"),
            raw_bytes=_number(values, "raw-bytes"),
            first_time_us=_number(values, "first-time-us"),
            last_time_us=_number(values, "last-time-us"),
            sensor=_identifier(values, "sensor"),
            producer=_identifier(values, "producer"),
            sequence=_number(values, "sequence"),
            position=_number(values, "position"),
        )
        if schema < 1 or not parsed.first_time_us <= parsed.last_time_us <= LATEST_TIME_US:
            raise invalid_record("headers")
        return parsed


def _number(values: dict[str, bytes], name: str) -> int:
    text = values.get(name, b"")
    if _NUMBER.fullmatch(text) is None or int(text) > _LARGEST_NUMBER:
        raise invalid_record("headers")
    return int(text)


def _identifier(values: dict[str, bytes], name: str) -> str:
    text = values.get(name, b"")
    if _IDENTIFIER.fullmatch(text) is None:
        raise invalid_record("headers")
    return text.decode("ascii")
