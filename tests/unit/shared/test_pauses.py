import asyncio
import sys
import threading
import time
from collections.abc import Awaitable, Callable

import pytest

from geophone_shared.pauses import LongestPause, MeasuredLoop, watch_pauses


def test_a_pause_is_told_for_one_to_two_periods() -> None:
    longest = LongestPause(now_seconds=0, period_seconds=60)
    told = {
        now_seconds: longest.observe(pause_seconds, now_seconds)
        for now_seconds, pause_seconds in [
            *((1, 0.02), (59, 0.5), (60, 0.01), (119, 0.03), (120, 0.01), (180, 0.0), (240, 0.0))
        ]
    }
    #      │ 0.02   0.5 │ 0.01  0.03 │ 0.01 │ 0 │ 0
    assert told == {1: 0.02, 59: 0.5, 60: 0.5, 119: 0.5, 120: 0.03, 180: 0.01, 240: 0.0}


def test_periods_without_news_are_forgotten() -> None:
    longest = LongestPause(now_seconds=0, period_seconds=60)
    longest.observe(0.5, 1)
    assert longest.observe(0.01, 1_000) == 0.01


def _measured(work: Callable[[], Awaitable[None]]) -> float:
    """The longest pause of a loop while `work` runs, without its beginning; seconds."""

    async def run() -> float:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, MeasuredLoop)
        await asyncio.sleep(0)
        loop.take_longest_seconds()
        await work()
        await asyncio.sleep(0)  # a pause is known when it has ended
        return loop.take_longest_seconds()

    with asyncio.Runner(loop_factory=MeasuredLoop) as runner:
        return runner.run(run())


def _spin(thread_seconds: float) -> None:
    """Hold the interpreter's lock; a machine that is busy makes it longer."""
    end_seconds = time.thread_time() + thread_seconds
    while time.thread_time() < end_seconds:
        pass


def test_a_call_that_blocks_is_found_as_long_as_it_was() -> None:
    blocked_seconds = 0.0

    async def block() -> None:
        nonlocal blocked_seconds
        began_seconds = time.monotonic()
        time.sleep(0.03)  # noqa: ASYNC251 - it is what shall be noticed
        blocked_seconds = time.monotonic() - began_seconds

    found_seconds = [(_measured(block), blocked_seconds) for _ in range(5)]
    assert all(found >= blocked for found, blocked in found_seconds)
    # At least one of these times the machine had nothing better to do.
    assert min(found - blocked for found, blocked in found_seconds) < 0.003


def test_callbacks_that_run_together_are_one_pause() -> None:
    async def block_twice() -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(time.sleep, 0.02)
        loop.call_soon(time.sleep, 0.02)
        await asyncio.sleep(0)

    assert _measured(block_twice) >= 0.04


def test_waiting_is_no_pause() -> None:
    async def wait() -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0.1)
        arrived = asyncio.Event()
        thread = threading.Timer(0.1, loop.call_soon_threadsafe, [arrived.set])
        thread.start()
        await arrived.wait()
        thread.join()

    assert min(_measured(wait) for _ in range(5)) < 0.01


def test_a_thread_that_holds_the_interpreter_is_seen_by_a_timer_that_is_late() -> None:
    interval_seconds = sys.getswitchinterval()

    def wait_and_spin() -> None:
        time.sleep(0.01)
        _spin(0.1)

    async def wait_beside() -> None:
        thread = threading.Thread(target=wait_and_spin)
        thread.start()
        await asyncio.sleep(0.03)
        thread.join()

    sys.setswitchinterval(10)  # nobody is asked to let go of the lock
    try:
        assert _measured(wait_beside) > 0.05
    finally:
        sys.setswitchinterval(interval_seconds)


def test_the_longest_pause_is_told_every_second() -> None:
    told: list[float] = []

    async def watch() -> None:
        is_told = asyncio.Event()

        def on_longest(longest_seconds: float) -> None:
            told.append(longest_seconds)
            is_told.set()

        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(watch_pauses(on_longest))
            await asyncio.sleep(0)
            time.sleep(0.3)  # noqa: ASYNC251 - it is what shall be noticed
            await is_told.wait()
            watching.cancel()

    _measured(watch)
    assert 0.28 <= told[0] < 5


async def test_a_loop_that_is_not_measured_is_refused() -> None:
    with pytest.raises(TypeError, match="isn't measured"):
        await watch_pauses(lambda _: None)
