"""A connection to the broker that is slow, cut, and a black hole in the middle of a stream."""

import asyncio
from pathlib import Path

from tests.support.kafka.broker import KafkaBroker
from tests.support.pipeline import kafka_pipeline, until
from tests.support.service_processes import create_topics, replayed
from tests.support.tcp_proxy import open_proxy
from tests.support.twenty_tunnels import FED, SMALL_BATCHES, fifths


async def test_the_services_recover_from_it(
    stream: Path, fresh_kafka_broker: KafkaBroker, tmp_path: Path
) -> None:
    await create_topics(fresh_kafka_broker)
    ports = fresh_kafka_broker.ports
    servers = f"127.0.0.1:{ports.proxy}"
    pieces = iter(fifths(stream))
    async with (
        open_proxy(ports.proxy, ports.proxied) as proxy,
        kafka_pipeline(servers, tmp_path, *FED, **SMALL_BATCHES) as pipeline,
    ):
        proxy.delay_seconds = 0.02
        await pipeline.start()
        await pipeline["capture"].feed(next(pieces))
        await pipeline.counts(2_000)
        used = proxy.connections
        proxy.cut()
        await until(lambda: proxy.connections >= used + 3, "everybody connects anew")
        await pipeline["capture"].feed(next(pieces))
        await pipeline.counts(5_000)
        proxy.passes.clear()
        await pipeline["capture"].feed(next(pieces))
        await pipeline["detector"].until_said("the log does not answer")
        await pipeline["capture"].until_said("the log takes no batch")
        for name in pipeline.commands:
            assert (await (await pipeline[name].client()).get("/livez")).is_success
        await asyncio.sleep(1)
        proxy.delay_seconds = 0.0
        proxy.passes.set()
        for piece in pieces:
            await pipeline["capture"].feed(piece)
        await pipeline["capture"].end_input()
        assert await pipeline["capture"].ended() == 0
        await pipeline.same_answer(replayed(stream))
        assert [len(lives) for lives in pipeline.lives.values()] == [1, 1, 1]
        await pipeline["detector"].until_ready()
