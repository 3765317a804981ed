"""kill -9 at random moments of a stream: nothing is lost, and nothing counted or alerted twice.

People may be told twice of what was accepted right before a kill of the alerter, and not noted yet.
"""

import asyncio
import random
from pathlib import Path

from tests.support.kafka.broker import KafkaBroker
from tests.support.pipeline import Pipeline, embedded_pipeline, kafka_pipeline
from tests.support.service_processes import create_topics, replayed
from tests.support.twenty_tunnels import SECONDS

SPEED = 10
STREAM_SECONDS = SECONDS / SPEED
MOST_REPEATS_PER_KILL = 2
"""Of a kind: what one attempt delivers, and what the channel beside it does."""


async def test_on_the_embedded_log(seed: int, stream: Path, tmp_path: Path) -> None:
    chance = random.Random(seed)  # noqa: S311 - nobody has to be surprised
    source = ("--file", str(stream), "--speed", str(SPEED))
    async with embedded_pipeline(tmp_path, *source) as pipeline:
        await pipeline.start()
        await kill_at_random(pipeline, ["run"] * 2, chance)
        repeats = await pipeline.same_answer(replayed(stream))
    print(f"seed {seed}: {repeats}")  # noqa: T201 - `make soak` shows it
    assert repeats.events <= 2 * MOST_REPEATS_PER_KILL
    assert repeats.mails <= 2 * MOST_REPEATS_PER_KILL


async def test_on_kafka(
    seed: int, stream: Path, fresh_kafka_broker: KafkaBroker, tmp_path: Path
) -> None:
    chance = random.Random(seed)  # noqa: S311
    await create_topics(fresh_kafka_broker)
    source = ("--file", str(stream), "--speed", str(SPEED))
    servers = fresh_kafka_broker.bootstrap_servers
    async with kafka_pipeline(servers, tmp_path, *source) as pipeline:
        await pipeline.start()
        victims = [*pipeline.commands, chance.choice(list(pipeline.commands))]
        await kill_at_random(pipeline, victims, chance)
        repeats = await pipeline.same_answer(replayed(stream))
    print(f"seed {seed}: {repeats}")  # noqa: T201
    kills = len(pipeline.lives["alerter"]) - 1
    assert repeats.events <= kills * MOST_REPEATS_PER_KILL
    assert repeats.mails <= kills * MOST_REPEATS_PER_KILL


async def kill_at_random(pipeline: Pipeline, victims: list[str], chance: random.Random) -> None:
    """Kills each once, in a random order at random moments of the stream, and starts it anew."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    chance.shuffle(victims)
    moments = sorted(chance.uniform(1, STREAM_SECONDS + 1) for _ in victims)
    for victim, moment in zip(victims, moments, strict=True):
        await asyncio.sleep(max(begin + moment - loop.time(), 0))
        await pipeline.kill(victim)
        await pipeline.start(victim)
