"""Files and standard input as they lie on disk, read without waiting for more than there is."""

import errno
import os
import select
import stat
import sys
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from geophone_shared.errors import ConfigError

STANDARD_INPUT = "-"
"""What standard input is called on the command line."""


class StreamError(Exception):
    """An input can't be read further; the message is what a person should know about it."""


class _Raw(Protocol):
    def readinto(self, view: memoryview, /) -> int | None: ...
    def fileno(self) -> int: ...


class Input:
    """An open file or standard input.

    Attributes:
        name: as given, or "standard input".
        size_bytes: of a regular file, else None.
        position_bytes: how far it has been read.
    """

    def __init__(
        self, name: str, stream: BinaryIO, size_bytes: int | None, *, is_ours: bool = True
    ) -> None:
        self.name = name
        self.size_bytes = size_bytes
        self.position_bytes = 0
        self._stream = stream
        self._is_ours = is_ours
        # Below a BufferedReader, which would wait until all that was asked for is there.
        self._raw = cast("_Raw", getattr(stream, "raw", stream))

    def readinto(self, view: memoryview) -> int:
        """Read what is there, at most `len(view)` bytes; 0 at the end.

        Raises:
            StreamError: the operating system reports an error.
        """
        try:
            while (count := self._raw.readinto(view)) is None:
                select.select([self._raw], [], [])  # another process has made it non-blocking
        except OSError as error:
            raise StreamError(f"it can't be read ({error.strerror})") from error
        self.position_bytes += count
        return count

    def close(self) -> None:
        """Close a file; standard input belongs to the process."""
        if self._is_ours:
            self._stream.close()


def can_be_reopened(name: str) -> bool:
    """Whether what is read once can be read again: `name` is a regular file."""
    try:
        return name != STANDARD_INPUT and stat.S_ISREG(Path(name).stat().st_mode)
    except OSError:
        return False  # opening it will say why


def open_input(name: str, standard_input: BinaryIO | None = None) -> Input:
    """Open `name`; `-` is `standard_input`, or that of the process.

    Raises:
        ConfigError: it can't be opened; says why.
    """
    if name == STANDARD_INPUT:
        # A process may be started without one; typeshed leaves that out.
        stream = standard_input or getattr(sys.stdin, "buffer", None)
        if stream is None:
            raise ConfigError("there is no standard input to read; give a capture file")
        return Input("standard input", stream, None, is_ours=False)
    try:
        stream = Path(name).open("rb", buffering=0)  # noqa: SIM115  # closed by Input.close
        status = os.fstat(stream.fileno())
    except OSError as error:
        if error.errno == errno.EMFILE:
            raise ConfigError(
                f"{name} can't be opened: too many of the captures overlap in time for the limit "
                "of open files; raise it (`ulimit -n`), or give fewer files"
            ) from error
        raise ConfigError(f"{name} can't be read: {error.strerror}; check the path") from error
    return Input(name, stream, status.st_size if stat.S_ISREG(status.st_mode) else None)
