"""The capture in a process: of its own, or of `geophone run`."""

from collections.abc import Sequence

from geophone.opened_log import replaced_producers
from geophone.service_process import (
    Declared,
    Parts,
    listening,
    require_brokers,
    run_process,
)
from geophone_capture import metrics, service
from geophone_capture.inputs import STANDARD_INPUT
from geophone_capture.warming import warm
from geophone_shared.bus.topics import TRANSACTIONS
from geophone_shared.errors import ConfigError
from geophone_shared.exit_codes import ExitCode
from geophone_shared.ops_server import ops_app, serving
from geophone_shared.settings.loading import DEFAULT, Flag, load_settings, origins
from geophone_shared.settings.settings import Settings

CAPTURE = Declared(
    stage=service.STAGE,
    topics=(TRANSACTIONS,),
    families=metrics.FAMILIES,
    conditions=service.HEALTH_CONDITIONS,
    interfaces=metrics.INPUTS,
    warm=warm,
)

_LIVE_SPEED = 1.0


def capture_settings(flags: Sequence[Flag]) -> Settings:
    """The settings of a process that captures.

    Standard input is taken for live, so that its batches close by time, unless a speed is set.

    Raises:
        ConfigError: one is wrong, or there is nothing to read.
    """
    settings = load_settings(flags)
    if not settings.capture.files:
        raise ConfigError("there is nothing to read: give --file FILE, or - for standard input")
    has_speed = origins(flags)["capture.speed"] != DEFAULT
    if has_speed or STANDARD_INPUT not in settings.capture.files:
        return settings
    live = settings.capture.model_copy(update={"speed": _LIVE_SPEED})
    return settings.model_copy(update={"capture": live})


async def capture(parts: Parts) -> None:
    """Run the service."""
    around = service.Surroundings(replaced_producers=replaced_producers(parts.bus, parts.settings))
    await service.run_capture(
        parts.bus, parts.settings.capture, parts.metrics, parts.health, parts.stop, around
    )


def run(flags: Sequence[Flag]) -> ExitCode:
    """`geophone capture`.

    Raises:
        ConfigError: a setting is wrong.
    """
    settings = capture_settings(flags)
    require_brokers(settings, "capture")

    async def work(parts: Parts) -> None:
        listener = listening(settings.capture.ops, "--ops")
        async with serving(ops_app(parts.health, parts.metrics), listener):
            await capture(parts)

    return run_process("geophone-capture", settings, [CAPTURE], work)
