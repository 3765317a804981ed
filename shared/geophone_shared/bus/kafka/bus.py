"""The contract over Apache Kafka."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition as KafkaPartition

from geophone_shared.bus.checks import check_partitions, check_size
from geophone_shared.bus.contract import OnPartitions
from geophone_shared.bus.kafka.administration import KafkaAdministration
from geophone_shared.bus.kafka.connection import (
    KafkaConnection,
    KafkaTimeouts,
    disconnect,
    explain_unreachable,
)
from geophone_shared.bus.kafka.membership import Membership
from geophone_shared.bus.kafka.reader import KafkaReader, start_consumer
from geophone_shared.bus.kafka.waits import Waits
from geophone_shared.bus.kafka.writer import KafkaWriter
from geophone_shared.bus.records import Record, TopicPartition
from geophone_shared.bus.topics import Topic
from geophone_shared.errors import TransientError


@asynccontextmanager
async def open_kafka_bus(
    connection: KafkaConnection,
    timeouts: KafkaTimeouts | None = None,
    stop: asyncio.Event | None = None,
) -> "AsyncIterator[KafkaBus]":
    """A log in Kafka, on entering reached once.

    Args:
        connection: Where it is.
        timeouts: How long it may take.
        stop: Once it is set, Kafka is waited for a few seconds more, and given up after that.

    Raises:
        ConfigError: a setting is wrong, or the brokers refuse the user or the TLS.
        TransientError: no broker answers; on leaving, it didn't after the stop.
    """
    timeouts = timeouts or KafkaTimeouts()
    waits = Waits()
    # Not a task group's, which would put what the `async with` raises into a group.
    hurrying = asyncio.get_running_loop().create_task(waits.hurry_after(stop or asyncio.Event()))
    client = AIOKafkaAdminClient(
        **connection.client_options(), request_timeout_ms=int(timeouts.answer_seconds * 1000)
    )
    try:
        try:
            async with waits.within(timeouts.answer_seconds):
                await client.start()
        except (KafkaError, TimeoutError, OSError) as error:
            answer_seconds = waits.at_most(timeouts.answer_seconds)
            raise await explain_unreachable(connection, answer_seconds) from error
        writer = KafkaWriter(connection, timeouts.append_seconds, waits)
        try:
            yield KafkaBus(connection, timeouts, waits, client, writer)
        finally:
            await writer.close()
    finally:
        hurrying.cancel()
        await disconnect(client._client)  # noqa: SLF001, its own `close` waits for ever
    if waits.has_given_up:
        raise TransientError(
            "Kafka did not answer at the stop: what it should still have got is told above, and the"
            " next start goes on from what it has"
        )


class KafkaBus:
    """A log in Kafka: one producer for all that is appended, one consumer for each reader."""

    def __init__(
        self,
        connection: KafkaConnection,
        timeouts: KafkaTimeouts,
        waits: Waits,
        client: AIOKafkaAdminClient,
        writer: KafkaWriter,
    ) -> None:
        self.writer = writer
        self._connection = connection
        self._timeouts = timeouts
        self._waits = waits
        self._administration = KafkaAdministration(client, timeouts.answer_seconds, waits)
        self._topics: dict[str, Topic] = {}

    async def append(self, partition: TopicPartition, record: Record) -> int:
        """As the contract says."""
        await self._check([partition])
        check_size(self._topics[partition.topic], record)
        try:
            return await self.writer.append(partition, record)
        except TransientError:
            # Perhaps the topic is gone, which looks to a producer as if the broker were away.
            self._topics.pop(partition.topic, None)
            raise

    async def describe_topics(self, names: Collection[str]) -> dict[str, Topic]:
        """As the contract says."""
        return await self._administration.describe_topics(names)

    async def create_topics(self, topics: Sequence[Topic]) -> None:
        """As the contract says."""
        await self._administration.create_topics(topics)

    @asynccontextmanager
    async def reader(self, partitions: Sequence[TopicPartition]) -> AsyncIterator[KafkaReader]:
        """As the contract says."""
        await self._check(partitions)
        consumer = await start_consumer(self._connection, self._timeouts, self._waits)
        reader = KafkaReader(consumer, self._timeouts.answer_seconds, self._waits, partitions)
        try:
            consumer.assign([KafkaPartition(*each) for each in partitions])
            yield reader
        finally:
            await reader.close()

    @asynccontextmanager
    async def group_reader(
        self,
        group: str,
        topics: Sequence[str],
        *,
        member: str | None = None,
        on_assigned: OnPartitions,
        on_revoked: OnPartitions,
    ) -> AsyncIterator[KafkaReader]:
        """As the contract says."""
        await self._check(TopicPartition(topic, 0) for topic in topics)
        consumer = await start_consumer(
            self._connection, self._timeouts, self._waits, group, member
        )
        membership = Membership(consumer, on_assigned, on_revoked)
        reader = KafkaReader(
            consumer, self._timeouts.answer_seconds, self._waits, membership=membership
        )
        try:
            consumer.subscribe(list(topics), listener=membership)
            yield reader
        finally:
            await reader.close()

    async def _check(self, partitions: Iterable[TopicPartition]) -> None:
        partitions = list(partitions)
        if missing := {each.topic for each in partitions} - self._topics.keys():
            self._topics |= await self._administration.describe_topics(missing)
        check_partitions(self._topics, partitions)
