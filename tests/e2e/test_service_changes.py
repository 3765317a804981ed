"""Services that come, go and die in mid-stream over a real broker: the answer stays the same."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from tests.support.kafka.broker import KafkaBroker
from tests.support.mail_server import MailServer, open_mail_server
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
from tests.support.twenty_tunnels import (
    EVERY_MAIL_AT_ONCE,
    TUNNELS,
    fifths,
    incidents,
    message_ids,
    write_stream,
)

SPEED = "5"
COUNTED = "geophone_detector_transactions_total"
LAG = "geophone_detector_lag_records"
MEMBER = {"GEOPHONE_DETECTOR_MEMBER": "detector-0"}
ALL_PUBLISHED = "everything that was read is on the log, or counted as dropped"

Start = Callable[..., Coroutine[Any, Any, ServiceProcess]]


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture with twenty tunnels, which takes 12 s at `SPEED`."""
    path = tmp_path_factory.mktemp("stream") / "tunnels.pcap"
    write_stream(path)
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


async def holds_partitions(detector: ServiceProcess) -> None:
    """Waits until a detector says of which partitions it knows the lag."""
    await detector.until_answer("/metrics", lambda answer: f"{LAG}{{" in answer.text)


async def all_are_told(
    alerters: Sequence[ServiceProcess], server: MailServer, report: dict[str, Any]
) -> None:
    """Waits until the last alerter shows all; then each alert was told once by one of them."""
    await shows(alerters[-1], report)
    told = alert_ids(report)
    await alerters[-1].until(lambda: sorted(chain.from_iterable(map(opened_ids, alerters))) == told)
    assert await alerters[-1].stop() == 0
    assert max(message_ids(server.received).values()) == 1
    assert len(incidents(server.received)) == TUNNELS


async def test_detectors_and_alerters_come_and_go(start: Start, stream: Path) -> None:
    """Detectors 1, 2, 1; then the one is killed, and the alerter is stopped."""
    report = replayed(stream)
    pieces = iter(fifths(stream))
    async with open_mail_server() as server:
        mail = mail_environment(server.port) | EVERY_MAIL_AT_ONCE
        alerters = [await start("alerter", **mail)]
        first = await start("detector", **MEMBER)
        options = ("-", "--speed", "max", "--exit-at-end")
        reader = await start("capture", *options, GEOPHONE_CAPTURE_BATCH_ROWS="50")
        await reader.feed(next(pieces))
        await counts(first, 1_000)
        second = await start("detector")
        await holds_partitions(second)
        await reader.feed(next(pieces))
        await counts(second, 500)
        counted = await first.metric(COUNTED)
        assert await second.stop() == 0
        await reader.feed(next(pieces))
        await counts(first, int(counted) + 500)
        first.kill()
        await first.ended()
        again = await start("detector", **MEMBER)
        await reader.feed(next(pieces))
        await counts(again, 500)
        await alerters[0].until(lambda: bool(alerters[0].lines))
        assert await alerters[0].stop() == 0
        alerters.append(await start("alerter", **mail))
        await reader.feed(next(pieces))
        await reader.end_input()
        assert await reader.ended() == 0
        await all_are_told(alerters, server, report)


async def test_the_capture_and_the_broker_are_stopped_in_mid_stream(
    start: Start, stream: Path, fresh_kafka_broker: KafkaBroker
) -> None:
    report = replayed(stream)
    async with open_mail_server() as server:
        alerter = await start("alerter", **(mail_environment(server.port) | EVERY_MAIL_AT_ONCE))
        detector = await start("detector")
        capturing = ("capture", "--file", str(stream), "--speed", SPEED)
        reader = await start(*capturing)
        await counts(detector, 500)
        assert await reader.stop() == 0
        reader = await start(*capturing)
        await counts(detector, int(await detector.metric(COUNTED)) + 500)
        fresh_kafka_broker.stop()
        assert ALL_PUBLISHED not in [each["message"] for each in reader.said]
        await asyncio.to_thread(fresh_kafka_broker.start)
        await all_are_told([alerter], server, report)
        assert await detector.metric("geophone_detector_repeated_records_total") > 0


async def test_a_rolling_restart_under_load(start: Start, stream: Path) -> None:
    """Readers first, each of two, as an upgrade does: SIGTERM, and the next one as it was."""
    report = replayed(stream)
    pieces = iter(fifths(stream))
    detecting = [{"GEOPHONE_DETECTOR_MEMBER": f"detector-{number}"} for number in range(2)]
    async with open_mail_server() as server:
        mail = mail_environment(server.port) | EVERY_MAIL_AT_ONCE
        alerters = [await start("alerter", **mail) for _ in range(2)]
        detectors = [await start("detector", **each) for each in detecting]
        for detector in detectors:
            await holds_partitions(detector)
        options = ("-", "--speed", "max", "--exit-at-end")
        reader = await start("capture", *options, GEOPHONE_CAPTURE_BATCH_ROWS="50")
        await reader.feed(next(pieces))
        for number in range(2):
            await counts(detectors[number], 200)
            await reader.feed(next(pieces))
            assert await alerters[number].stop() == 0
            alerters.append(await start("alerter", **mail))
            assert await detectors[number].stop() == 0
            detectors.append(await start("detector", **detecting[number]))
            await holds_partitions(detectors[-1])
        for piece in pieces:
            await reader.feed(piece)
        await reader.end_input()
        assert await reader.ended() == 0
        await all_are_told(alerters, server, report)
        for detector in detectors[-2:]:
            await detector.until_answer("/metrics", lambda answer: lags(answer.text) == {0.0})
            assert await detector.metric("geophone_detector_missing_records_total") == 0
            assert (
                'result="unusable"} 0.0' in (await (await detector.client()).get("/metrics")).text
            )


def lags(metrics: str) -> set[float]:
    """How far behind a detector is in each of its partitions."""
    lines = [line for line in metrics.splitlines() if line.startswith(f"{LAG}{{")]
    return {float(line.split()[-1]) for line in lines}
