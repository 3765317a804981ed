"""Standard input that a thread can be called back from, and that may fall silent [shell]."""

import os
import select
from typing import Any, BinaryIO


class InterruptibleInput:
    """Reads a stream of the operating system until its end or until `interrupt`.

    Args:
        stream: standard input, of which nothing has been read.
        silence_seconds: how long nothing comes until it is silent.
    """

    def __init__(self, stream: BinaryIO, silence_seconds: float) -> None:
        self._silence_seconds = silence_seconds
        self._is_silent = False
        # Below a BufferedReader, which might hold bytes that waiting knows nothing of.
        self._raw: Any = getattr(stream, "raw", stream)
        self._interrupted, self._interrupt = os.pipe()
        self._events = select.poll()  # takes any descriptor, also a file's
        self._events.register(self._raw.fileno(), select.POLLIN)
        self._events.register(self._interrupted, select.POLLIN)

    def readinto(self, view: memoryview) -> int | None:
        """Wait for bytes and read them; 0 at the end, and for ever after `interrupt`."""
        events = self._events.poll()
        self._is_silent = False
        if any(descriptor == self._interrupted for descriptor, _ in events):
            return 0
        count: int | None = self._raw.readinto(view)
        return count

    def is_silent(self) -> bool:
        """Whether nothing comes for a while; waits so long where it isn't known yet."""
        wait_seconds = 0.0 if self._is_silent else self._silence_seconds
        self._is_silent = not self._events.poll(wait_seconds * 1e3)
        return self._is_silent

    def fileno(self) -> int:
        """The stream's descriptor."""
        number: int = self._raw.fileno()
        return number

    def interrupt(self) -> None:
        """End the input; any thread may."""
        os.write(self._interrupt, b"\0")

    def close(self) -> None:
        """Close what is its own; the stream belongs to the process."""
        os.close(self._interrupt)
        os.close(self._interrupted)
