"""From rows to batches, one open for each partition of the log [core].

Where a batch ends depends on the rows and on who calls `flush`, never on how the rows come in:
the same captures give the same batches, with the same sequences, on every start.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from geophone_capture.kernels.batching import OPEN_BATCH, gather_rows
from geophone_shared.batch import encode_batch, raw_bytes
from geophone_shared.batch_headers import BatchHeaders
from geophone_shared.bus.records import Record
from geophone_shared.kernels.hashing import PRESENTATION_LIMIT_BYTES
from geophone_shared.transactions import (
    LONGEST_MESSAGE_BYTES,
    LONGEST_NAME_BYTES,
    ROW,
    SPAN,
    Responses,
    Transactions,
)

MINUTE_US = 60_000_000

MOST_ROW_BYTES = 950_000
"""Of a batch before compression. A record may have 1,000,000 bytes; what Arrow and the headers add
is below 20 kB, and what zstd adds to bytes that don't compress is below 0.5 %."""

_BEFORE_ANY_MINUTE = -1
_NO_RESPONSES = Responses(np.empty(0, SPAN), np.empty(0, np.uint8))


@dataclass(frozen=True, slots=True)
class EncodedBatch:
    """A closed batch, or a minute mark.

    Attributes:
        partition: of `dns.transactions`.
        headers: of its record.
        value: of its record; empty in a mark.
    """

    partition: int
    headers: BatchHeaders
    value: bytes

    def to_record(self) -> Record:
        """The record as it is appended to the log."""
        return Record(self.value, headers=tuple(self.headers.to_headers()))


class Batcher:
    """Fills the batches of one producer.

    A batch closes when it has as many rows or bytes as it may, when a row completes in a later
    minute than the one before, at `flush` and at the end.

    Iterators that methods return have to be exhausted before the next call.

    Args:
        partitions: of `dns.transactions`.
        batch_rows: a batch has no more.
        sensor: name of the capture, printable ASCII.
        producer: identity of the stream of batches, likewise.
        most_row_bytes: rows, names and kept responses of a batch before compression, at most.
        keep_responses: whether rows come with responses, and batches have them.
    """

    def __init__(
        self,
        partitions: int,
        batch_rows: int,
        *,
        sensor: str,
        producer: str,
        most_row_bytes: int = MOST_ROW_BYTES,
        keep_responses: bool = False,
    ) -> None:
        self._sensor = sensor
        self._producer = producer
        self._most_row_bytes = most_row_bytes
        most_name_bytes = min(batch_rows * LONGEST_NAME_BYTES, most_row_bytes)
        # Rows that don't come take no memory: pages are touched as batches fill.
        self._rows = np.empty((partitions, batch_rows), ROW)
        self._names = np.empty((partitions, most_name_bytes + LONGEST_NAME_BYTES), np.uint8)
        self._keep_responses = keep_responses
        most_responses = batch_rows if keep_responses else 0
        most_response_bytes = most_row_bytes + LONGEST_MESSAGE_BYTES if keep_responses else 0
        self._spans = np.empty((partitions, most_responses), SPAN)
        self._responses = np.empty((partitions, most_response_bytes), np.uint8)
        self._open = np.zeros(partitions, OPEN_BATCH)
        self._scratch = np.empty(PRESENTATION_LIMIT_BYTES, np.uint8)
        self._sequences = [0] * partitions
        self._last_minutes = [_BEFORE_ANY_MINUTE] * partitions
        self._position = 0
        self._clock_us = 0
        self._minute_end_us = 0  # so that the first row begins a minute

    def add(self, transactions: Transactions) -> Iterator[EncodedBatch]:
        """Take rows that follow those before, with registered domains.

        Yields:
            The batches and minute marks that they bring about.
        """
        rows, following = transactions.rows, 0
        responses = transactions.responses or _NO_RESPONSES
        while following < len(rows):
            first = following
            following = gather_rows(
                rows,
                transactions.names,
                first,
                self._minute_end_us,
                self._most_row_bytes,
                self._rows,
                self._names,
                self._open,
                responses.spans,
                responses.octets,
                self._spans,
                self._responses,
                self._scratch,
            )
            self._position += following - first
            if following > first:
                self._clock_us = max(self._clock_us, int(rows[following - 1]["completed_us"]))
            for partition in np.flatnonzero(self._open["is_full"]):
                yield self._closed(int(partition))
            if following < len(rows):
                yield from self.advance(int(rows[following]["completed_us"]))

    def advance(self, clock_us: int) -> Iterator[EncodedBatch]:
        """Take the packet clock into account; no row completes before it any more.

        In a later minute than before, whatever is open closes, and each partition that got no row
        in the last minute gets a mark with the clock: one, however many minutes have passed.
        """
        if clock_us >= self._minute_end_us:
            yield from self.flush()
            minute = clock_us // MINUTE_US
            for partition, last_minute in enumerate(self._last_minutes):
                if self._minute_end_us and last_minute < minute - 1:
                    yield self._mark(partition, clock_us)
            self._minute_end_us = (minute + 1) * MINUTE_US
        self._clock_us = max(self._clock_us, clock_us)

    def flush(self) -> Iterator[EncodedBatch]:
        """Close whatever is open."""
        for partition in np.flatnonzero(self._open["rows"]):
            yield self._closed(int(partition))

    def close(self, clock_us: int) -> Iterator[EncodedBatch]:
        """At the end of the input close whatever is open, and tell every partition the clock.

        Args:
            clock_us: the packet clock; where rows completed later, that is told.
        """
        yield from self.flush()
        self._clock_us = max(self._clock_us, clock_us)
        for partition in range(len(self._open)):
            yield self._mark(partition, self._clock_us)

    def _closed(self, partition: int) -> EncodedBatch:
        count = int(self._open[partition]["rows"])
        rows = self._rows[partition, :count]
        names = self._names[partition, : int(self._open[partition]["name_bytes"])]
        responses = None
        if self._keep_responses:
            kept = Responses(self._spans[partition], self._responses[partition])
            responses = [kept.response(row) for row in range(count)]
        self._open[partition] = (0, 0, 0, 0)
        self._last_minutes[partition] = int(rows[-1]["completed_us"]) // MINUTE_US
        value = encode_batch(Transactions(rows, names), responses)
        headers = self._headers(
            partition,
            rows=count,
            raw_bytes=raw_bytes(value),
            first_time_us=int(min(rows["time_us"].min(), rows["completed_us"][0])),
            last_time_us=int(max(rows["time_us"].max(), rows["completed_us"][-1])),
        )
        return EncodedBatch(partition, headers, value)

    def _mark(self, partition: int, clock_us: int) -> EncodedBatch:
        headers = self._headers(
            partition, rows=0, raw_bytes=0, first_time_us=clock_us, last_time_us=clock_us
        )
        return EncodedBatch(partition, headers, b"")

    def _headers(
        self, partition: int, *, rows: int, raw_bytes: int, first_time_us: int, last_time_us: int
    ) -> BatchHeaders:
        sequence = self._sequences[partition]
        self._sequences[partition] += 1
        return BatchHeaders(
            rows=rows,
            raw_bytes=raw_bytes,
            first_time_us=first_time_us,
            last_time_us=last_time_us,
            sensor=self._sensor,
            producer=self._producer,
            sequence=sequence,
            # In transactions: the one unit that doesn't depend on how files are read.
            position=self._position,
        )
