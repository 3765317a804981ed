"""The detector as a service, over a log in memory: what goes in, and what comes out."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from geophone_capture.decoder import TransactionDecoder
from geophone_capture.sources import CaptureStream
from geophone_detector import member
from geophone_detector.metrics import FAMILIES
from geophone_detector.plan_settings import plan_from
from geophone_detector.service import HEALTH_CONDITIONS, run_detector
from geophone_shared.alerts import Alert, decode_alert
from geophone_shared.batch import encode_batch, raw_bytes
from geophone_shared.batch_headers import BatchHeaders
from geophone_shared.bus.contract import Bus
from geophone_shared.bus.memory import open_memory_bus
from geophone_shared.bus.records import Record, StoredRecord, TopicPartition
from geophone_shared.bus.topics import ALERTS, TOP_DOMAINS, TRANSACTIONS, declared_topics
from geophone_shared.health import Health
from geophone_shared.kernels.domains import assign_domain_offsets
from geophone_shared.metrics.registry import Metrics
from geophone_shared.settings.sections import DetectorSettings
from geophone_shared.suffixes import load_suffixes
from geophone_shared.top_domains import TopList, decode_top_list
from geophone_shared.transactions import Transactions
from tests.support.detector_rows import FAR_US
from tests.support.rows import transactions_from
from tests.support.window_driver import SECRET

MIB = 1 << 20

_AFTER_THE_CAPTURE_US = 1_800_000_000_000_000


def now_us() -> int:
    """The wall clock; where it is wrong, at least later than the shipped capture."""
    return max(time.time_ns() // 1000, _AFTER_THE_CAPTURE_US)


def settings(**changed: object) -> DetectorSettings:
    """Small budgets, so that tables are quickly made."""
    return DetectorSettings.model_validate({"memory_budget_bytes": 64 * MIB} | changed)


def rows_of(capture: Path) -> Transactions:
    """A capture's transactions, with their registered domains."""
    suffixes = load_suffixes()
    decoder = TransactionDecoder(SECRET)
    with CaptureStream([str(capture)]) as stream:
        completed = [rows for block in stream for rows in _copied(decoder.feed(block))]
        completed += _copied(decoder.close())
    rows = transactions_from(
        np.concatenate([one.rows for one in completed]),
        [one.name(row) for one in completed for row in range(len(one.rows))],
    )
    assign_domain_offsets(rows.rows, rows.names, suffixes.slots, suffixes.labels)
    return rows


def _copied(completed: Iterable[Transactions]) -> list[Transactions]:
    return [Transactions(one.rows.copy(), one.names.copy()) for one in completed]


def batch_record(rows: Transactions, sequence: int, producer: str = "producer") -> Record:
    """The record of a batch, as a capture writes it."""
    value = encode_batch(rows)
    headers = BatchHeaders(
        rows=len(rows.rows),
        raw_bytes=raw_bytes(value),
        first_time_us=int(rows.rows["time_us"].min()),
        last_time_us=int(rows.rows["completed_us"][-1]),
        sensor="sensor",
        producer=producer,
        sequence=sequence,
        position=0,
    )
    return Record(value, headers=tuple(headers.to_headers()))


def mark_record(clock_us: int, sequence: int, producer: str = "producer") -> Record:
    """The record of a minute mark."""
    headers = BatchHeaders(
        rows=0,
        raw_bytes=0,
        first_time_us=clock_us,
        last_time_us=clock_us,
        sensor="sensor",
        producer=producer,
        sequence=sequence,
        position=0,
    )
    return Record(b"", headers=tuple(headers.to_headers()))


def stored(record: Record, offset: int, published_us: int | None = None) -> StoredRecord:
    """The record as it is read from the log."""
    published_us = now_us() if published_us is None else published_us
    return StoredRecord(offset, published_us, record.value, record.key, record.headers)


def batch_records(rows: Transactions, rows_each: int) -> list[Record]:
    """All rows in batches, then a mark that says how far time went."""
    records = [
        batch_record(Transactions(rows.rows[start : start + rows_each], rows.names), sequence)
        for sequence, start in enumerate(range(0, len(rows.rows), rows_each))
    ]
    clock_us = int(rows.rows["completed_us"][-1])
    return [*records, mark_record(clock_us, len(records))]


def alerts_of(rows: Transactions) -> list[Alert]:
    """What a detector without a log says of the rows."""
    detector = plan_from(settings(), SECRET, 1).create()
    events = detector.observe(rows, FAR_US)
    return events + detector.advance(int(rows.rows["completed_us"][-1]))


@dataclass(slots=True)
class Log:
    """A log with the topics, and what a test wants to know of it."""

    bus: Bus
    partitions: int
    metrics: Metrics = field(init=False)
    health: Health = field(init=False)

    def __post_init__(self) -> None:
        labels = {"stage": ["detector"], "partition": [str(n) for n in range(self.partitions)]}
        self.metrics = Metrics(FAMILIES, labels)
        self.health = Health(HEALTH_CONDITIONS, time.monotonic())

    async def append(self, records: Sequence[Record], number: int = 0) -> None:
        """Append to a partition of the transactions."""
        for record in records:
            await self.bus.append(TopicPartition(TRANSACTIONS, number), record)

    async def read(self, topic: str, number: int = 0) -> list[StoredRecord]:
        """All records of a partition."""
        partition = TopicPartition(topic, number)
        records: list[StoredRecord] = []
        async with self.bus.reader([partition]) as reader:
            end = (await reader.end_offsets())[partition]
            while (await reader.positions())[partition] < end:
                records += (await reader.poll(5, 1_000)).get(partition, [])
        return records

    async def alerts(self) -> list[Alert]:
        """All that was said of alerts."""
        return [decode_alert(record.value) for record in await self.read(ALERTS)]

    async def counted(self, position: int, number: int = 0) -> TopList:
        """The list of top domains once the records before `position` are counted and published."""
        partition = TopicPartition(TOP_DOMAINS, number)
        async with self.bus.reader([partition]) as reader, asyncio.timeout(30):
            while True:
                for record in (await reader.poll(1, 1_000)).get(partition, []):
                    top = decode_top_list(record.value)
                    if top.position >= position:
                        return top

    def metric(self, series: str) -> float:
        """The value of a series, such as `name{label="value"}`."""
        for line in self.metrics.text().decode().splitlines():
            name, _, value = line.rpartition(" ")
            if name == series:
                return float(value)
        raise KeyError(series)


@asynccontextmanager
async def a_log(partitions: int = 1) -> AsyncIterator[Log]:
    """A log in memory."""
    async with open_memory_bus(now_us) as bus:
        await bus.create_topics(declared_topics(partitions))
        yield Log(bus, partitions)


@asynccontextmanager
async def running(
    log: Log,
    chosen: DetectorSettings | None = None,
    *,
    bus: Bus | None = None,
    is_secret_shared: bool = False,
    finish: asyncio.Event | None = None,
) -> AsyncIterator[asyncio.Task[None]]:
    """A detector at work; stopped in order at the end, unless it has ended before."""
    stop = asyncio.Event()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(member, "REFRESH_SECONDS", 0.0)
        patch.setattr(member, "_POLL_SECONDS", 0.02)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(
                run_detector(
                    bus or log.bus,
                    chosen or settings(),
                    SECRET,
                    is_secret_shared=is_secret_shared,
                    metrics=log.metrics,
                    health=log.health,
                    stop=stop,
                    finish=finish,
                )
            )
            yield task
            stop.set()
