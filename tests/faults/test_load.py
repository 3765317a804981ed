"""Hours of load: nothing is lost, and memory, file descriptors and tasks stay as they were.

`make test` has seconds of it, `make soak` an hour (`GEOPHONE_SOAK_SECONDS`); it prints the slopes.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.generator.arrivals import Mixture
from tests.support.generator.pcap import pcap_chunks
from tests.support.generator.shapes import ordinary_shapes
from tests.support.generator.tunnels import iodine
from tests.support.pipeline import COUNTED, embedded_pipeline, kafka_pipeline, until
from tests.support.service_processes import create_topics
from tests.support.soak import LONG_SECONDS, RATE, SECONDS, Course, watch
from tests.support.twenty_tunnels import TUNNELS

if TYPE_CHECKING:
    from tests.support.kafka.broker import KafkaBroker

_MIXTURE_SPEED = 240
"""How many seconds of traffic come in a second: names begin to leave the longest window, of a day,
after six minutes."""
_SENT = "geophone_capture_transactions_total"
_DROPPED = "geophone_producer_dropped_transactions_total"


@pytest.mark.timeout(SECONDS + 300)
@pytest.mark.parametrize("log", ["kafka"] if SECONDS < LONG_SECONDS else ["embedded", "kafka"])
async def test_memory_descriptors_and_tasks_stay(
    log: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    source = ("-", "--speed", str(_MIXTURE_SPEED))
    if log == "embedded":
        opened = embedded_pipeline(tmp_path, *source)
    else:
        broker: KafkaBroker = request.getfixturevalue("fresh_kafka_broker")
        await create_topics(broker)
        opened = kafka_pipeline(broker.bootstrap_servers, tmp_path, *source)
    async with opened as pipeline:
        await pipeline.start()
        for name in pipeline.commands:
            await pipeline[name].until_ready()
        courses: dict[str, Course] = {}
        metrics = {name: pipeline[name].metric for name in pipeline.commands}
        reader = pipeline[next(name for name in ("run", "capture") if name in pipeline.commands)]
        detector = pipeline[next(name for name in ("run", "detector") if name in pipeline.commands)]
        loop = asyncio.get_running_loop()
        end = loop.time() + SECONDS
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(watch(metrics, courses))
            for chunk in traffic():
                await reader.feed(chunk)
                if loop.time() > end:
                    break
            await reader.end_input()
            watching.cancel()
        await reader.until_said("everything that was read is on the log, or counted as dropped")
        outcomes = ("answered", "unanswered", "unsolicited")
        sent = sum([await reader.metric(f'{_SENT}{{outcome="{each}"}}') for each in outcomes])
        assert await reader.metric(_DROPPED) == 0
        assert sent > SECONDS * RATE / 4

        async def has_counted() -> bool:
            return await detector.metric(COUNTED) >= sent

        await until(has_counted, "everything that was read is counted")
        assert await detector.metric(COUNTED) == sent
    for name, course in courses.items():
        course.assert_flat(f"{log} {name}", sent)


def traffic() -> Iterator[bytes]:
    """Ordinary traffic with twenty tunnels, more of it than is needed."""
    per_second = RATE / _MIXTURE_SPEED
    tunnels = tuple(iodine(f"tunnel-{number}.net", 0.1) for number in range(TUNNELS))
    yield from pcap_chunks(
        Mixture(
            seed=11,
            seconds=2 * _MIXTURE_SPEED * (SECONDS + 60),
            ordinary_per_second=per_second,
            tunnels=tunnels,
            shapes=ordinary_shapes(500),
            clients=200,
        )
    )
