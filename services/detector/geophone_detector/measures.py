"""The detector's metrics: what each record, alert and refresh adds to them [shell]."""

from collections import Counter
from collections.abc import Iterable, Mapping

from geophone_detector import metrics as families
from geophone_detector.kernels.layout import (
    COUNTS,
    DOMAIN,
    EVIDENCE,
    PAIR,
    SAMPLE_BYTES,
)
from geophone_detector.kernels.sketches import SKETCH_BYTES
from geophone_detector.partition import Partition, Taken
from geophone_detector.windows import SlidingWindows
from geophone_shared.alerts import Alert
from geophone_shared.metrics import common
from geophone_shared.metrics.families import Counter as CounterFamily
from geophone_shared.metrics.registry import Metrics

_Series = tuple[CounterFamily, tuple[tuple[str, str], ...]]
"""A counter and its labels."""

_LOSSES = {
    families.LATE_RECORDS: "late_transactions",
    families.REFUSED_ALERTS: "refused_alerts",
    families.EVICTIONS: "evictions",
}
DROPS = ("dead_letters", "missing_records", *_LOSSES.values())
"""Why something may be lost in a detector."""

_EVIDENCE_BYTES = EVIDENCE.itemsize + SAMPLE_BYTES


class Measures:
    """Keeps the metrics of one detector.

    Attributes:
        metrics: where they are kept.
    """

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self._before: dict[int, Counter[_Series]] = {}

    def begin(self, number: int, partition: Partition) -> None:
        """A partition is held from now on; what its state counted before is no news."""
        self._before[number] = _counted(partition)

    def end(self, number: int) -> None:
        """A partition isn't held any more."""
        self._before.pop(number, None)
        self.metrics.forget(families.LAG_RECORDS, partition=str(number))

    def taken(self, number: int, partition: Partition, taken: Iterable[Taken]) -> Counter[str]:
        """A partition took records.

        Returns:
            what was lost in them, by `DROPS`.
        """
        add = self.metrics.add
        lost: Counter[str] = Counter()
        for one in taken:
            if one.refused is not None:
                lost["dead_letters"] += 1
                continue
            if one.is_repeat:
                add(families.REPEATED_RECORDS)
                continue
            add(families.RECORDS)
            add(families.TRANSACTIONS, one.rows)
            add(families.MISSING_RECORDS, one.missing)
            lost["missing_records"] += one.missing
        counted = _counted(partition)
        for (family, labels), amount in (counted - self._before[number]).items():
            add(family, amount, **dict(labels))
            if family in _LOSSES:
                lost[_LOSSES[family]] += amount
        self._before[number] = counted
        return lost

    def published(self, alert: Alert, now_us: int) -> None:
        """An alert is on the log."""
        if alert.state == "opened":
            self.metrics.add(families.ALERTS_EMITTED, severity=alert.severity)
            latency_seconds = max(now_us - alert.opened_at_us, 0) / 1_000_000
            self.metrics.observe(families.DETECTION_LATENCY_SECONDS, latency_seconds)

    def beat(self, now_us: int) -> None:
        """The loop got round."""
        self.metrics.set(common.HEARTBEAT_TIMESTAMP_SECONDS, now_us / 1_000_000, stage="detector")

    def hold(self, partitions: Mapping[int, Partition]) -> None:
        """What all partitions that are held come to now."""
        windows = [partition.detector.windows for partition in partitions.values()]
        heads = [each.tables.heads[0] for each in windows]
        gauge = self.metrics.set
        gauge(families.TRACKED_DOMAINS, sum(int(each["live_domains"]) for each in heads))
        gauge(families.TRACKED_HOSTNAMES, sum(int(each["live_pairs"]) for each in heads))
        sketches = sum(len(each.sketched) for each in windows)
        gauge(families.SKETCHED_DOMAINS, sketches)
        gauge(families.MEMORY_BYTES, sketches * SKETCH_BYTES, budget="sketch")
        memory_bytes = sum(_memory_bytes(partition) for partition in partitions.values())
        gauge(families.MEMORY_BYTES, memory_bytes, budget="memory")
        gauge(families.FILL_RATIO, max(map(_memory_fill, windows), default=0), budget="memory")
        gauge(families.FILL_RATIO, max(map(_sketch_fill, windows), default=0), budget="sketch")
        clocks = [each.clock_us for each in partitions.values() if each.clock_us is not None]
        gauge(families.WATERMARK_TIMESTAMP_SECONDS, min(clocks, default=0) / 1_000_000)

    def lag(self, records: Mapping[int, int]) -> None:
        """How many records of each partition are still to come."""
        for number, count in records.items():
            self.metrics.set(families.LAG_RECORDS, count, partition=str(number))


def _counted(partition: Partition) -> Counter[_Series]:
    """What a partition counted since its state began, beside its records."""
    windows = partition.detector.windows
    heads = windows.tables.heads[0]

    def evicted(reason: str) -> _Series:
        return families.EVICTIONS, (("reason", reason),)

    return Counter(
        {
            (families.LATE_RECORDS, ()): int(heads["late_rows"]),
            (families.CLAMPED_TRANSACTIONS, ()): int(heads["future_rows"]),
            (families.REFUSED_ALERTS, ()): partition.detector.alerts_refused,
            (families.FORGOTTEN_PRODUCERS, ()): partition.repeats.forgotten,
            evicted("memory_budget"): windows.swept_domains,
            evicted("sketch_budget"): int(heads["names_at_cap"]),
            evicted("evidence"): int(heads["evidence_taken"]),
            evicted("hostname"): int(heads["names_without_room"]) + int(heads["rows_without_room"]),
        }
    )


def _memory_bytes(partition: Partition) -> int:
    """What the used parts of the tables and the indexes take."""
    tables = partition.detector.windows.tables
    heads = tables.heads[0]
    return (
        int(heads["unused_pair"]) * PAIR.itemsize
        + int(heads["unused_domain"]) * DOMAIN.itemsize
        + int(heads["unused_counts"]) * COUNTS.itemsize
        + int(heads["unused_evidence"]) * _EVIDENCE_BYTES
        + int(heads["names_bytes"])
        + int(tables.pair_slots.nbytes)
        + int(tables.domain_slots.nbytes)
    )


def _memory_fill(windows: SlidingWindows) -> float:
    """What part of the fuller table is live: of domains or of names."""
    tables = windows.tables
    heads = tables.heads[0]
    domains = int(heads["live_domains"]) / tables.domains.size
    return max(domains, int(heads["live_pairs"]) / tables.pairs.size)


def _sketch_fill(windows: SlidingWindows) -> float:
    """What part of the estimates that the budget allows there is; 0 where it allows none."""
    capacity = windows.tables.sketches.size
    return len(windows.sketched) / capacity if capacity else 0.0
