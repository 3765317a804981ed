"""All services in one process: `geophone run`."""

import asyncio
import os
import socket
from collections.abc import Sequence
from pathlib import Path

from geophone.alerter_process import ALERTER, tell
from geophone.capture_process import capture, capture_settings, declared
from geophone.detector_process import DETECTOR, detect
from geophone.service_process import Parts, run_process
from geophone_shared.errors import ConfigError
from geophone_shared.exit_codes import ExitCode
from geophone_shared.settings.loading import Flag
from geophone_shared.settings.secret_values import refuse_open_doors


def run(flags: Sequence[Flag], sockets: Sequence[socket.socket] = ()) -> ExitCode:
    """`geophone run`.

    Args:
        flags: the options that were given.
        sockets: packet sockets, one for each interface that is captured on.

    Raises:
        ConfigError: a setting is wrong.
    """
    settings = capture_settings(flags)
    refuse_open_doors(settings.alerter)
    if sockets:
        _refuse_folder_of_others(settings.data_dir)
    # Probes and metrics are where everything else is.
    alerter = settings.alerter.model_copy(update={"ops": None})
    settings = settings.model_copy(update={"alerter": alerter})
    services = [declared(settings), DETECTOR, ALERTER]
    return run_process("geophone", settings, services, lambda parts: _run_all(parts, sockets))


def _refuse_folder_of_others(folder: Path) -> None:
    """See that root without its capabilities can write where it could before.

    Raises:
        ConfigError: it can't.
    """
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if os.geteuid() == 0 and not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError(
            f"the data folder {str(folder)!a} can't be written: live capture gives up the right of"
            " root to write where others may; choose a folder of root's with --data-dir"
        )


async def _run_all(parts: Parts, sockets: Sequence[socket.socket]) -> None:
    """Each service ends when the one before it has nothing more for it."""
    captured, detected = asyncio.Event(), asyncio.Event()

    async def capture_all() -> None:
        await capture(parts, sockets)
        captured.set()

    async def detect_all() -> None:
        await detect(parts, captured)
        detected.set()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(tell(parts, detected))
        tasks.create_task(detect_all())
        tasks.create_task(capture_all())
