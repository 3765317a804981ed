"""A pause is neither forgotten early nor remembered for ever."""

from hypothesis import given
from hypothesis import strategies as st

from geophone_shared.pauses import LongestPause


@given(st.lists(st.tuples(st.integers(1, 100), st.integers(0, 10)), min_size=1, max_size=50))
def test_the_longest_pause_is_told_for_one_to_two_periods(steps: list[tuple[int, int]]) -> None:
    longest = LongestPause(now_seconds=0, period_seconds=60)
    pauses: list[tuple[int, int]] = []
    now_seconds = 0
    for seconds, pause_seconds in steps:
        now_seconds += seconds
        pauses.append((now_seconds, pause_seconds))
        told = longest.observe(pause_seconds, now_seconds)
        recent = [pause for at, pause in pauses if now_seconds - at < 60]
        # A period ends with the first observation after it, so it may last a step longer.
        possible = [pause for at, pause in pauses if now_seconds - at < 320]
        assert max(recent) <= told <= max(possible)
