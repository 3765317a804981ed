"""What every service measures [core]."""

from typing import get_args

from geophone_shared.metrics.families import Counter, Family, Gauge, Label
from geophone_shared.record_reasons import RecordReason

BUILD_INFO = Gauge(
    "geophone_build_info", "1, with the version that is running.", (Label("version"),)
)
HEARTBEAT_TIMESTAMP_SECONDS = Gauge(
    "geophone_pipeline_heartbeat_timestamp_seconds",
    "When a stage last got through its loop, also with nothing to do; Unix time.",
    (Label("stage"),),
)
LONGEST_PAUSE_SECONDS = Gauge(
    "geophone_event_loop_longest_pause_seconds",
    "The longest time in the last one to two minutes that the event loop was kept from running.",
)
EVENT_LOOP_TASKS = Gauge(
    "geophone_event_loop_tasks",
    "Tasks of the event loop; where they only grow, something is begun and never ended.",
)
DEAD_LETTERS = Counter(
    "geophone_dead_letters_total",
    "Records of the log that could not be used, by why.",
    (Label("reason", get_args(RecordReason)),),
)
READER_REBUILDS = Counter(
    "geophone_reader_rebuilds_total",
    "Readers of the log that stood still although it answered, and were replaced.",
)

FAMILIES: tuple[Family, ...] = (
    BUILD_INFO,
    HEARTBEAT_TIMESTAMP_SECONDS,
    LONGEST_PAUSE_SECONDS,
    EVENT_LOOP_TASKS,
    DEAD_LETTERS,
    READER_REBUILDS,
)
