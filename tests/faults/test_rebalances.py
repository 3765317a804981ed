"""Detectors 1, 2, 3, 1 by start, SIGTERM and kill -9; one of them is a zombie meanwhile."""

import asyncio
from pathlib import Path

from tests.support.kafka.broker import KafkaBroker
from tests.support.pipeline import COUNTED, Pipeline, kafka_pipeline, until
from tests.support.service_processes import create_topics, replayed
from tests.support.twenty_tunnels import FED, SMALL_BATCHES, fifths

LAG = "geophone_detector_lag_records"
PARTITIONS = 12


async def test_the_answer_stays_the_same(
    stream: Path, fresh_kafka_broker: KafkaBroker, tmp_path: Path
) -> None:
    await create_topics(fresh_kafka_broker)
    pieces = iter(fifths(stream))
    servers = fresh_kafka_broker.bootstrap_servers
    async with kafka_pipeline(servers, tmp_path, *FED, **SMALL_BATCHES) as pipeline:
        for name in ("second", "third"):
            pipeline.commands[name] = pipeline.commands["detector"]
        await pipeline.start("alerter", "detector", "capture")
        await pipeline["capture"].feed(next(pieces))
        await pipeline.counts(1_000)
        await pipeline.start("second", "third")
        await shared_by(pipeline, "detector", "second", "third")
        await pipeline["capture"].feed(next(pieces))
        await pipeline.counts(200, "second")
        await pipeline.counts(200, "third")
        # A zombie: its partitions go to the others, and then it believes that it still has them.
        pipeline["second"].freeze()
        pipeline["alerter"].freeze()  # and nobody reads the alerts for as long
        await pipeline["capture"].feed(next(pieces))
        await shared_by(pipeline, "detector", "third")
        pipeline["second"].thaw()
        pipeline["alerter"].thaw()
        await pipeline["capture"].feed(next(pieces))
        await shared_by(pipeline, "detector", "second", "third")
        assert await pipeline["third"].stop() == 0
        await pipeline.kill("second")
        await pipeline["capture"].feed(next(pieces))
        await pipeline["capture"].end_input()
        assert await pipeline["capture"].ended() == 0
        await shared_by(pipeline, "detector")
        await pipeline.same_answer(replayed(stream))
        assert await pipeline["detector"].metric(COUNTED) > 0


async def shared_by(pipeline: Pipeline, *names: str) -> None:
    """Waits until these hold all partitions, and each has some."""

    async def held() -> bool:
        counts = await asyncio.gather(*(partitions(pipeline, name) for name in names))
        return all(counts) and sum(counts) == PARTITIONS

    await until(held, f"{names} share the partitions")


async def partitions(pipeline: Pipeline, name: str) -> int:
    """Of how many partitions a detector knows the lag."""
    text = (await (await pipeline[name].client()).get("/metrics")).text
    return text.count(f"\n{LAG}{{")
