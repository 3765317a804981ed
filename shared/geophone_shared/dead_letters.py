"""The dead letter: a record that could not be used or told, kept on `dns.dead-letters` [core].

Its value is the original record's, byte for byte. Its headers say first where the record was and
why it is here, and then repeat the original's own, so that it can be put back as it was.
"""

from dataclasses import dataclass

from geophone_shared.bus.records import Headers, Record, StoredRecord, TopicPartition
from geophone_shared.bus.topics import RECORD_LIMIT_BYTES
from geophone_shared.record_reasons import invalid_record

_OWN_HEADERS = ("topic", "partition", "offset", "reason", "key")
_LARGEST_NUMBER_DIGITS = 19
_MOST_CHARACTERS = 256


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What a dead letter says.

    Attributes:
        partition: where the record was.
        offset: its offset there.
        reason: why it could not be used: a word of a closed set, and a code at most.
        record: the record.
    """

    partition: TopicPartition
    offset: int
    reason: str
    record: Record


def dead_letter(partition: TopicPartition, stored: StoredRecord, reason: str) -> Record:
    """The record for `dns.dead-letters`.

    Args:
        partition: where `stored` was read.
        stored: what can't be used.
        reason: why, without anything that the record holds.
    """
    own: Headers = (
        ("topic", partition.topic.encode()),
        ("partition", b"%d" % partition.partition),
        ("offset", b"%d" % stored.offset),
        ("reason", reason.encode()),
        ("key", stored.key or b""),
    )
    return Record(stored.value, headers=own + stored.headers)


def decode_dead_letter(record: Record | StoredRecord) -> DeadLetter:
    """What a record of `dns.dead-letters` says.

    Raises:
        InvalidRecordError: `headers`, or `too_large` for what no record can have been.
    """
    names = tuple(name for name, _ in record.headers[: len(_OWN_HEADERS)])
    if names != _OWN_HEADERS:
        raise invalid_record("headers")
    topic, partition, offset, reason, key = (
        value for _, value in record.headers[: len(_OWN_HEADERS)]
    )
    original = Record(record.value, key or None, record.headers[len(_OWN_HEADERS) :])
    if original.size_bytes > RECORD_LIMIT_BYTES:
        raise invalid_record("too_large")
    return DeadLetter(
        TopicPartition(_text(topic), _number(partition)),
        _number(offset),
        _text(reason),
        original,
    )


def _text(value: bytes) -> str:
    try:
        text = value.decode("ascii")
    except UnicodeDecodeError as error:
        raise invalid_record("headers") from error
    if not text.isprintable() or len(text) > _MOST_CHARACTERS:
        raise invalid_record("headers")
    return text


def _number(value: bytes) -> int:
    if not value.isdigit() or len(value) > _LARGEST_NUMBER_DIGITS:
        raise invalid_record("headers")
    return int(value)
