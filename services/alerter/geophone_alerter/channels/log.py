"""The log channel: every event of every alert as a line of JSON [shell].

To a file or standard output. It takes the place of the published watch's logging action. Writing
may block, so it is done in a thread.
"""

import asyncio
import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from geophone_alerter.ecs import event_line
from geophone_alerter.parcels import ACCEPTED, Outcome, Parcel
from geophone_shared.errors import ConfigError

_STANDARD_OUTPUT = 1
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class LogChannel:
    """Lines to one open file.

    Args:
        descriptor: of the file; `close` closes it.
        target: what notifications call it.
    """

    name: ClassVar[str] = "log"

    def __init__(self, descriptor: int, target: str) -> None:
        self.targets = (target,)
        self._descriptor = descriptor

    async def deliver(self, parcel: Parcel, now_us: int) -> Mapping[str, Outcome]:
        """Appends the lines of a parcel, all of them or none where the file allows that."""
        try:
            await asyncio.to_thread(_write, self._descriptor, parcel, now_us)
        except OSError as error:
            reason = "no_space" if error.errno in _NO_SPACE else "input_output"
            return dict.fromkeys(parcel.targets, Outcome("temporary", reason))
        return dict.fromkeys(parcel.targets, ACCEPTED)

    def close(self) -> None:
        """Closes the file; nothing may be delivered any more."""
        os.close(self._descriptor)


def open_log_channel(path: Path | None) -> LogChannel:
    """The channel; `path` is appended to, None is standard output.

    Raises:
        ConfigError: the file can't be written.
    """
    if path is None:
        return LogChannel(os.dup(_STANDARD_OUTPUT), "stdout")
    try:
        return LogChannel(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640), "file")
    except OSError as error:
        raise ConfigError(
            f"the event log {str(path)!a} can't be written ({os.strerror(error.errno or 0)});"
            " choose another file or change its permissions"
        ) from error


def _write(descriptor: int, parcel: Parcel, now_us: int) -> None:
    lines = (
        event_line(notice.incident, alert, now_us)
        for notice in parcel.notices
        for alert in notice.alerts
    )
    _append(descriptor, b"".join(lines))


def _append(descriptor: int, data: bytes) -> None:
    """Appends all of `data`, to disk where that is a file; after an error, nothing of it there.

    Raises:
        OSError: as from the system.
    """
    before = os.fstat(descriptor)
    is_file = stat.S_ISREG(before.st_mode)
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
        if is_file:
            os.fsync(descriptor)
    except OSError:
        # Half a line would spoil the next one, and whole ones would come again.
        if is_file:
            os.ftruncate(descriptor, before.st_size)
        raise
