"""What is on the log: records in the partitions of topics [core]."""

from dataclasses import dataclass
from typing import NamedTuple

Headers = tuple[tuple[str, bytes], ...]
"""Headers of a record, in order; a name may occur more than once."""


class TopicPartition(NamedTuple):
    """One partition of a topic; as text `dns.transactions/3`."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"


@dataclass(frozen=True, slots=True)
class Record:
    """What is appended.

    Attributes:
        value: The payload; may be empty.
        key: What the record is about, or None. It decides nothing: who appends names the partition.
        headers: What is known of the payload without decoding it.
    """

    value: bytes
    key: bytes | None = None
    headers: Headers = ()

    @property
    def size_bytes(self) -> int:
        """Bytes of key, value and headers together, which topics limit."""
        headers = sum(len(name.encode()) + len(value) for name, value in self.headers)
        return len(self.value) + len(self.key or b"") + headers


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record as it is read from a partition.

    Attributes:
        offset: Its place in the partition. Offsets rise, and are never given twice.
        published_us: When the log took it, µs since the epoch, in whole milliseconds.
        value: As appended; likewise `key` and `headers`.
    """

    offset: int
    published_us: int
    value: bytes
    key: bytes | None
    headers: Headers
