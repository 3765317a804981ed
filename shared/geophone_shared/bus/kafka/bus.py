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
from geophone_shared.bus.kafka.writer import KafkaWriter
from geophone_shared.bus.records import Record, TopicPartition
from geophone_shared.bus.topics import Topic
from geophone_shared.errors import TransientError


@asynccontextmanager
async def open_kafka_bus(
    connection: KafkaConnection, timeouts: KafkaTimeouts | None = None
) -> "AsyncIterator[KafkaBus]":
    """A log in Kafka, on entering reached once.

    Raises:
        ConfigError: a setting is wrong, or the brokers refuse the user or the TLS.
        TransientError: no broker answers.
    """
    timeouts = timeouts or KafkaTimeouts()
    client = AIOKafkaAdminClient(
        **connection.client_options(), request_timeout_ms=int(timeouts.answer_seconds * 1000)
    )
    try:
        try:
            async with asyncio.timeout(timeouts.answer_seconds):
                await client.start()
        except (KafkaError, TimeoutError, OSError) as error:
            raise await explain_unreachable(connection, timeouts.answer_seconds) from error
        writer = KafkaWriter(connection, timeouts.append_seconds)
        try:
            yield KafkaBus(connection, timeouts, client, writer)
        finally:
            await writer.close()
    finally:
        await disconnect(client._client)  # noqa: SLF001, its own `close` waits for ever


class KafkaBus:
    """A log in Kafka: one producer for all that is appended, one consumer for each reader."""

    def __init__(
        self,
        connection: KafkaConnection,
        timeouts: KafkaTimeouts,
        client: AIOKafkaAdminClient,
        writer: KafkaWriter,
    ) -> None:
        self.writer = writer
        self._connection = connection
        self._timeouts = timeouts
        self._administration = KafkaAdministration(client, timeouts.answer_seconds)
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
        consumer = await start_consumer(self._connection, self._timeouts)
        reader = KafkaReader(consumer, self._timeouts.answer_seconds, partitions)
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
        consumer = await start_consumer(self._connection, self._timeouts, group, member)
        membership = Membership(consumer, on_assigned, on_revoked)
        reader = KafkaReader(consumer, self._timeouts.answer_seconds, membership=membership)
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
