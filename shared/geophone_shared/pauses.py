"""How long the event loop was kept from running: by a call that blocks, or by a busy machine.

It is measured where the loop waits for events, so nothing has to wake up for it: from when the wait
ended, or ought to have ended as a timer was due, until the loop waits again because everything that
was ready has run. That is what a callback has waited at most which was ready when the wait ended.

What can't be seen: how long an event of the network waited for the interpreter's lock or for the
processor while no timer was due, because nobody knows when it came. There is a timer every second
(`watch_pauses`). And the system waits whole milliseconds: a pause of 1 ms may be none.
"""

import asyncio
import selectors
import time
from collections.abc import Callable

_REPORT_SECONDS = 1.0


class LongestPause:
    """The longest pause of the last one to two periods [core].

    Args:
        now_seconds: the time; any clock that never goes back.
        period_seconds: how long a period is. What reads the metric once a period misses none.
    """

    def __init__(self, now_seconds: float, period_seconds: float = 60.0) -> None:
        self._period_seconds = period_seconds
        self._began_seconds = now_seconds
        self._before_seconds = 0.0
        self._longest_seconds = 0.0

    def observe(self, pause_seconds: float, now_seconds: float) -> float:
        """Take a pause into account; returns the longest one."""
        elapsed_seconds = now_seconds - self._began_seconds
        if elapsed_seconds >= self._period_seconds:
            is_next = elapsed_seconds < 2 * self._period_seconds
            self._before_seconds = self._longest_seconds if is_next else 0.0
            self._longest_seconds = 0.0
            self._began_seconds = now_seconds
        self._longest_seconds = max(self._longest_seconds, pause_seconds)
        return max(self._longest_seconds, self._before_seconds)


class _Selector(selectors.DefaultSelector):
    """Where a loop waits, and what it measures there."""

    def __init__(self) -> None:
        super().__init__()
        self._due_seconds: float | None = None
        self._longest_seconds = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As the loop asks for it; a timeout is the time until its next timer."""
        began_seconds = time.monotonic()
        if self._due_seconds is not None:
            self._longest_seconds = max(self._longest_seconds, began_seconds - self._due_seconds)
        events = super().select(timeout)
        due_seconds = time.monotonic()
        if timeout is not None:
            due_seconds = min(due_seconds, began_seconds + max(timeout, 0.0))
        self._due_seconds = due_seconds
        return events

    def take_longest_seconds(self) -> float:
        """The longest pause since this was asked before."""
        longest_seconds, self._longest_seconds = self._longest_seconds, 0.0
        return longest_seconds


class MeasuredLoop(asyncio.SelectorEventLoop):
    """An event loop whose pauses `watch_pauses` can tell."""

    def __init__(self) -> None:
        self._pauses = _Selector()
        super().__init__(self._pauses)

    def take_longest_seconds(self) -> float:
        """The longest pause that ended since this was asked before, seconds."""
        return self._pauses.take_longest_seconds()


async def watch_pauses(on_longest: Callable[[float], None]) -> None:
    """Tell of the pauses of the running event loop, a `MeasuredLoop`, until cancelled.

    Args:
        on_longest: called once a second with the longest pause of the last minute or two, in
            seconds. That it is called shows that the loop runs: a heartbeat.

    Raises:
        TypeError: the loop isn't measured.
    """
    loop = asyncio.get_running_loop()
    if not isinstance(loop, MeasuredLoop):
        raise TypeError(f"{loop} isn't measured: run it with geophone_shared.runtime")
    longest = LongestPause(loop.time())
    while True:
        await asyncio.sleep(_REPORT_SECONDS)
        on_longest(longest.observe(loop.take_longest_seconds(), loop.time()))
