"""What a member of a Kafka group must be told, kept until its next poll.

aiokafka calls a listener from a task of its own. A revocation waits there until `poll` has told
the member; meanwhile the heartbeat goes on. An assignment doesn't wait, since no heartbeat would
be sent: its partitions are paused until the member was told.
"""

import asyncio
from collections.abc import Collection

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.structs import TopicPartition as KafkaPartition

from geophone_shared.bus.contract import OnPartitions
from geophone_shared.bus.records import TopicPartition


class Membership(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """The listener of one consumer.

    Attributes:
        held: The partitions that the member has, as far as it was told.
        news: Resolved as soon as there is something to tell.
    """

    def __init__(
        self, consumer: AIOKafkaConsumer, on_assigned: OnPartitions, on_revoked: OnPartitions
    ) -> None:
        self.held: tuple[TopicPartition, ...] = ()
        self.news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._consumer = consumer
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._assigned: tuple[TopicPartition, ...] = ()
        self._revocation: asyncio.Future[None] | None = None
        self._is_closed = False

    async def on_partitions_revoked(self, revoked: Collection[KafkaPartition]) -> None:
        """From aiokafka: the group waits until the member has let go."""
        self._assigned = ()
        if self.held and not self._is_closed:
            self._revocation = asyncio.get_running_loop().create_future()
            self._announce()
            await self._revocation

    def on_partitions_assigned(self, assigned: Collection[KafkaPartition]) -> None:
        """From aiokafka: the group has met, and no record may come before the member knows."""
        self._consumer.pause(*assigned)
        self._assigned = tuple(sorted(TopicPartition(*each) for each in assigned))
        if self._assigned:
            self._announce()

    async def settle(self) -> None:
        """Tell the member what there is to tell."""
        while self._revocation is not None or self._assigned:
            self.news = asyncio.get_running_loop().create_future()
            if self._revocation is not None:
                if self.held:
                    await self._on_revoked(self.held)
                self.held = ()
                revocation, self._revocation = self._revocation, None
                revocation.set_result(None)
            else:
                await self._tell_assigned(self._assigned)

    def close(self) -> None:
        """Tell nobody anything any more, and don't hold up the group."""
        self._is_closed = True
        if self._revocation is not None and not self._revocation.done():
            self._revocation.set_result(None)

    async def _tell_assigned(self, assigned: tuple[TopicPartition, ...]) -> None:
        # Already now, so that a rebalance meanwhile waits, and a callback may look around.
        self.held = assigned
        try:
            await self._on_assigned(assigned)
        except BaseException:
            self.held = ()
            raise
        if self._assigned is assigned:
            self._assigned = ()
            self._consumer.resume(*(KafkaPartition(*each) for each in assigned))

    def _announce(self) -> None:
        if not self.news.done():
            self.news.set_result(None)
