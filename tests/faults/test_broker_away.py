"""A broker that is down: services stay alive, say what is missing, end when they are asked to."""

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from tests.faults.conftest import ROUNDS
from tests.support.kafka.broker import KafkaBroker
from tests.support.pipeline import Pipeline, kafka_pipeline, until
from tests.support.service_processes import create_topics, replayed
from tests.support.twenty_tunnels import FED, SMALL_BATCHES, fifths

UNREADY_SECONDS = 4 if ROUNDS == 1 else 60
STOP_SECONDS = 10
"""For a stop without a broker; it takes 4 on an idle machine."""
UNFLUSHED = "geophone: Kafka did not answer at the stop: what it should still have got is told"


@pytest.fixture
async def running(
    stream: Path, fresh_kafka_broker: KafkaBroker, tmp_path: Path
) -> AsyncIterator[Pipeline]:
    """A pipeline in mid-stream."""
    await create_topics(fresh_kafka_broker)
    servers = fresh_kafka_broker.bootstrap_servers
    async with kafka_pipeline(servers, tmp_path, *FED, **SMALL_BATCHES) as pipeline:
        await pipeline.start()
        await pipeline["capture"].feed(fifths(stream)[0])
        await pipeline.counts(1_000)
        yield pipeline


@pytest.mark.parametrize("verb", ["kill"] if ROUNDS == 1 else ["kill", "pause"])
async def test_a_stop_meanwhile_takes_seconds(
    running: Pipeline, stream: Path, fresh_kafka_broker: KafkaBroker, verb: str
) -> None:
    getattr(fresh_kafka_broker, verb)()
    await running["capture"].feed(fifths(stream)[1])
    await asyncio.sleep(1)
    begin = time.monotonic()
    codes = await asyncio.gather(*(running[name].stop() for name in running.commands))
    assert time.monotonic() - begin < STOP_SECONDS
    for name, code in zip(running.commands, codes, strict=True):
        sentences = running[name].sentences
        assert len(sentences) == (code == 75)
        assert all(each.startswith(UNFLUSHED) for each in sentences)
    by_name = dict(zip(running.commands, codes, strict=True))
    assert by_name["capture"] == by_name["detector"] == 75
    assert by_name["alerter"] in (0, 75)  # it may have had nothing left to say


async def test_services_recover_when_it_is_back(
    running: Pipeline, stream: Path, fresh_kafka_broker: KafkaBroker
) -> None:
    """Killed, and back after some seconds; meanwhile nobody is ready, and nobody is dead."""
    fresh_kafka_broker.kill()
    pieces = fifths(stream)
    await running["capture"].feed(pieces[1])
    for name in running.commands:
        await until(partial(_is_unready, running, name), f"{name} is not ready", 15)
    # And it stays so: what comes from nowhere is no answer of the log.
    unready = time.monotonic()
    while time.monotonic() - unready < UNREADY_SECONDS:
        for name in running.commands:
            assert await _is_unready(running, name)
            assert (await (await running[name].client()).get("/livez")).is_success
        await asyncio.sleep(0.2)
    await asyncio.to_thread(fresh_kafka_broker.start)
    for name in running.commands:
        await running[name].until_ready()
    for piece in pieces[2:]:
        await running["capture"].feed(piece)
    await running["capture"].end_input()
    assert await running["capture"].ended() == 0
    await running.same_answer(replayed(stream))
    assert [len(lives) for lives in running.lives.values()] == [1, 1, 1]


async def _is_unready(pipeline: Pipeline, name: str) -> bool:
    answer = await (await pipeline[name].client()).get("/readyz")
    failing = [each["name"] for each in answer.json() if not each["ok"]]
    return not answer.is_success and f"{name}_log" in failing
