"""The detector as a service: transactions from the log, alerts and top domains to it [shell].

Records are counted in a thread, then what they say is appended, and only then are they committed.
So a detector may be killed anywhere: what it says twice has the same id.
"""

import asyncio

from geophone_detector.assignment import Assignment
from geophone_detector.measures import Measures
from geophone_detector.member import Member
from geophone_detector.patience import Patience
from geophone_detector.plan_settings import plan_from
from geophone_detector.state_log import StateLog
from geophone_detector.vitals import HEALTH_CONDITIONS, Vitals, now_us
from geophone_shared.bus.contract import Bus
from geophone_shared.bus.topics import (
    ALERTS,
    DEAD_LETTERS,
    DETECTOR_STATE,
    TOP_DOMAINS,
    TRANSACTIONS,
)
from geophone_shared.errors import ConfigError, TransientError
from geophone_shared.hashing import SecretKey
from geophone_shared.health import Health
from geophone_shared.metrics.registry import Metrics
from geophone_shared.settings.sections import DetectorSettings

__all__ = ["HEALTH_CONDITIONS", "TOPICS", "run_detector"]

TOPICS = (TRANSACTIONS, ALERTS, TOP_DOMAINS, DETECTOR_STATE, DEAD_LETTERS)
"""What has to exist on the log."""


async def run_detector(  # noqa: PLR0913 - it puts everything together
    bus: Bus,
    settings: DetectorSettings,
    secret: SecretKey,
    *,
    is_secret_shared: bool,
    metrics: Metrics,
    health: Health,
    stop: asyncio.Event,
    finish: asyncio.Event | None = None,
) -> None:
    """Detect until `stop` is set; then write what was counted to the log, and return.

    Args:
        bus: the log.
        settings: the detector's.
        secret: the key of the hash tables.
        is_secret_shared: whether somebody set it, so that other detectors can have the same.
        metrics: with the detector's families, and values for `stage` (`detector`) and `partition`.
        health: with `HEALTH_CONDITIONS`.
        stop: ends it in order.
        finish: ends it in order once all transactions on the log are counted; set when no more
            will come.

    Raises:
        ConfigError: the settings or the topics can't be used, the log refuses what is asked of it,
            another detector has another key, or too many records can't be read.
    """
    measures = Measures(metrics)
    vitals = Vitals(health, measures)
    patience = Patience(stop)
    while not stop.is_set():
        try:
            partitions = await _partition_count(bus)
            plan = plan_from(settings, secret, partitions)
            state_log = StateLog(bus, plan, vitals.beat)
            most = None if is_secret_shared else partitions
            assignment = Assignment(plan, state_log, measures, now_us, most)
            member = Member(bus, settings, assignment, measures, vitals, stop)
            if await member.run(finish or asyncio.Event()):
                return
            patience.reset()
        except TransientError as error:
            vitals.failed(error)
            await patience.wait()


async def _partition_count(bus: Bus) -> int:
    """How many partitions there are of the transactions, and so of all that belongs to them."""
    found = await bus.describe_topics(TOPICS)
    missing = [name for name in TOPICS if name not in found]
    if missing:
        raise ConfigError(f"{missing[0]} does not exist: run `geophone topics create`")
    count = found[TRANSACTIONS].partitions
    for name in (TOP_DOMAINS, DETECTOR_STATE):
        if found[name].partitions != count:
            raise ConfigError(
                f"{name} has {found[name].partitions} partitions and {TRANSACTIONS} has {count}:"
                f" delete {name} and run `geophone topics create`"
            )
    return count
