"""Where a reader of Kafka goes on, while records come at awkward moments."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.structs import TopicPartition as KafkaPartition

from geophone_shared.bus.kafka.reader import KafkaReader
from geophone_shared.bus.kafka.waits import Waits
from geophone_shared.bus.records import TopicPartition

PARTITION = TopicPartition("dns.alerts", 0)
THEIRS = KafkaPartition(*PARTITION)


class Consumer:
    """Stands for aiokafka's consumer of `PARTITION`: of a broker that has `records` of them.

    Attributes:
        records: how many there are.
        arrives: set when a fetch may end.
    """

    def __init__(self) -> None:
        self.records = 0
        self.arrives = asyncio.Event()
        self._position = 0
        self._subscription = SimpleNamespace(_fetch_count=0)

    async def getmany(self, **_: Any) -> dict[KafkaPartition, list[Any]]:
        await self.arrives.wait()
        offsets = range(self._position, self.records)
        self._position = self.records
        return {THEIRS: [record(offset) for offset in offsets]} if offsets else {}

    async def position(self, _partition: KafkaPartition) -> int:
        return self._position

    async def end_offsets(self, _partitions: Any) -> dict[KafkaPartition, int]:
        await asyncio.sleep(0)
        return {THEIRS: self.records}

    async def offsets_for_times(self, _times: Any) -> dict[KafkaPartition, Any]:
        """As it is when the question comes; a record is published before the answer is there."""
        found = SimpleNamespace(offset=0) if self.records else None
        self.records += 1
        await asyncio.sleep(0)
        return {THEIRS: found}

    def seek(self, _partition: KafkaPartition, offset: int) -> None:
        self._position = offset


def record(offset: int) -> Any:
    return SimpleNamespace(offset=offset, timestamp=0, value=b"%d" % offset, key=None, headers=())


@pytest.fixture
async def consumer() -> Consumer:
    return Consumer()


@pytest.fixture
async def reader(consumer: Consumer) -> KafkaReader:
    return KafkaReader(consumer, 5.0, Waits(), [PARTITION])


async def test_what_is_published_while_a_time_is_asked_for_is_not_skipped(
    consumer: Consumer, reader: KafkaReader
) -> None:
    offsets = await reader.offsets_at(0)
    assert consumer.records == 1
    assert offsets == {PARTITION: 0}


async def test_what_comes_after_a_poll_is_not_passed_over(
    consumer: Consumer, reader: KafkaReader
) -> None:
    """Who waits for a position to reach the end must not miss what wasn't handed over yet."""
    consumer.records = 2
    assert await reader.poll(0.0, 10) == {}
    consumer.arrives.set()
    await asyncio.sleep(0.01)
    assert await consumer.position(THEIRS) == 2
    assert await reader.positions() == {PARTITION: 0}
    polled = await reader.poll(0.0, 10)
    assert [each.offset for each in polled[PARTITION]] == [0, 1]
    assert await reader.positions() == {PARTITION: 2}


async def test_a_position_that_was_sought_counts_more_than_what_came_before(
    consumer: Consumer, reader: KafkaReader
) -> None:
    consumer.records = 3
    assert await reader.poll(0.0, 10) == {}
    consumer.arrives.set()
    await asyncio.sleep(0.01)
    reader.seek(PARTITION, 1)
    assert await reader.positions() == {PARTITION: 1}
    assert await reader.poll(0.0, 10) == {}  # what came was from elsewhere
    polled = await reader.poll(5.0, 10)
    assert [each.offset for each in polled[PARTITION]] == [1, 2]
