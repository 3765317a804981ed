"""The records of the embedded log, for readers and writers of this process."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from geophone_shared.bus.embedded import rows
from geophone_shared.bus.embedded.threads import ReadingThreads, WritingThread
from geophone_shared.bus.local import Arrivals, Bounds
from geophone_shared.bus.records import Record, StoredRecord, TopicPartition
from geophone_shared.bus.topics import Topic


class SqliteStore:
    """Keeps records in a SQLite file; `load` it first."""

    def __init__(
        self, writing: WritingThread, reading: ReadingThreads, now_us: Callable[[], int]
    ) -> None:
        self.arrivals = Arrivals()
        self._writing = writing
        self._reading = reading
        self._now_us = now_us
        self._topics: dict[str, Topic] = {}
        self._ids: dict[TopicPartition, int] = {}

    async def load(self) -> None:
        """Learn which topics and partitions there are."""
        self._topics = await self._reading.run(rows.load_topics)
        self._ids = await self._reading.run(rows.load_partitions)

    async def topics(self) -> dict[str, Topic]:
        """All topics, by name."""
        return self._topics

    async def create(self, topics: Sequence[Topic]) -> None:
        """Add topics; one that exists keeps its partitions."""
        await self._writing.run(partial(rows.save_topics, topics=topics))
        await self.load()

    async def append(self, partition: TopicPartition, record: Record) -> int:
        """Keep `record` for good and return its offset."""
        number, topic, now_us = self._ids[partition], self._topics[partition.topic], self._now_us()

        def insert(connection: sqlite3.Connection) -> int:
            return rows.append_record(connection, number, topic, record, now_us)

        return await self._writing.run(insert, partial(self.arrivals.announce, partition))

    async def read(
        self, partition: TopicPartition, offset: int, limit: int, limit_bytes: int
    ) -> list[StoredRecord]:
        """Records from `offset` on."""
        number = self._ids[partition]

        def select(connection: sqlite3.Connection) -> list[StoredRecord]:
            return rows.select_records(connection, number, offset, limit, limit_bytes)

        return await self._reading.run(select)

    async def bounds(self, partition: TopicPartition) -> Bounds:
        """Where the partition begins and ends."""
        return await self._reading.run(partial(rows.select_bounds, partition=self._ids[partition]))

    async def offset_at(self, partition: TopicPartition, time_us: int) -> int:
        """The first record published at `time_us` or later, else the end."""
        number = self._ids[partition]
        return await self._reading.run(partial(rows.find_offset, partition=number, time_us=time_us))

    async def commit(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Keep a group's offsets for good."""
        pairs = [(self._ids[each], offset) for each, offset in offsets.items()]
        await self._writing.run(partial(rows.upsert_committed, group=group, offsets=pairs))

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """A group's offsets, of all partitions."""
        return await self._reading.run(partial(rows.select_committed, group=group))
