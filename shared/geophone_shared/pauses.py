"""How long the event loop was kept from running: by a call that blocks, or by a busy machine."""

import asyncio
from collections.abc import Callable

_SLEEP_SECONDS = 0.02
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


async def watch_pauses(on_longest: Callable[[float], None]) -> None:
    """Measure the pauses of the running event loop, to 20 ms, until cancelled.

    Args:
        on_longest: called once a second with the longest pause of the last minute or two, in
            seconds. That it is called shows that the loop runs: a heartbeat.
    """
    loop = asyncio.get_running_loop()
    before_seconds = reported_seconds = loop.time()
    longest = LongestPause(before_seconds)
    while True:
        await asyncio.sleep(_SLEEP_SECONDS)
        now_seconds = loop.time()
        longest_seconds = longest.observe(
            now_seconds - before_seconds - _SLEEP_SECONDS, now_seconds
        )
        before_seconds = now_seconds
        if now_seconds - reported_seconds >= _REPORT_SECONDS:
            on_longest(longest_seconds)
            reported_seconds = now_seconds
