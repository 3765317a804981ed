"""A log in lists, for tests: gone with the process."""

import asyncio
import bisect
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from geophone_shared.bus.local import Arrivals, Bounds, LocalBus
from geophone_shared.bus.records import Record, StoredRecord, TopicPartition
from geophone_shared.bus.topics import Topic


@asynccontextmanager
async def open_memory_bus(
    now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
) -> AsyncIterator[LocalBus]:
    """A new log, empty.

    Args:
        now_us: The time that records are published at, µs since the epoch.
    """
    yield LocalBus(MemoryStore(now_us))


@dataclass(slots=True)
class _Partition:
    records: list[StoredRecord] = field(default_factory=list)
    end: int = 0
    kept_bytes: int = 0

    @property
    def first(self) -> int:
        return self.end - len(self.records)


class MemoryStore:
    """Keeps records in one list per partition."""

    def __init__(self, now_us: Callable[[], int]) -> None:
        self.arrivals = Arrivals()
        self._now_us = now_us
        self._topics: dict[str, Topic] = {}
        self._partitions: dict[TopicPartition, _Partition] = {}
        self._committed: dict[str, dict[TopicPartition, int]] = {}

    async def topics(self) -> dict[str, Topic]:
        """All topics, by name."""
        return self._topics

    async def create(self, topics: Sequence[Topic]) -> None:
        """Add topics; one that exists keeps its partitions."""
        for topic in topics:
            known = self._topics.get(topic.name)
            if known is None:
                for number in range(topic.partitions):
                    self._partitions[TopicPartition(topic.name, number)] = _Partition()
            partitions = topic.partitions if known is None else known.partitions
            self._topics[topic.name] = replace(topic, partitions=partitions)

    async def append(self, partition: TopicPartition, record: Record) -> int:
        """Keep `record`, forget what is too old or too much, and return the offset."""
        # Other logs take their time here, so that who depends on it fails in tests too.
        await asyncio.sleep(0)
        log = self._partitions[partition]
        published_us = self._now_us() // 1000 * 1000
        if log.records:
            published_us = max(published_us, log.records[-1].published_us)
        offset = log.end
        stored = StoredRecord(offset, published_us, record.value, record.key, record.headers)
        log.records.append(stored)
        log.end += 1
        log.kept_bytes += record.size_bytes
        self._forget(self._topics[partition.topic], log)
        self.arrivals.announce(partition)
        return offset

    async def read(
        self, partition: TopicPartition, offset: int, limit: int, limit_bytes: int
    ) -> list[StoredRecord]:
        """Records from `offset` on."""
        log = self._partitions[partition]
        begin = max(offset - log.first, 0)
        records = log.records[begin : begin + limit]
        total = 0
        for index, record in enumerate(records):
            total += len(record.value)
            if total > limit_bytes and index > 0:
                return records[:index]
        return records

    async def bounds(self, partition: TopicPartition) -> Bounds:
        """Where the partition begins and ends."""
        log = self._partitions[partition]
        return Bounds(log.first, log.end)

    async def offset_at(self, partition: TopicPartition, time_us: int) -> int:
        """The first record published at `time_us` or later, else the end."""
        log = self._partitions[partition]
        return log.first + bisect.bisect_left(
            log.records, time_us, key=lambda record: record.published_us
        )

    async def commit(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Keep a group's offsets."""
        self._committed.setdefault(group, {}).update(offsets)

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """A group's offsets, of all partitions."""
        return self._committed.get(group, {})

    def _forget(self, topic: Topic, log: _Partition) -> None:
        def is_expired(record: StoredRecord) -> bool:
            if topic.retention_seconds is not None:
                oldest_us = log.records[-1].published_us - topic.retention_seconds * 1_000_000
                if record.published_us < oldest_us:
                    return True
            return topic.retention_bytes is not None and log.kept_bytes > topic.retention_bytes

        gone = 0
        while gone < len(log.records) - 1 and is_expired(log.records[gone]):
            record = log.records[gone]
            log.kept_bytes -= Record(record.value, record.key, record.headers).size_bytes
            gone += 1
        del log.records[:gone]
