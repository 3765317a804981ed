"""The lists of top domains: made of a detector's tables, read and shown by an alerter."""

from collections import Counter
from pathlib import Path

from geophone_alerter.top_store import TopStore
from geophone_capture.batching import Batcher
from geophone_detector.partition import Partition
from geophone_detector.plan_settings import plan_from
from geophone_detector.top_list import encoded_top_list
from geophone_shared.bus.records import StoredRecord
from geophone_shared.settings.sections import DetectorSettings
from geophone_shared.top_domains import decode_top_list
from tests.bench import pipeline
from tests.bench.services.findings import Finding, Pauses
from tests.bench.services.processes import PARTITIONS
from tests.bench.timing import Measured

_TURNS = 5
"""In each round, over all partitions: CPU time is known to 0.01 s."""
_FAR_US = 1 << 60
_FEW_NAMES = 500
"""The exact cap, so that some domains are sketched."""


async def measure(_folder: Path, capture: Path, rounds: int, _pauses: Pauses) -> list[Finding]:
    """CPU time of a list, in this process."""
    held = partitions(capture)
    values = [encoded_top_list(each, number) for number, each in enumerate(held)]
    lists = _TURNS * len(held)
    made, read = Measured("made", lists, "lists"), Measured("read", lists, "lists")
    store = TopStore()
    for _ in range(rounds):
        made.time(
            lambda: [encoded_top_list(each, number) for number, each in enumerate(held * _TURNS)]
        )
        read.time(lambda: _read(store, values * _TURNS))
    sketched = sum(len(each.detector.windows.sketched) for each in held)
    domains = sum(int(each.detector.windows.tables.heads[0]["live_domains"]) for each in held)
    remark = f"{domains:,} live domains in {PARTITIONS} partitions, {sketched} of them sketched"
    size = f"{sum(map(len, values)) / len(values) / 1000:.0f} kB"
    return [
        Finding("a list made of the tables", _cpu_us(made), "µs", is_least=False, remark=remark),
        Finding("the same read and kept", _cpu_us(read), "µs", is_least=False, remark=size),
    ]


def partitions(capture: Path) -> list[Partition]:
    """What detectors hold after a capture."""
    settings = DetectorSettings(exact_cap_names=_FEW_NAMES)
    plan = plan_from(settings, pipeline.SECRET, PARTITIONS)
    held = [Partition(plan.create(), 0) for _ in range(PARTITIONS)]
    offsets: Counter[int] = Counter()
    batcher = Batcher(PARTITIONS, 2_000, sensor="bench", producer="bench")
    for transactions in pipeline.rows_of(pipeline.blocks_of(capture)):
        for batch in batcher.add(transactions):
            offset, record = offsets[batch.partition], batch.to_record()
            stored = StoredRecord(offset, _FAR_US, record.value, record.key, record.headers)
            held[batch.partition].take(stored)
            offsets[batch.partition] += 1
    return held


def _read(store: TopStore, values: list[bytes]) -> None:
    for value in values:
        store.apply(decode_top_list(value))


def _cpu_us(measured: Measured) -> list[float]:
    return [1e6 * seconds / measured.count for seconds in measured.cpu_seconds]
