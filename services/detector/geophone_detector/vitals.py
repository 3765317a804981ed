"""Whether the detector lives and the log answers it, for probes and metrics [shell]."""

import logging
import time

from geophone_detector.measures import Measures
from geophone_shared.errors import TransientError
from geophone_shared.health import Condition, Health

_logger = logging.getLogger(__name__)

_LOOP = "detector_loop"
_LOG = "detector_log"

HEALTH_CONDITIONS = (
    Condition(_LOOP, "liveness", valid_seconds=300),
    Condition(_LOG, "readiness", valid_seconds=60),
)
"""What is reported. The loop gets round also while the log is away."""


def now_us() -> int:
    """The wall clock, µs since the epoch."""
    return time.time_ns() // 1000


class Vitals:
    """Reports to `health` and `measures`."""

    def __init__(self, health: Health, measures: Measures) -> None:
        self._health = health
        self._measures = measures

    def beat(self) -> None:
        """Work goes on."""
        self._health.report(_LOOP, time.monotonic())
        self._measures.beat(now_us())

    def answered(self) -> None:
        """The log answered."""
        self.beat()
        self._health.report(_LOG, time.monotonic())

    def failed(self, error: TransientError) -> None:
        """It didn't; it will be asked again."""
        self.beat()
        self._health.report(_LOG, time.monotonic(), is_ok=False, detail=str(error))
        _logger.warning("the log does not answer", extra={"error": str(error)})
