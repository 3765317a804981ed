"""Logs for tests, by name: one per implementation of the contract."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from geophone_shared.bus.contract import Bus, GroupReader
from geophone_shared.bus.kafka import KafkaConnection, KafkaTimeouts, open_kafka_bus
from geophone_shared.bus.records import Record, StoredRecord, TopicPartition
from geophone_shared.bus.topics import Topic
from tests.support.kafka.broker import KafkaBroker

QUICK = KafkaTimeouts(
    append_seconds=4.0, answer_seconds=4.0, session_seconds=2.0, heartbeat_seconds=0.2
)
"""For tests: a group notices in 2 s that a member died."""

_numbers = itertools.count()


def a_topic(partitions: int = 1, *, limit_bytes: int = 1_000_000) -> Topic:
    """A topic with a name of its own."""
    return Topic(
        name=f"test.{next(_numbers)}",
        partitions=partitions,
        retention_seconds=3600,
        record_limit_bytes=limit_bytes,
    )


def of(topic: Topic, number: int = 0) -> TopicPartition:
    """One of the topic's partitions."""
    return TopicPartition(topic.name, number)


@asynccontextmanager
async def kafka_bus(broker: KafkaBroker, timeouts: KafkaTimeouts = QUICK) -> AsyncIterator[Bus]:
    """A log in the broker."""
    connection = KafkaConnection(bootstrap_servers=broker.bootstrap_servers)
    async with open_kafka_bus(connection, timeouts) as bus:
        yield bus


async def append(bus: Bus, partition: TopicPartition, *values: bytes) -> list[int]:
    """Append records of these values, one after the other; their offsets."""
    return [await bus.append(partition, Record(value)) for value in values]


async def read_values(bus: Bus, partition: TopicPartition, begin: int = 0) -> list[bytes]:
    """The values of all records that a partition has, from `begin` on."""
    async with bus.reader([partition]) as reader:
        end = (await reader.end_offsets())[partition]
        reader.seek(partition, begin)
        values: list[bytes] = []
        while (await reader.positions())[partition] < end:
            polled = await reader.poll(5, 1000)
            values += [record.value for record in polled.get(partition, [])]
        return values


@dataclass(slots=True)
class Member:
    """What a member of a group was told, and what it read.

    `when_assigned` and `when_revoked` do more, after it was noted.
    """

    _reader: GroupReader | None = None
    told: list[tuple[str, tuple[TopicPartition, ...]]] = field(default_factory=list)
    held: set[TopicPartition] = field(default_factory=set)
    read: list[tuple[TopicPartition, StoredRecord]] = field(default_factory=list)
    when_assigned: Callable[[GroupReader], Awaitable[None]] | None = None
    when_revoked: Callable[[GroupReader], Awaitable[None]] | None = None

    @property
    def reader(self) -> GroupReader:
        if self._reader is None:
            raise RuntimeError("not a member yet")
        return self._reader

    async def on_assigned(self, partitions: Sequence[TopicPartition]) -> None:
        self.told.append(("assigned", tuple(partitions)))
        self.held |= set(partitions)
        if self.when_assigned is not None:
            await self.when_assigned(self.reader)

    async def on_revoked(self, partitions: Sequence[TopicPartition]) -> None:
        self.told.append(("revoked", tuple(partitions)))
        if self.when_revoked is not None:
            await self.when_revoked(self.reader)
        self.held -= set(partitions)

    async def poll(self, timeout_seconds: float = 0.1, max_records: int = 1000) -> int:
        """Poll once; how many records came."""
        polled = await self.reader.poll(timeout_seconds, max_records)
        records = [(each, record) for each in polled for record in polled[each]]
        stray = {each for each, _ in records} - self.held
        if stray:
            raise AssertionError(f"records of {stray}, which the member does not hold")
        self.read += records
        return len(records)

    async def poll_until(self, count: int) -> None:
        """Poll until `count` records were read in all."""
        while len(self.read) < count:
            await self.poll(1)

    def values(self) -> list[bytes]:
        return [record.value for _, record in self.read]


@asynccontextmanager
async def a_member(
    bus: Bus, group: str, *topics: Topic, name: str | None = None
) -> AsyncIterator[Member]:
    """A member of a group, which has not polled yet."""
    member = Member()
    async with bus.group_reader(
        group,
        [topic.name for topic in topics],
        member=name,
        on_assigned=member.on_assigned,
        on_revoked=member.on_revoked,
    ) as reader:
        member._reader = reader
        yield member
