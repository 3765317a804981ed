"""How long a detector takes to come back with a million active domains."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from geophone_capture.batching import Batcher
from geophone_shared.bus.kafka.bus import open_kafka_bus
from geophone_shared.bus.kafka.connection import KafkaConnection
from geophone_shared.bus.records import TopicPartition
from geophone_shared.bus.topics import TRANSACTIONS
from tests.bench.services.findings import Finding, Pauses
from tests.bench.services.processes import PARTITIONS, broker_with_topics, service
from tests.support.detector_rows import HOUR_US, NOON_US
from tests.support.floods import crawled_names, flood
from tests.support.kafka.broker import KafkaBroker
from tests.support.pipeline import COUNTED, until

_DOMAINS = 1_000_000
_UDP = 17
_TRACKED = "geophone_detector_tracked_domains"
_RESTORED = 'geophone_detector_snapshots_total{result="restored"}'


async def measure(_folder: Path, _capture: Path, rounds: int, pauses: Pauses) -> list[Finding]:
    """One detector fills its state, and others restore it."""
    whole, cpu = [], []
    async with broker_with_topics() as broker:
        rows = await _publish(broker)
        async with service(broker, "detector", pauses) as detector:

            async def are_counted() -> bool:
                return await detector.metric(COUNTED) >= rows

            await until(are_counted, "all is counted", 300)
            # Gauges are set now and then.
            await until(lambda: _holds_all(detector.metric), "all domains are tracked")
            stopped_at = time.perf_counter()
            assert await detector.stop() == 0
            stop_seconds = time.perf_counter() - stopped_at
        for _ in range(rounds):
            started_at = time.perf_counter()
            async with service(broker, "detector", pauses) as detector:

                async def are_restored() -> bool:
                    return await detector.metric(_RESTORED) >= PARTITIONS

                await until(are_restored, "all is restored", 300)
                await detector.until_ready()
                whole.append(time.perf_counter() - started_at)
                cpu.append(detector.cpu_seconds())
                await until(lambda: _holds_all(detector.metric), "all are there")
    return [
        Finding(
            "start of a detector with 1,000,000 active domains, until it is ready",
            whole,
            "s",
            10,
            is_least=False,
            remark=f"CPU time {min(cpu):.1f} s; the stop before, with snapshots, "
            f"took {stop_seconds:.1f} s",
        )
    ]


async def _holds_all(metric: Callable[[str], Awaitable[float]]) -> bool:
    return await metric(_TRACKED) >= _DOMAINS


async def _publish(broker: KafkaBroker) -> int:
    """As a capture would; how many rows."""
    batcher = Batcher(PARTITIONS, 2_000, sensor="bench", producer="bench")
    rows = 0
    async with open_kafka_bus(KafkaConnection(bootstrap_servers=broker.bootstrap_servers)) as bus:
        for transactions in flood(_DOMAINS, NOON_US, 23 * HOUR_US, crawled_names):
            transactions.rows["transport"] = _UDP
            for batch in batcher.add(transactions):
                await bus.append(TopicPartition(TRANSACTIONS, batch.partition), batch.to_record())
                rows += batch.headers.rows
        for batch in batcher.close(NOON_US + 23 * HOUR_US):
            await bus.append(TopicPartition(TRANSACTIONS, batch.partition), batch.to_record())
            rows += batch.headers.rows
    return rows
