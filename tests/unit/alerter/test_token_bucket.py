from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from geophone_alerter.token_bucket import TokenBucket

STEPS = st.lists(st.tuples(st.integers(-20, 200), st.booleans()), max_size=40)


@given(st.integers(1, 5), st.integers(1, 50), STEPS)
def test_against_fractions(most: int, interval_us: int, steps: list[tuple[int, bool]]) -> None:
    bucket = TokenBucket(most, interval_us)
    saved = Fraction(most)
    now_us = 1_000
    for step_us, takes in steps:
        now_us += step_us
        saved = min(saved + Fraction(max(step_us, 0), interval_us), Fraction(most))
        assert bucket.tokens(now_us) == int(saved)
        wait_us = bucket.next_token_us(now_us) - now_us
        assert wait_us == max((1 - saved) * interval_us, 0)
        if takes:
            bucket.take(now_us)
            saved = max(saved - 1, Fraction(0))


def test_a_burst_then_one_per_interval() -> None:
    bucket = TokenBucket(3, 100)
    taken = 0
    for now_us in range(0, 1_000, 10):
        if bucket.tokens(now_us):
            bucket.take(now_us)
            taken += 1
    assert taken == 3 + 9
