"""Detectors that share twelve partitions of a real Kafka, and come and go."""

import asyncio
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from geophone_detector.plan_settings import plan_from
from geophone_shared.alerts import Alert
from geophone_shared.bus.kafka import open_kafka_bus
from geophone_shared.bus.kafka.connection import KafkaConnection
from geophone_shared.bus.records import Record
from geophone_shared.bus.topics import KAFKA_PARTITIONS, declared_topics
from tests.support.buses import QUICK
from tests.support.detector_rows import FAR_US, MINUTE_US, NOON_US, Row, row, transactions_of
from tests.support.detector_service import MIB, Log, batch_record, mark_record, running, settings
from tests.support.kafka.broker import KafkaBroker
from tests.support.window_driver import SECRET

TUNNELS = 20
MINUTES = 24
SETTINGS = settings(
    memory_budget_bytes=16 * MIB * KAFKA_PARTITIONS, rule_thresholds={"unique_hostnames": 20}
)


def partition_of(tunnel: int) -> int:
    """Some partitions have several tunnels, and the last two have none."""
    return tunnel * 7 % (KAFKA_PARTITIONS - 2)


def rows_of_minute(minute: int) -> list[tuple[int, Row]]:
    """(partition, row) in completion order: tunnels of different speeds, some of which pause."""
    found = []
    for tunnel in range(TUNNELS):
        speed = 2 + tunnel % 7
        if tunnel % 5 == 0 and 8 <= minute < 20:
            continue
        for host in range(speed):
            at_us = NOON_US + minute * MINUTE_US + host * 100_000 + tunnel
            name = f"m{minute}h{host}x{'y' * (tunnel % 9)}"
            found.append((partition_of(tunnel), row(name, f"tunnel{tunnel}.example", at_us)))
    return sorted(found, key=lambda each: each[1].completed_us)


def records_of(minute: int, partition: int) -> Record:
    """What a capture sends to a partition in a minute: a batch, or a mark."""
    rows = [each for number, each in rows_of_minute(minute) if number == partition]
    if not rows:
        return mark_record(NOON_US + (minute + 1) * MINUTE_US - 1, minute)
    transactions = transactions_of(rows)
    transactions.rows["transport"] = 17
    return batch_record(transactions, minute)


def expected() -> list[Alert]:
    """What one detector says, without a log."""
    detector = plan_from(SETTINGS, SECRET, 1).create()
    events = []
    for minute in range(MINUTES):
        rows = [each for _, each in rows_of_minute(minute)]
        events += detector.observe(transactions_of(rows), FAR_US)
    return events + detector.advance(NOON_US + MINUTES * MINUTE_US)


@pytest.fixture
def own_broker(kafka_broker: KafkaBroker, tmp_path: Path) -> Iterator[KafkaBroker]:
    """One whose topics have no records of another test's; where there is none at all, skip."""
    assert kafka_broker
    broker = KafkaBroker(tmp_path)
    broker.start()
    yield broker
    broker.close()


async def test_detectors_that_come_and_go_say_what_one_says(own_broker: KafkaBroker) -> None:
    connection = KafkaConnection(bootstrap_servers=own_broker.bootstrap_servers)
    numbers = range(KAFKA_PARTITIONS)
    async with open_kafka_bus(connection, QUICK) as bus:
        await bus.create_topics(declared_topics(KAFKA_PARTITIONS))
        log, other = Log(bus, KAFKA_PARTITIONS), Log(bus, KAFKA_PARTITIONS)

        async def stream(begin: int, end: int) -> None:
            for minute in range(begin, end):
                await asyncio.gather(
                    *(log.append([records_of(minute, number)], number) for number in numbers)
                )
            await asyncio.gather(*(log.counted(end, number) for number in numbers))

        async with running(other, SETTINGS, is_secret_shared=True):
            await stream(0, 8)
            async with running(log, SETTINGS, is_secret_shared=True):
                await stream(8, 16)
        async with running(log, SETTINGS, is_secret_shared=True):
            await stream(16, MINUTES)
            for number in numbers:
                clock_us = NOON_US + MINUTES * MINUTE_US
                await log.append([mark_record(clock_us, MINUTES)], number)
            await asyncio.gather(*(log.counted(MINUTES + 1, number) for number in numbers))
        said = await log.alerts()
    assert by_domain(said) == by_domain(expected())
    assert len({alert.registered_domain for alert in said}) == TUNNELS
    assert log.metric('geophone_detector_snapshots_total{result="unusable"}') == 0


def by_domain(alerts: list[Alert]) -> dict[str, list[Alert]]:
    """Each domain's events in their order; that of the domains depends on who was faster."""

    def domain(alert: Alert) -> str:
        return alert.registered_domain

    # A crash or a rebalance may say things twice, in order: by the id they are the same.
    unique = {(alert.id, alert.state, alert.updated_at_us): alert for alert in alerts}
    return {
        key: list(events) for key, events in groupby(sorted(unique.values(), key=domain), domain)
    }
