"""A broker with the topics, and the services on it."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tests.bench.services.findings import Pauses
from tests.support.kafka.broker import KafkaBroker
from tests.support.pipeline import HASH_KEY
from tests.support.service_processes import (
    ANY_PORT,
    ServiceProcess,
    create_topics,
    on,
    started,
)

PARTITIONS = 12


@contextmanager
def running_broker() -> Iterator[KafkaBroker]:
    """A new broker, with nothing on it."""
    with tempfile.TemporaryDirectory(prefix="geophone-bench-kafka-") as folder:
        broker = KafkaBroker(Path(folder))
        broker.start()
        try:
            yield broker
        finally:
            broker.close()


@asynccontextmanager
async def broker_with_topics() -> AsyncIterator[KafkaBroker]:
    """A new broker that has Geophone's topics."""
    with running_broker() as broker:
        await create_topics(broker)
        yield broker


@asynccontextmanager
async def service(
    broker: KafkaBroker, name: str, pauses: Pauses, *options: str
) -> AsyncIterator[ServiceProcess]:
    """One service on the broker, once it serves."""
    key = {} if name == "capture" else {"GEOPHONE_DETECTOR_HASH_KEY": HASH_KEY}
    where = "--http" if name == "alerter" else "--ops"
    arguments = (name, *on(broker), where, ANY_PORT, *options)
    async with started(*arguments, environment=key) as process:
        await process.until_said("serving")
        async with pauses.of(name, process):
            yield process


async def captured_transactions(capture: ServiceProcess) -> int:
    """How many transactions a capture has completed so far."""
    series = "geophone_capture_transactions_total"
    outcomes = ("answered", "unanswered", "unsolicited")
    return int(sum([await capture.metric(f'{series}{{outcome="{each}"}}') for each in outcomes]))
