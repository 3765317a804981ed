"""The topics of the log, declared once, and how far a log is from that [core].

Each topic's reason is in DESIGN's table of topics (docs/architecture.md).
"""

from collections.abc import Iterable
from dataclasses import dataclass

TRANSACTIONS = "dns.transactions"
ALERTS = "dns.alerts"
TOP_DOMAINS = "dns.top-domains"
DETECTOR_STATE = "dns.detector-state"
NOTIFICATIONS = "dns.notifications"
DEAD_LETTERS = "dns.dead-letters"

KAFKA_PARTITIONS = 12
EMBEDDED_PARTITIONS = 1

RECORD_LIMIT_BYTES = 1_000_000
"""Largest record; a Kafka broker as it is installed takes little more."""

_DEAD_LETTER_LIMIT_BYTES = RECORD_LIMIT_BYTES + 10_000  # the record and why it is one

_HOUR_SECONDS = 3600
_DAY_SECONDS = 24 * _HOUR_SECONDS
_LONGEST_WINDOW_SECONDS = _DAY_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic, as it should be or as it is.

    Attributes:
        name: Its name.
        partitions: How many.
        retention_seconds: How long a record is kept, from its publication; None is for ever.
        retention_bytes: How much of a partition is kept; None is no limit.
        record_limit_bytes: Largest record: key, value and headers.
        is_dated_by_log: Whether a record's time is when the log took it, and not the sender's.
        is_compacted: Whether old records of a key are forgotten.
    """

    name: str
    partitions: int
    retention_seconds: int | None
    retention_bytes: int | None = None
    record_limit_bytes: int = RECORD_LIMIT_BYTES
    is_dated_by_log: bool = True
    is_compacted: bool = False


def declared_topics(
    partitions: int, transactions_retention_seconds: int = _LONGEST_WINDOW_SECONDS + 7200
) -> tuple[Topic, ...]:
    """All topics of a log whose transactions are in that many partitions.

    Args:
        partitions: `KAFKA_PARTITIONS` or `EMBEDDED_PARTITIONS`, unless somebody knows better.
        transactions_retention_seconds: More than the longest window, or that much history.
    """
    return (
        Topic(
            name=TRANSACTIONS,
            partitions=partitions,
            retention_seconds=transactions_retention_seconds,
        ),
        Topic(name=ALERTS, partitions=1, retention_seconds=30 * _DAY_SECONDS),
        Topic(name=TOP_DOMAINS, partitions=partitions, retention_seconds=_HOUR_SECONDS),
        Topic(name=DETECTOR_STATE, partitions=partitions, retention_seconds=2 * _DAY_SECONDS),
        Topic(name=NOTIFICATIONS, partitions=1, retention_seconds=90 * _DAY_SECONDS),
        Topic(
            name=DEAD_LETTERS,
            partitions=1,
            retention_seconds=7 * _DAY_SECONDS,
            record_limit_bytes=_DEAD_LETTER_LIMIT_BYTES,
        ),
    )


def differences(declared: Iterable[Topic], found: dict[str, Topic]) -> list[str]:
    """One sentence for each thing that must change about the topics; none if all is well.

    Keeping records longer, and taking larger ones, does no harm and isn't mentioned.
    """
    return [
        sentence
        for topic in declared
        for sentence in (
            _differences(topic, found[topic.name])
            if topic.name in found
            else [f"{topic.name} does not exist: run `geophone topics create`"]
        )
    ]


def _differences(declared: Topic, found: Topic) -> list[str]:
    name = declared.name
    sentences = []
    if found.partitions != declared.partitions:
        sentences.append(
            f"{name} has {found.partitions} partitions instead of {declared.partitions}: delete it "
            "and run `geophone topics create`, since names would move between partitions"
        )
    if _is_less(found.retention_seconds, declared.retention_seconds):
        wanted = declared.retention_seconds
        sentences.append(
            f"{name} forgets records after {found.retention_seconds} s: "
            f"set its retention.ms to {-1 if wanted is None else wanted * 1000}"
        )
    if _is_less(found.retention_bytes, declared.retention_bytes):
        wanted = declared.retention_bytes
        sentences.append(
            f"{name} keeps only {found.retention_bytes} bytes of a partition: "
            f"set its retention.bytes to {-1 if wanted is None else wanted}"
        )
    if found.record_limit_bytes < declared.record_limit_bytes:
        sentences.append(
            f"{name} takes no record above {found.record_limit_bytes} bytes: set its "
            f"max.message.bytes so that {declared.record_limit_bytes} bytes and their frame fit"
        )
    if declared.is_dated_by_log and not found.is_dated_by_log:
        sentences.append(
            f"{name} dates records by their sender: set its message.timestamp.type to LogAppendTime"
        )
    if found.is_compacted and not declared.is_compacted:
        sentences.append(f"{name} is compacted: set its cleanup.policy to delete")
    return sentences


def _is_less(found: int | None, declared: int | None) -> bool:
    """Whether `found` limits more than `declared`; None is no limit."""
    if found is None:
        return False
    return declared is None or found < declared
