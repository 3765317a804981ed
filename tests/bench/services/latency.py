"""How soon an alert is on the log, and what REST answers meanwhile, at 50,000 transactions/s."""

import asyncio
import time
from pathlib import Path

import numpy as np

from geophone_shared.alerts import decode_alert
from geophone_shared.bus.kafka.bus import open_kafka_bus
from geophone_shared.bus.kafka.connection import KafkaConnection
from geophone_shared.bus.records import TopicPartition
from geophone_shared.bus.topics import ALERTS
from tests.bench import inputs
from tests.bench.services.findings import Finding, Pauses, told
from tests.bench.services.processes import broker_with_topics, captured_transactions, service
from tests.support.kafka.broker import KafkaBroker
from tests.support.pipeline import COUNTED, until
from tests.support.service_processes import ServiceProcess

PER_SECOND = 50_000
_SECONDS = 45
_TUNNELS = 200
_REST_SECONDS = 8.0
_CONNECTIONS = 8
_TOP = b"GET /api/v1/domains/top?limit=10 HTTP/1.1\r\nHost: localhost\r\n\r\n"
_PACED = ("--speed", "1", "--shift-to-now")


async def measure(folder: Path, _capture: Path, rounds: int, pauses: Pauses) -> list[Finding]:
    """The same stream twice in each round: for the alerts, and while REST is asked."""
    stream = inputs.with_many_tunnels(folder / "tunnels.pcap", PER_SECOND, _SECONDS, _TUNNELS)
    medians, tails, highest, rates, rest_rates, rest_cpu_rates = [], [], [], [], [], []
    alerts = 0
    for _ in range(rounds):
        async with (
            broker_with_topics() as broker,
            service(broker, "alerter", pauses) as alerter,
            service(broker, "detector", pauses) as detector,
        ):
            await detector.until_ready()
            rates.append(await _paced(broker, detector, stream, pauses))
            latencies = await _latencies_seconds(broker)
            alerts = len(latencies)
            medians.append(float(np.percentile(latencies, 50)))
            tails.append(float(np.percentile(latencies, 99)))
            highest.append(float(latencies.max()))
            options = ("--file", str(stream), *_PACED)
            async with service(broker, "capture", pauses, *options) as capture:
                await capture.until_said("reading captures")
                await asyncio.sleep(2)
                rest_rate, rest_cpu_rate = await _ask(alerter)
                rest_rates.append(rest_rate)
                rest_cpu_rates.append(rest_cpu_rate)
    of = f"of {alerts} alerts, at {told(min(rates))} transactions/s"
    return [
        Finding("completion → alert, p50", medians, "s", 0.4, is_least=False, remark=of),
        Finding("completion → alert, p99", tails, "s", 1.0, is_least=False),
        Finding("completion → alert, the latest", highest, "s", is_least=False),
        Finding("REST, top 10, meanwhile", rest_rates, "requests/s", 2_000),
        Finding("the same by CPU time of the alerter", rest_cpu_rates, "requests/s", 2_000),
    ]


async def _paced(
    broker: KafkaBroker, detector: ServiceProcess, stream: Path, pauses: Pauses
) -> float:
    """Transactions a second, when the stream has run to its end and all is counted."""
    options = ("--file", str(stream), *_PACED)
    async with service(broker, "capture", pauses, *options) as capture:
        await capture.until_said("reading captures")
        started_at = time.perf_counter()
        await asyncio.sleep(_SECONDS)
        await capture.until_said("everything that was read is on the log, or counted as dropped")
        transactions = await captured_transactions(capture)

        async def are_counted() -> bool:
            return await detector.metric(COUNTED) >= transactions

        await until(are_counted, "all is counted")
        return transactions / (time.perf_counter() - started_at)


async def _latencies_seconds(broker: KafkaBroker) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """From when the row completed that an alert was opened by until the broker had the alert."""
    partition = TopicPartition(ALERTS, 0)
    latencies = []
    async with (
        open_kafka_bus(KafkaConnection(bootstrap_servers=broker.bootstrap_servers)) as bus,
        bus.reader([partition]) as reader,
    ):
        end = (await reader.end_offsets())[partition]
        while (await reader.positions())[partition] < end:
            for record in (await reader.poll(5, 1_000)).get(partition, []):
                alert = decode_alert(record.value)
                if alert.state == "opened":
                    latencies.append((record.published_us - alert.opened_at_us) / 1e6)
    return np.array(latencies)


async def _ask(alerter: ServiceProcess) -> tuple[float, float]:
    """Requests a second of the clock, and of the alerter's CPU time."""
    address = str((await alerter.client()).base_url.netloc.decode())
    host, _, port = address.rpartition(":")
    used, started_at = alerter.cpu_seconds(), time.perf_counter()
    deadline = started_at + _REST_SECONDS
    counts = await asyncio.gather(
        *(_ask_again_and_again(host, int(port), deadline) for _ in range(_CONNECTIONS))
    )
    seconds = time.perf_counter() - started_at
    return sum(counts) / seconds, sum(counts) / (alerter.cpu_seconds() - used)


async def _ask_again_and_again(host: str, port: int, deadline: float) -> int:
    """One connection that stays open; httpx would take more CPU time than what answers."""
    reader, writer = await asyncio.open_connection(host, port)
    answers = 0
    while time.perf_counter() < deadline:
        writer.write(_TOP)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 200"), head
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        assert b"registered_domain" in body, body
        answers += 1
    writer.close()
    return answers
