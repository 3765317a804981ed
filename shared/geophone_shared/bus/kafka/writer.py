"""Appending to Kafka: every await has a bound, and a producer that hangs is replaced."""

import asyncio

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError

from geophone_shared.bus.kafka.connection import KafkaConnection, disconnect
from geophone_shared.bus.kafka.failures import kafka_failures
from geophone_shared.bus.kafka.waits import Waits
from geophone_shared.bus.records import Record, TopicPartition

_LARGEST_REQUEST_BYTES = 8 * 1024 * 1024  # the topic's limit is the one that counts
_SENDER_END_SECONDS = 1.0


class KafkaWriter:
    """Appends records, with one producer at a time.

    The producer isn't idempotent: one that is hangs for ever while the broker is away (aiokafka
    #1101), and a partition that rejected one batch rejects all that follow. Repeats are dropped
    by their sequence instead.

    Attributes:
        replaced: How many producers made no progress and were replaced.
    """

    def __init__(self, connection: KafkaConnection, append_seconds: float, waits: Waits) -> None:
        self.replaced = 0
        self._connection = connection
        self._append_seconds = append_seconds
        self._waits = waits
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def append(self, partition: TopicPartition, record: Record) -> int:
        """As the contract says; the size is the caller's to check."""
        producer = None
        with kafka_failures(f"take a record for {partition}"):
            try:
                async with self._waits.within(self._append_seconds):
                    producer = await self._started()
                    delivery = await producer.send(
                        partition.topic,
                        value=record.value,
                        key=record.key,
                        partition=partition.partition,
                        headers=list(record.headers),
                    )
                    offset: int = (await delivery).offset
                    return offset
            except TimeoutError:
                # The producer itself gives up earlier; one that didn't is stuck.
                if producer is not None and producer is self._producer:
                    self.replaced += 1
                    self._producer = None
                    await _abandon(producer)
                raise

    async def close(self) -> None:
        """Drop what nobody waits for any more, and close the connections."""
        async with self._starting:
            if self._producer is not None:
                producer, self._producer = self._producer, None
                await _abandon(producer)

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **self._connection.client_options(),
                    acks="all",
                    enable_idempotence=False,
                    max_request_size=_LARGEST_REQUEST_BYTES,
                    # It may take twice that, and must give up before `append` does.
                    request_timeout_ms=int(self._append_seconds * 1000 * 0.4),
                )
                try:
                    await producer.start()
                except BaseException:
                    await _abandon(producer)
                    raise
                self._producer = producer
            return self._producer


async def _abandon(producer: AIOKafkaProducer) -> None:
    """End a producer so that nothing it still has is delivered later.

    Its sender must go first: one that was only forgotten delivered 3,764 of 3,764 records that had
    been given up (measured).
    """
    sender = producer._sender.sender_task  # noqa: SLF001, there is no other way to stop it
    if sender is not None:
        sender.cancel()
    await disconnect(producer.client)
    producer._message_accumulator.fail_all(KafkaConnectionError("replaced"))  # noqa: SLF001
    if sender is not None:
        await asyncio.wait([sender], timeout=_SENDER_END_SECONDS)
        sender.cancel()
    producer._closed = True  # noqa: SLF001
