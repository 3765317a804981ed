"""What a log does: the contract of Kafka, the embedded log and the memory log alike [core].

A log has topics; a topic has a fixed number of partitions; a partition is a sequence of records
that grows at its end and is forgotten from its beginning. Records are delivered in their order,
at least once. One suite, tests/contract/test_bus.py, holds all three to what is said here.

Every method that asks the log answers within a bound: it raises TransientError when the log
doesn't answer, and ConfigError when the log refuses for a reason that waiting doesn't cure.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from geophone_shared.bus.records import Record, StoredRecord, TopicPartition
from geophone_shared.bus.topics import Topic

OnPartitions = Callable[[Sequence[TopicPartition]], Awaitable[None]]
"""Told which partitions a member of a group now has, or has no longer; in order, never none."""


class Writer(Protocol):
    """Appends records."""

    async def append(self, partition: TopicPartition, record: Record) -> int:
        """Append `record` and return its offset, once it can't be lost.

        Appends to one partition that run at the same time may end in any order. After a
        TransientError or a cancellation the record may be on the log or not, and comes to it no
        later than a bound after: who appends it again may have it there twice.

        Raises:
            ValueError: the record is larger than the topic takes; nothing was sent.
            ConfigError: there is no such topic.
            TransientError: it wasn't acknowledged in time.
        """
        ...


class Reader(Protocol):
    """Reads partitions, each from a position of its own; at first from their beginning.

    A position that has no record because it was forgotten, or because it lies behind the end,
    goes on at the first record that the partition has.
    """

    async def poll(
        self, timeout_seconds: float, max_records: int
    ) -> dict[TopicPartition, list[StoredRecord]]:
        """The next records; none if there are none for `timeout_seconds`.

        At most `max_records` over all partitions (of this call, or of one before that ran out of
        time), and about 16 MiB. A cancelled call loses none. One call at a time.

        Raises:
            InvalidRecordError: one was damaged on the log, and is skipped.
        """
        ...

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on at `offset` in one of the partitions."""
        ...

    async def positions(self) -> dict[TopicPartition, int]:
        """The offset at which each partition goes on."""
        ...

    async def first_offsets(self) -> dict[TopicPartition, int]:
        """The offset of each partition's first record that is still kept."""
        ...

    async def end_offsets(self) -> dict[TopicPartition, int]:
        """The offset that each partition's next record will get.

        A partition whose end moves away from a position that stays has a reader that is stuck, as
        has one whose `poll` keeps raising TransientError although the log answers: leave its
        `async with` and open another.
        """
        ...

    async def offsets_at(self, time_us: int) -> dict[TopicPartition, int]:
        """Of each partition's first record published at `time_us` or later; else its end."""
        ...


class GroupReader(Reader, Protocol):
    """Reads the partitions that fall to one member of a group; at first from what is committed.

    `poll` runs the member's callbacks, so what it holds changes inside of `poll` and nowhere else.
    `on_revoked` still may commit; when it has returned, no record of the old assignment comes
    any more. `on_assigned` may `seek`. One that raises is called again by the next `poll`. A
    member that doesn't poll for five minutes, or whose `on_revoked` takes half a minute, is
    expelled: another one has its partitions before it is told. Leaving the `async with` calls none.
    """

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Remember for the group at which offset each partition goes on.

        Raises:
            TransientError: it wasn't acknowledged, perhaps because another member has them by now.
        """
        ...

    async def committed(self) -> dict[TopicPartition, int]:
        """What is committed, of the partitions held; those where nothing is are left out.

        Raises:
            TransientError: the log can't say yet. That never looks as if nothing were committed.
        """
        ...


class Bus(Writer, Protocol):
    """A log."""

    async def describe_topics(self, names: Collection[str]) -> dict[str, Topic]:
        """The topics of these names, as they are; those that don't exist are left out."""
        ...

    async def create_topics(self, topics: Sequence[Topic]) -> None:
        """Create topics; one that exists is left as it is.

        Raises:
            ConfigError: the log refuses one.
        """
        ...

    def reader(self, partitions: Sequence[TopicPartition]) -> AbstractAsyncContextManager[Reader]:
        """A reader of these partitions, on entering.

        Raises:
            ConfigError: one doesn't exist.
        """
        ...

    def group_reader(
        self,
        group: str,
        topics: Sequence[str],
        *,
        member: str | None = None,
        on_assigned: OnPartitions,
        on_revoked: OnPartitions,
    ) -> AbstractAsyncContextManager[GroupReader]:
        """A member of `group`, which shares the partitions of `topics` among its members.

        Args:
            group: Its name; what is committed belongs to it.
            topics: All members name the same.
            member: A name that this member keeps when it is started anew: if that is soon, it gets
                its partitions back and the others notice nothing. Never two at a time. None: it
                leaves the group with its `async with`.
            on_assigned: Called with the partitions that it got.
            on_revoked: Called with all that it held.

        Raises:
            ConfigError: a topic doesn't exist.
        """
        ...
