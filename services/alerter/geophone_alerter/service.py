"""The alerter service: its parts put together [shell, composition root]."""

import asyncio
import random
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from geophone_alerter.acting import LOOP_CONDITION, Acting
from geophone_alerter.alerter_log import AlerterLog
from geophone_alerter.api.app import create_app
from geophone_alerter.api.shown import Shown
from geophone_alerter.configured import Channels
from geophone_alerter.delivery import Surroundings
from geophone_alerter.measuring import measure_delivered
from geophone_alerter.notifier import Notifier
from geophone_alerter.retries import RetrySchedule
from geophone_alerter.views import LOG_CONDITION, VIEWS_CONDITION, Views
from geophone_shared.bus.contract import Bus
from geophone_shared.bus.topics import (
    ALERTS,
    DEAD_LETTERS,
    NOTIFICATIONS,
    TOP_DOMAINS,
    TRANSACTIONS,
)
from geophone_shared.errors import ConfigError
from geophone_shared.health import Condition, Health
from geophone_shared.metrics import common
from geophone_shared.metrics.registry import Metrics
from geophone_shared.notifications import Notification
from geophone_shared.ops_server import ops_routes, serving
from geophone_shared.settings.secret_values import api_token
from geophone_shared.settings.sections import AlerterSettings

HEALTH_CONDITIONS = (
    Condition(LOOP_CONDITION, "liveness", valid_seconds=300),
    Condition(LOG_CONDITION, "readiness", valid_seconds=60),
    Condition(VIEWS_CONDITION, "readiness"),
)
"""What `health` has to have."""

TOPICS = (ALERTS, DEAD_LETTERS, NOTIFICATIONS, TOP_DOMAINS, TRANSACTIONS)
"""What has to exist on the log."""


async def run_alerter(  # noqa: PLR0913 - it puts everything together
    bus: Bus,
    settings: AlerterSettings,
    metrics: Metrics,
    health: Health,
    stop: asyncio.Event,
    *,
    listener: socket.socket,
    finish: asyncio.Event | None = None,
    retries: RetrySchedule | None = None,
) -> None:
    """Tells people of alerts and answers REST, until it is stopped.

    Args:
        bus: the log, open, with its topics.
        settings: the section `alerter`.
        metrics: with `metrics.FAMILIES`, and the value `alerter` for the label `stage`.
        health: with `HEALTH_CONDITIONS`, on the clock of `time.monotonic`.
        stop: ends it once the attempts under way are finished; what waits is told by the next
            start.
        listener: where REST is served, from `ops_server.listen`; it is closed in the end. Probes
            and metrics are served there, too, unless the settings have another address for them.
        finish: ends it once all alerts on the log are told; set when no more will come.
        retries: how often to try again.

    Raises:
        ConfigError: others could reach REST without a token, a channel can't be opened, or a topic
            doesn't exist.
        TransientError: the log doesn't answer at the start.
    """
    retries = retries or RetrySchedule()
    token = api_token(settings)
    with ExitStack() as closing:
        closing.callback(listener.close)
        channels = Channels(settings, closing)
        views = Views(await _partitions(bus), metrics, health)
        log = AlerterLog(bus, lambda reason: metrics.add(common.DEAD_LETTERS, reason=reason))
        acting = Acting(bus, log, _notifiers(channels, log, metrics, retries), metrics, health)
        progress = acting.progress
        shown = Shown(
            alerts=views.alerts,
            told=views.told,
            top=views.top,
            stages=lambda: views.stages(progress),
            is_acting=lambda: progress.is_acting,
        )
        app = create_app(
            shown,
            token=token,
            more_routes=ops_routes(health, metrics) if settings.ops is None else (),
        )
        async with serving(app, listener), asyncio.TaskGroup() as tasks:
            showing = tasks.create_task(views.run(bus))
            await acting.run(stop, finish or asyncio.Event())
            showing.cancel()


async def _partitions(bus: Bus) -> int:
    """How many partitions the top domains are in.

    Raises:
        ConfigError: a topic doesn't exist.
        TransientError: the log doesn't answer.
    """
    found = await bus.describe_topics(TOPICS)
    missing = [name for name in TOPICS if name not in found]
    if missing:
        raise ConfigError(f"{missing[0]} does not exist: run `geophone topics create`")
    return found[TOP_DOMAINS].partitions


def _notifiers(
    channels: Channels, log: AlerterLog, metrics: Metrics, retries: RetrySchedule
) -> Callable[[], Notifier]:
    """What makes a notifier each time that this alerter begins to act."""

    async def record(notifications: Sequence[Notification]) -> None:
        await log.record(notifications)
        measure_delivered(metrics, notifications)

    around = Surroundings(
        record=record,
        refuse=log.refuse,
        now_us=lambda: time.time_ns() // 1_000,
        random=random.random,
        retries=retries,
    )
    return lambda: channels.create_notifier(around)
