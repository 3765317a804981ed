"""Trying again while the log doesn't answer [shell]."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from geophone_shared.errors import TransientError

_FIRST_SECONDS = 0.2
_LONGEST_SECONDS = 10.0

_Answer = TypeVar("_Answer")


class Patience:
    """Waits longer after each failure that follows another.

    Args:
        stop: nobody waits any longer once it is set.
    """

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._wait_seconds = _FIRST_SECONDS

    def reset(self) -> None:
        """The log answers."""
        self._wait_seconds = _FIRST_SECONDS

    async def wait(self) -> None:
        """Wait before the next attempt, or until the stop."""
        wait_seconds = self._wait_seconds
        self._wait_seconds = min(2 * wait_seconds, _LONGEST_SECONDS)
        try:
            async with asyncio.timeout(wait_seconds):
                await self._stop.wait()
        except TimeoutError:
            return


async def until_answered(
    attempt: Callable[[], Awaitable[_Answer]],
    stop: asyncio.Event,
    on_failure: Callable[[TransientError], None],
) -> _Answer:
    """Try until the log takes it.

    Raises:
        TransientError: of the last attempt, once `stop` is set.
    """
    patience = Patience(stop)
    while True:
        try:
            return await attempt()
        except TransientError as error:
            on_failure(error)
            if stop.is_set():
                raise
            await patience.wait()
