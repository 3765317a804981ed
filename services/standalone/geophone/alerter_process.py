"""The alerter in a process: of its own, or of `geophone run`."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from geophone.service_process import (
    Declared,
    Parts,
    listening,
    require_brokers,
    run_process,
)
from geophone_alerter import metrics, service
from geophone_alerter.acting import STAGE
from geophone_alerter.warming import warm
from geophone_shared.exit_codes import ExitCode
from geophone_shared.ops_server import ops_app, serving
from geophone_shared.settings.loading import Flag, load_settings
from geophone_shared.settings.secret_values import refuse_open_doors

ALERTER = Declared(
    stage=STAGE,
    topics=service.TOPICS,
    families=metrics.FAMILIES,
    conditions=service.HEALTH_CONDITIONS,
    warm=warm,
    has_kernels=False,
)


async def tell(parts: Parts, finish: asyncio.Event | None = None) -> None:
    """Run the service; `finish` ends it once everything on the log is told.

    Raises:
        ConfigError: its address can't be had, or a setting is wrong.
    """
    settings = parts.settings.alerter
    await service.run_alerter(
        parts.bus,
        settings,
        parts.metrics,
        parts.health,
        parts.stop,
        listener=listening(settings.http, "--http"),
        finish=finish,
    )


def run(flags: Sequence[Flag]) -> ExitCode:
    """`geophone alerter`.

    Raises:
        ConfigError: a setting is wrong.
    """
    settings = load_settings(flags)
    require_brokers(settings, "alerter")
    refuse_open_doors(settings.alerter)

    async def work(parts: Parts) -> None:
        async with AsyncExitStack() as stack:
            if settings.alerter.ops is not None:
                listener = listening(settings.alerter.ops, "--ops")
                app = ops_app(parts.health, parts.metrics)
                await stack.enter_async_context(serving(app, listener))
            await tell(parts)

    return run_process("geophone-alerter", settings, [ALERTER], work)
