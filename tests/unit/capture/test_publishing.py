"""Batches go to the log in order, one at a time for each partition, until it has them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from geophone_capture import metrics as families
from geophone_capture.batching import EncodedBatch
from geophone_capture.publishing import Publisher, delay_seconds
from geophone_shared.batch_headers import BatchHeaders
from geophone_shared.bus.topics import TRANSACTIONS
from geophone_shared.drops import Drops, drops_from_headers
from geophone_shared.metrics.registry import Metrics
from tests.support.published import CuedLog, a_log, published, stored

NOTHING_DROPPED = {"buffer_full": 0, "too_large": 0, "stopped": 0}
VALUES = {"interface": families.INPUTS, "stage": ("capture",)}


def batch(partition: int, sequence: int, value: bytes = b"x") -> EncodedBatch:
    headers = BatchHeaders(
        rows=3,
        raw_bytes=0,
        first_time_us=0,
        last_time_us=0,
        sensor="s",
        producer="p",
        sequence=sequence,
        position=0,
    )
    return EncodedBatch(partition, headers, value)


class Publishing:
    """A publisher that runs, and what it said of the log."""

    def __init__(self, log: CuedLog) -> None:
        self.log = log
        self.metrics = Metrics(families.FAMILIES, VALUES)
        self.stop = asyncio.Event()
        self.drops = Drops(since_us=7)
        self.answers: list[str | None] = []
        self.waits: list[float] = []
        self.publisher: Publisher

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)

    async def sequences(self) -> list[list[int]]:
        found: list[list[int]] = [[], []]
        for each in await published(self.log):
            found[each.partition].append(each.headers.sequence)
        return found

    def counted(self, name: str) -> float:
        lines = self.metrics.text().decode().splitlines()
        [line] = [line for line in lines if line.startswith(f"geophone_producer_{name} ")]
        return float(line.split()[-1])


@asynccontextmanager
async def publishing(
    queue_batches: int = 100, limit_bytes: int = 1_000, *, is_live: bool = False
) -> AsyncIterator[Publishing]:
    log = await a_log(2)
    topic = (await log.describe_topics([TRANSACTIONS]))[TRANSACTIONS]
    topic = type(topic)(
        name=TRANSACTIONS, partitions=2, retention_seconds=None, record_limit_bytes=limit_bytes
    )
    running = Publishing(log)
    running.publisher = Publisher(
        log,
        topic,
        queue_batches,
        running.metrics,
        running.stop,
        drops=running.drops,
        is_live=is_live,
        on_answer=running.answers.append,
        wait=running.wait,
    )
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(running.publisher.run())
        yield running
        running.publisher.close()


async def test_each_partition_is_in_order_and_has_one_batch_under_way() -> None:
    async with publishing() as running:
        for sequence in range(20):
            await running.publisher.put(batch(sequence % 2, sequence))
    assert await running.sequences() == [list(range(0, 20, 2)), list(range(1, 20, 2))]
    assert running.log.most_under_way == 1
    assert running.counted('batches_total{result="acknowledged"}') == 20
    assert running.counted("buffer_records") == 0


async def test_a_log_that_fails_is_asked_again_and_nothing_overtakes() -> None:
    async with publishing() as running:
        running.log.failures = 7
        for sequence in range(4):
            await running.publisher.put(batch(0, sequence))
    assert await running.sequences() == [[0, 1, 2, 3], []]
    assert running.waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0]
    assert running.answers == ["the log did not answer"] * 7 + [None] * 4
    assert running.counted('batches_total{result="failed"}') == 7


async def test_who_puts_waits_while_the_queue_is_full() -> None:
    async with publishing(queue_batches=3) as running:
        running.log.is_open.clear()
        for sequence in range(3):
            await running.publisher.put(batch(0, sequence))
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(running.publisher.put(batch(1, 0)))
            for _ in range(20):
                await asyncio.sleep(0)
            assert not waiting.done()
            assert running.counted("buffer_records") == 3
            running.log.is_open.set()
    assert await running.sequences() == [[0, 1, 2], [0]]


async def test_a_record_that_is_too_large_is_dropped_and_counted() -> None:
    async with publishing(limit_bytes=200) as running:
        for sequence, value in enumerate([b"x", b"x" * 200, b"x"]):
            await running.publisher.put(batch(0, sequence, value))
    assert await running.sequences() == [[0, 2], []]
    assert running.counted('dropped_total{reason="too_large"}') == 1
    [first, last] = await stored(running.log, 0)
    assert drops_from_headers(first.headers) == Drops(7, Counter(NOTHING_DROPPED))
    told = drops_from_headers(last.headers)
    assert told == Drops(7, Counter(NOTHING_DROPPED | {"too_large": 3})), "three transactions"
    assert running.counted("dropped_transactions_total") == 3


async def test_after_a_stop_a_log_that_works_gets_what_waits() -> None:
    async with publishing() as running:
        running.stop.set()
        for sequence in range(4):
            await running.publisher.put(batch(0, sequence))
    assert await running.sequences() == [[0, 1, 2, 3], []]


async def test_after_a_stop_a_log_that_fails_is_given_up() -> None:
    async with publishing(queue_batches=2) as running:
        running.log.failures = 10**6
        running.stop.set()
        for sequence in range(10):  # though only two have room
            await running.publisher.put(batch(0, sequence))
    assert running.log.asked == 1
    assert running.counted('dropped_total{reason="stopped"}') == 10
    assert running.counted("dropped_transactions_total") == 30
    assert running.counted("buffer_records") == 0


@pytest.mark.parametrize(
    ("failures", "expected"), [(1, 0.1), (2, 0.2), (6, 3.2), (7, 5), (10**6, 5)]
)
def test_waits_double_up_to_a_limit(failures: int, expected: float) -> None:
    assert delay_seconds(failures) == pytest.approx(expected)


async def test_live_the_oldest_that_waits_makes_room_and_is_counted() -> None:
    async with publishing(queue_batches=3, is_live=True) as running:
        running.log.is_open.clear()
        await running.publisher.put(batch(0, 0))
        await running.log.asked_for(1)  # it is under way, and stays
        for sequence in range(4):
            await running.publisher.put(batch(1 if sequence % 2 else 0, sequence + 1))
        assert running.counted("buffer_records") == 3
        running.log.is_open.set()
    assert await running.sequences() == [[0, 3], [4]]
    assert running.counted('dropped_total{reason="buffer_full"}') == 2
    assert running.drops.counts["buffer_full"] == 6, "transactions"


async def test_live_a_batch_is_dropped_where_all_others_are_under_way() -> None:
    async with publishing(queue_batches=1, is_live=True) as running:
        running.log.is_open.clear()
        await running.publisher.put(batch(0, 0))
        await running.log.asked_for(1)
        await running.publisher.put(batch(1, 0))
        running.log.is_open.set()
    assert await running.sequences() == [[0], []]
    assert running.counted('dropped_total{reason="buffer_full"}') == 1
