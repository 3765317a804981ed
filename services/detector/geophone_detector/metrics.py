"""What the detector measures [core]."""

from geophone_shared.alerts import SEVERITIES
from geophone_shared.metrics import common
from geophone_shared.metrics.families import Counter, Family, Gauge, Histogram, Label

RECORDS = Counter("geophone_detector_records_total", "Batches read and counted.")
TRANSACTIONS = Counter("geophone_detector_transactions_total", "Transactions in those batches.")
REPEATED_RECORDS = Counter(
    "geophone_detector_repeated_records_total",
    "Batches that came again and were skipped, as they should be.",
)
MISSING_RECORDS = Counter(
    "geophone_detector_missing_records_total",
    "Batches that a producer numbered and that never came.",
)
FORGOTTEN_PRODUCERS = Counter(
    "geophone_detector_forgotten_producers_total",
    "Producers that had to make room for others; a batch that they repeat would count again.",
)
LATE_RECORDS = Counter(
    "geophone_detector_late_records_total",
    "Transactions older than the longest window; they count in none.",
)
CLAMPED_TRANSACTIONS = Counter(
    "geophone_detector_clamped_transactions_total",
    "Transactions dated more than a minute later than they were published; they count as of then.",
)
TRACKED_DOMAINS = Gauge("geophone_detector_tracked_domains", "Registered domains in the windows.")
TRACKED_HOSTNAMES = Gauge("geophone_detector_tracked_hostnames", "Hostnames counted exactly.")
SKETCHED_DOMAINS = Gauge(
    "geophone_detector_sketched_domains", "Domains whose hostnames are estimated."
)
MEMORY_BYTES = Gauge(
    "geophone_detector_memory_bytes",
    "What is in use of a budget.",
    (Label("budget", ("memory", "sketch")),),
)
FILL_RATIO = Gauge(
    "geophone_detector_fill_ratio",
    "How full the fullest partition held is; at 1 of `memory` small domains are swept, at 1 of"
    " `sketch` no more domains are estimated.",
    (Label("budget", ("memory", "sketch")),),
)
EVICTIONS = Counter(
    "geophone_detector_evictions_total",
    "What had to make room at a bound, by which: a domain at the memory budget, an estimate at the"
    " sketch budget, the evidence of a small domain, or a hostname that found no room.",
    (Label("reason", ("memory_budget", "sketch_budget", "evidence", "hostname")),),
)
LAG_RECORDS = Gauge(
    "geophone_detector_lag_records",
    "Batches of a partition that are on the log and not counted yet; only of partitions held.",
    (Label("partition"),),
)
LAST_COMMIT_TIMESTAMP_SECONDS = Gauge(
    "geophone_detector_last_commit_timestamp_seconds",
    "When a position was last committed; Unix time, 0 for never.",
)
WATERMARK_TIMESTAMP_SECONDS = Gauge(
    "geophone_detector_watermark_timestamp_seconds",
    "The clock of the partition that is furthest behind; packet time, Unix time, 0 for none.",
)
SNAPSHOTS = Counter(
    "geophone_detector_snapshots_total",
    "Snapshots of a partition's state, by what came of them.",
    (Label("result", ("written", "failed", "restored", "unusable")),),
)
SNAPSHOT_BYTES = Gauge("geophone_detector_snapshot_bytes", "Size of the last snapshot.")
ALERTS_EMITTED = Counter(
    "geophone_alerts_emitted_total",
    "Alerts opened, by their severity then.",
    (Label("severity", SEVERITIES),),
)
REFUSED_ALERTS = Counter(
    "geophone_detector_refused_alerts_total",
    "Crossings without an alert because too many domains had open ones.",
)
DETECTION_LATENCY_SECONDS = Histogram(
    "geophone_detector_detection_latency_seconds",
    "From when the crossing transaction completed, packet time, until its alert is on the log.",
)

FAMILIES: tuple[Family, ...] = (
    *common.FAMILIES,
    RECORDS,
    TRANSACTIONS,
    REPEATED_RECORDS,
    MISSING_RECORDS,
    FORGOTTEN_PRODUCERS,
    LATE_RECORDS,
    CLAMPED_TRANSACTIONS,
    TRACKED_DOMAINS,
    TRACKED_HOSTNAMES,
    SKETCHED_DOMAINS,
    MEMORY_BYTES,
    FILL_RATIO,
    EVICTIONS,
    LAG_RECORDS,
    LAST_COMMIT_TIMESTAMP_SECONDS,
    WATERMARK_TIMESTAMP_SECONDS,
    SNAPSHOTS,
    SNAPSHOT_BYTES,
    ALERTS_EMITTED,
    REFUSED_ALERTS,
    DETECTION_LATENCY_SECONDS,
)
