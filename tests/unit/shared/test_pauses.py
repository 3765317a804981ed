import asyncio
import time

from geophone_shared.pauses import LongestPause, watch_pauses


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


async def test_a_call_that_blocks_the_loop_is_measured() -> None:
    told: list[float] = []
    is_told = asyncio.Event()

    def on_longest(longest_seconds: float) -> None:
        told.append(longest_seconds)
        is_told.set()

    async with asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(watch_pauses(on_longest))
        await asyncio.sleep(0)
        time.sleep(0.3)  # noqa: ASYNC251 - it is what shall be noticed
        await is_told.wait()
        watch.cancel()
    assert 0.28 <= told[0] < 5
