"""The contract inside of one process, over a store of records: the embedded and the memory log.

A group has one member here, which has all partitions. Who waits for records is woken when one is
appended; nothing polls.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import NamedTuple, Protocol

from geophone_shared.bus.checks import check_partitions, check_size
from geophone_shared.bus.contract import OnPartitions
from geophone_shared.bus.records import Record, StoredRecord, TopicPartition
from geophone_shared.bus.topics import Topic

_POLL_LIMIT_BYTES = 16 * 1024 * 1024


class Bounds(NamedTuple):
    """Offsets of a partition's first record that is kept, and of the next one to come."""

    first: int
    end: int


class Store(Protocol):
    """Keeps the records; the partitions it is asked for exist."""

    @property
    def arrivals(self) -> "Arrivals":
        """Announces each append."""
        ...

    async def topics(self) -> dict[str, Topic]:
        """All topics, by name."""
        ...

    async def create(self, topics: Sequence[Topic]) -> None:
        """Add topics; of one that exists, take over what doesn't concern its records' places."""
        ...

    async def append(self, partition: TopicPartition, record: Record) -> int:
        """Keep `record` for good and return its offset."""
        ...

    async def read(
        self, partition: TopicPartition, offset: int, limit: int, limit_bytes: int
    ) -> list[StoredRecord]:
        """Records from `offset` on: at most `limit`, and about `limit_bytes`, but at least one."""
        ...

    async def bounds(self, partition: TopicPartition) -> Bounds:
        """Where the partition begins and ends."""
        ...

    async def offset_at(self, partition: TopicPartition, time_us: int) -> int:
        """The first record published at `time_us` or later, else the end."""
        ...

    async def commit(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Keep a group's offsets for good."""
        ...

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """A group's offsets, of all partitions."""
        ...


class Arrivals:
    """Wakes those who wait for records of a partition, and nobody else.

    There are thousands of records a second of the transactions: if all who read something looked
    at each of them, looking would take most of the time.
    """

    def __init__(self) -> None:
        self._waiting: dict[TopicPartition, set[asyncio.Event]] = {}

    @contextmanager
    def expected(self, partitions: Collection[TopicPartition]) -> Iterator[asyncio.Event]:
        """An event, set at each arrival: clear it first, then look, then wait."""
        arrival = asyncio.Event()
        for each in partitions:
            self._waiting.setdefault(each, set()).add(arrival)
        try:
            yield arrival
        finally:
            for each in partitions:
                self._waiting[each].discard(arrival)

    def announce(self, partition: TopicPartition) -> None:
        """Something was appended."""
        for arrival in self._waiting.get(partition, ()):
            arrival.set()


class Membership:
    """The only member of a group, and what it must be told."""

    def __init__(self, group: str, on_assigned: OnPartitions, on_revoked: OnPartitions) -> None:
        self.group = group
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._is_assigned = False
        self._is_leaving = False

    def rebalance(self) -> None:
        """Have the next poll revoke everything and assign it again."""
        self._is_leaving = self._is_assigned

    async def settle(self, reader: "LocalReader") -> None:
        """Run the callbacks that are due."""
        partitions = sorted(reader.partitions)
        if self._is_leaving:
            await self._on_revoked(partitions)
            self._is_leaving = self._is_assigned = False
        if not self._is_assigned:
            await reader.resume_group()
            await self._on_assigned(partitions)
            self._is_assigned = True


class LocalReader:
    """Reads partitions of a store, by hand or as the only member of a group.

    Args:
        store: what is read.
        partitions: of it, each from its beginning.
        arrival: set at each arrival in one of them. Once nothing was found, the store isn't asked
            again until then: to ask it costs a hundred times what it costs to know.
        membership: of the group.
    """

    def __init__(
        self,
        store: Store,
        partitions: Sequence[TopicPartition],
        arrival: asyncio.Event,
        membership: Membership | None = None,
    ) -> None:
        self.partitions = tuple(partitions)
        self._store = store
        self._arrival = arrival
        self._arrival.set()  # what is there already
        self._membership = membership
        self._positions = dict.fromkeys(partitions, 0)
        self._turns = deque(partitions)

    async def poll(
        self, timeout_seconds: float, max_records: int
    ) -> dict[TopicPartition, list[StoredRecord]]:
        """As the contract says."""
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        while True:
            if self._membership is not None:
                await self._membership.settle(self)
            if self._arrival.is_set():
                self._arrival.clear()
                records: dict[TopicPartition, list[StoredRecord]] | None = None
                try:
                    records = await self._read(max_records)
                finally:
                    if records != {}:  # there may be more, or it couldn't be read
                        self._arrival.set()
                if records:
                    return records
            try:
                async with asyncio.timeout_at(deadline):
                    await self._arrival.wait()
            except TimeoutError:
                return {}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """As the contract says."""
        if partition not in self._positions:
            raise ValueError(f"{partition} is not read here")
        self._positions[partition] = offset
        self._arrival.set()

    async def positions(self) -> dict[TopicPartition, int]:
        """As the contract says."""
        positions = {}
        for partition, position in self._positions.items():
            first, end = await self._store.bounds(partition)
            positions[partition] = position if first <= position <= end else first
        return positions

    async def first_offsets(self) -> dict[TopicPartition, int]:
        """As the contract says."""
        return {each: (await self._store.bounds(each)).first for each in self.partitions}

    async def end_offsets(self) -> dict[TopicPartition, int]:
        """As the contract says."""
        return {each: (await self._store.bounds(each)).end for each in self.partitions}

    async def offsets_at(self, time_us: int) -> dict[TopicPartition, int]:
        """As the contract says."""
        return {each: await self._store.offset_at(each, time_us) for each in self.partitions}

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """As the contract says, for the member of a group."""
        if not offsets.keys() <= self._positions.keys():
            raise ValueError("only partitions that are read can be committed")
        await self._store.commit(self._group(), offsets)

    async def committed(self) -> dict[TopicPartition, int]:
        """As the contract says, for the member of a group."""
        committed = await self._store.committed(self._group())
        return {each: committed[each] for each in self.partitions if each in committed}

    async def resume_group(self) -> None:
        """Go on where the group left off."""
        self._positions |= dict.fromkeys(self.partitions, 0) | await self.committed()
        self._arrival.set()

    def _group(self) -> str:
        if self._membership is None:
            raise ValueError("who reads by hand is in no group")
        return self._membership.group

    async def _read(self, max_records: int) -> dict[TopicPartition, list[StoredRecord]]:
        found: dict[TopicPartition, list[StoredRecord]] = {}
        records_left, bytes_left = max_records, _POLL_LIMIT_BYTES
        for partition in tuple(self._turns):
            if records_left <= 0 or bytes_left <= 0:
                break
            position = self._positions[partition]
            records = await self._store.read(partition, position, records_left, bytes_left)
            if not records and position != (end := (await self._store.bounds(partition)).end):
                # Forgotten, behind the end, or the last ones before the end are lost; else new.
                begin = position if position < end else 0
                records = await self._store.read(partition, begin, records_left, bytes_left)
                if not records and position < end:
                    self._positions[partition] = end
            self._turns.rotate(-1)  # the next poll begins where this one ends
            if records:
                found[partition] = records
                records_left -= len(records)
                bytes_left -= sum(len(record.value) for record in records)
        # Only now: until here, whoever cancels the call loses nothing.
        self._positions |= {each: records[-1].offset + 1 for each, records in found.items()}
        return found


class LocalBus:
    """A log over a store; one per store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._members: dict[str, Membership] = {}

    async def append(self, partition: TopicPartition, record: Record) -> int:
        """As the contract says."""
        topics = await self._store.topics()
        check_partitions(topics, [partition])
        check_size(topics[partition.topic], record)
        return await self._store.append(partition, record)

    async def describe_topics(self, names: Collection[str]) -> dict[str, Topic]:
        """As the contract says."""
        return {
            name: topic for name, topic in (await self._store.topics()).items() if name in names
        }

    async def create_topics(self, topics: Sequence[Topic]) -> None:
        """As the contract says, but how long records are kept follows what is declared."""
        await self._store.create(topics)

    @asynccontextmanager
    async def reader(self, partitions: Sequence[TopicPartition]) -> AsyncIterator[LocalReader]:
        """As the contract says."""
        check_partitions(await self._store.topics(), partitions)
        with self._store.arrivals.expected(partitions) as arrival:
            yield LocalReader(self._store, partitions, arrival)

    @asynccontextmanager
    async def group_reader(
        self,
        group: str,
        topics: Sequence[str],
        *,
        member: str | None = None,
        on_assigned: OnPartitions,
        on_revoked: OnPartitions,
    ) -> AsyncIterator[LocalReader]:
        """As the contract says; a group has one member at a time."""
        if group in self._members:
            raise ValueError(f"{group} has its member already")
        known = await self._store.topics()
        check_partitions(known, [TopicPartition(name, 0) for name in topics])
        partitions = [
            TopicPartition(name, number)
            for name in topics
            for number in range(known[name].partitions)
        ]
        membership = self._members[group] = Membership(group, on_assigned, on_revoked)
        try:
            with self._store.arrivals.expected(partitions) as arrival:
                yield LocalReader(self._store, partitions, arrival, membership)
        finally:
            del self._members[group]

    def rebalance(self, group: str) -> None:
        """Have a group's member lose all it holds at its next poll, and get it again."""
        self._members[group].rebalance()
