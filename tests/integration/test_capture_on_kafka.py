"""A capture on a real broker that is killed in mid-stream: the same batches as on any log."""

import asyncio
from pathlib import Path

import pytest

from geophone_capture import metrics as families
from geophone_capture.batching import EncodedBatch
from geophone_capture.service import HEALTH_CONDITIONS, STAGE, run_capture
from geophone_shared.bus.contract import Bus
from geophone_shared.bus.records import Record, TopicPartition
from geophone_shared.bus.topics import declared_topics
from geophone_shared.health import Health
from geophone_shared.metrics.registry import Metrics
from geophone_shared.settings.sections import CaptureSettings
from tests.support.buses import kafka_bus
from tests.support.kafka.broker import KafkaBroker
from tests.support.published import a_log, published

PARTITIONS = 12
APPENDS_BEFORE_THE_KILL = 20


async def capture(bus: Bus, path: Path) -> None:
    settings = CaptureSettings(
        files=(str(path),),
        batch_rows=3,  # as no other test has it: a producer of its own
        queue_batches=4,
        exit_at_end=True,
        sensor="killed",
    )
    values = {"interface": families.INPUTS, "stage": (STAGE,)}
    metrics, health = Metrics(families.FAMILIES, values), Health(HEALTH_CONDITIONS, 0)
    await run_capture(bus, settings, metrics, health, asyncio.Event())


def in_order(batches: list[EncodedBatch]) -> list[EncodedBatch]:
    return sorted(batches, key=lambda batch: (batch.partition, batch.headers.sequence))


async def test_a_broker_that_is_killed_costs_no_batch_and_no_order(
    kafka_broker: KafkaBroker, demo_capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = await a_log(PARTITIONS)
    await capture(log, demo_capture)
    expected = in_order(await published(log))

    is_under_way = asyncio.Event()
    appends = 0
    async with kafka_bus(kafka_broker) as bus, asyncio.timeout(120):
        await bus.create_topics(declared_topics(PARTITIONS))
        append = bus.append

        async def counted_append(partition: TopicPartition, record: Record) -> int:
            nonlocal appends
            appends += 1
            if appends == APPENDS_BEFORE_THE_KILL:
                is_under_way.set()
            return await append(partition, record)

        monkeypatch.setattr(bus, "append", counted_append)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(capture(bus, demo_capture))
            await is_under_way.wait()
            kafka_broker.kill()
            await asyncio.to_thread(kafka_broker.start)
            assert not running.done()
        stored = [each for each in await published(bus) if each.headers.sensor == "killed"]

    assert appends > len(expected)  # some were asked for again
    firsts: dict[tuple[int, int], EncodedBatch] = {}
    for batch in stored:
        firsts.setdefault((batch.partition, batch.headers.sequence), batch)
    # What came twice came before the next one did, so what is left is in order.
    assert list(firsts.values()) == expected
