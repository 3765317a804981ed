"""The capture in a process: of its own, or of `geophone run`."""

import socket
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

_LIVE_SPEED = 1.0


def declared(settings: Settings) -> Declared:
    """What the service needs of the process, with these settings."""
    interfaces = settings.capture.interfaces
    return Declared(
        stage=service.STAGE,
        topics=(TRANSACTIONS,),
        families=metrics.FAMILIES,
        conditions=service.LIVE_HEALTH_CONDITIONS if interfaces else service.HEALTH_CONDITIONS,
        warm=warm,
        interfaces=interfaces or metrics.INPUTS,
    )


def capture_settings(flags: Sequence[Flag]) -> Settings:
    """The settings of a process that captures.

    Standard input is taken for live, so that its batches close by time, unless a speed is set.

    Raises:
        ConfigError: one is wrong, or there is nothing to read.
    """
    settings = load_settings(flags)
    given = origins(flags)
    if settings.capture.interfaces:
        for path in ("capture.speed", "capture.shift_to_now"):
            if given[path] != DEFAULT:
                raise ConfigError(
                    f"{path} (from {given[path]}) is for captures: what comes by on an interface"
                    " has its own time; remove it"
                )
        return settings
    if not settings.capture.files:
        raise ConfigError(
            "there is nothing to read: give --interface IF, --file FILE, or - for standard input"
        )
    if given["capture.speed"] != DEFAULT or STANDARD_INPUT not in settings.capture.files:
        return settings
    live = settings.capture.model_copy(update={"speed": _LIVE_SPEED})
    return settings.model_copy(update={"capture": live})


async def capture(parts: Parts, sockets: Sequence[socket.socket]) -> None:
    """Run the service, with a packet socket for each interface that is captured on."""
    around = service.Surroundings(
        packet_sockets=sockets,
        replaced_producers=replaced_producers(parts.bus, parts.settings),
    )
    await service.run_capture(
        parts.bus, parts.settings.capture, parts.metrics, parts.health, parts.stop, around
    )


def run(flags: Sequence[Flag], sockets: Sequence[socket.socket] = ()) -> ExitCode:
    """`geophone capture`.

    Args:
        flags: the options that were given.
        sockets: packet sockets, one for each interface.

    Raises:
        ConfigError: a setting is wrong.
    """
    settings = capture_settings(flags)
    require_brokers(settings, "capture")

    async def work(parts: Parts) -> None:
        listener = listening(settings.capture.ops, "--ops")
        async with serving(ops_app(parts.health, parts.metrics), listener):
            await capture(parts, sockets)

    return run_process("geophone-capture", settings, [declared(settings)], work)
