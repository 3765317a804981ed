"""Services that come, go and die in mid-stream over a real broker: the answer stays the same."""

import asyncio
import email.parser
import email.policy
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.generator.arrivals import Mixture
from tests.support.generator.pcap import pcap_chunks
from tests.support.generator.shapes import ordinary_shapes
from tests.support.generator.tunnels import iodine
from tests.support.kafka.broker import KafkaBroker
from tests.support.mail_server import ReceivedMail, open_mail_server
from tests.support.service_processes import (
    ANY_PORT,
    ServiceProcess,
    alert_ids,
    create_topics,
    mail_environment,
    on,
    opened_ids,
    replayed,
    shows,
    started,
)

TUNNELS = 20
SPEED = "5"
COUNTED = "geophone_detector_transactions_total"
ALL_PUBLISHED = "everything that was read is on the log, or counted as dropped"

Start = Callable[..., Coroutine[Any, Any, ServiceProcess]]


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture with twenty tunnels, which takes 12 s at `SPEED`."""
    tunnels = tuple(iodine(f"tunnel-{number}.net") for number in range(TUNNELS))
    mixture = Mixture(
        seed=7,
        seconds=62,
        ordinary_per_second=100,
        tunnels=tunnels,
        shapes=ordinary_shapes(200),
        clients=50,
    )
    path = tmp_path_factory.mktemp("stream") / "tunnels.pcap"
    with path.open("wb") as file:
        for chunk in pcap_chunks(mixture):
            file.write(chunk)
    return path


@pytest.fixture
async def start(fresh_kafka_broker: KafkaBroker, tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a service on the broker, which has its topics."""
    await create_topics(fresh_kafka_broker)
    key = tmp_path / "hash-key"
    key.write_text("00112233445566778899aabbccddeeff\n")
    key.chmod(0o600)
    async with AsyncExitStack() as stack:

        async def start_service(*arguments: str, **environment: str) -> ServiceProcess:
            environment["GEOPHONE_DETECTOR_HASH_KEY_FILE"] = str(key)
            service, *options = arguments
            served = "--http" if service == "alerter" else "--ops"
            return await stack.enter_async_context(
                started(
                    *(service, *on(fresh_kafka_broker), served, ANY_PORT, *options),
                    environment=environment,
                )
            )

        yield start_service


async def counts(detector: ServiceProcess, transactions: int) -> None:
    """Waits until a detector has counted so many."""
    while await detector.metric(COUNTED) < transactions:  # noqa: ASYNC110 - nothing to await
        await asyncio.sleep(0.1)


async def test_detectors_come_and_go(start: Start, stream: Path) -> None:
    report = replayed(stream)
    assert len(report["alerts"]) >= TUNNELS
    alerter = await start("alerter")
    first = await start("detector")
    await first.until_ready()
    reader = await start("capture", "--file", str(stream), "--speed", SPEED)
    await counts(first, 500)
    second = await start("detector")
    await counts(second, 500)
    assert await second.stop() == 0
    assert ALL_PUBLISHED not in [each["message"] for each in reader.said]
    await shows(alerter, report)
    await alerter.until(lambda: opened_ids(alerter) == alert_ids(report))


def headers(mails: list[ReceivedMail], name: str) -> list[str]:
    """The values of a header of each mail."""
    parser = email.parser.BytesParser(policy=email.policy.default)
    return [str(parser.parsebytes(mail.content)[name]) for mail in mails]


async def test_everything_is_stopped_once(
    start: Start, stream: Path, fresh_kafka_broker: KafkaBroker
) -> None:
    """The capture, the detector, the alerter and the broker; the detector is killed, too."""
    report = replayed(stream)
    async with open_mail_server() as server:
        mail = mail_environment(server.port) | {"GEOPHONE_ALERTER_THROTTLE__BURST": "1000"}
        detecting = {"GEOPHONE_DETECTOR_MEMBER": "detector-0"}
        capturing = ("capture", "--file", str(stream), "--speed", SPEED)
        alerters = [await start("alerter", **mail)]
        detector = await start("detector", **detecting)
        reader = await start(*capturing)
        await counts(detector, 500)
        assert await reader.stop() == 0
        reader = await start(*capturing)
        await counts(detector, 1_500)
        detector.kill()
        await detector.ended()
        detector = await start("detector", **detecting)
        await alerters[0].until(lambda: bool(alerters[0].lines))
        assert await alerters[0].stop() == 0
        assert await detector.stop() == 0
        alerters.append(await start("alerter", **mail))
        detector = await start("detector", **detecting)
        await counts(detector, 500)
        fresh_kafka_broker.stop()
        await asyncio.to_thread(fresh_kafka_broker.start)
        assert ALL_PUBLISHED not in [each["message"] for each in reader.said]
        await shows(alerters[1], report)
        told = alert_ids(report)
        await alerters[1].until(
            lambda: sorted(opened_ids(alerters[0]) + opened_ids(alerters[1])) == told
        )
        assert await alerters[1].stop() == 0
    ids = headers(server.received, "Message-ID")
    assert len(ids) == len(set(ids))
    assert len(set(headers(server.received, "References"))) == TUNNELS
