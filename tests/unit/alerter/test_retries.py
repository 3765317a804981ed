import pytest

from geophone_alerter.retries import RetrySchedule
from geophone_shared.errors import ConfigError

SECOND_US = 1_000_000
SCHEDULE = RetrySchedule(first_seconds=10, longest_seconds=60, give_up_seconds=3_600)


@pytest.mark.parametrize(
    ("failures", "shortest", "longest"),
    [(1, 5, 10), (2, 10, 20), (3, 20, 40), (4, 30, 60), (5, 30, 60), (10**6, 30, 60)],
)
def test_it_doubles_up_to_a_cap_and_half_of_it_is_jitter(
    failures: int, shortest: int, longest: int
) -> None:
    assert SCHEDULE.delay_us(failures, 0.0) == shortest * SECOND_US
    assert SCHEDULE.delay_us(failures, 0.5) == (shortest + longest) * SECOND_US / 2
    assert SCHEDULE.delay_us(failures, 1.0) == longest * SECOND_US


@pytest.mark.parametrize(
    "fields",
    [{"first_seconds": 0}, {"first_seconds": 901}, {"longest_seconds": 9}, {"give_up_seconds": 0}],
)
def test_numbers_that_make_no_schedule(fields: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(fields))):
        RetrySchedule(**fields)


def test_it_gives_up() -> None:
    assert not SCHEDULE.gives_up(100, 100 + 3_600 * SECOND_US - 1)
    assert SCHEDULE.gives_up(100, 100 + 3_600 * SECOND_US)


def test_the_shipped_one_passes_a_greylist_and_gives_up_after_five_days() -> None:
    schedule = RetrySchedule()
    waited = sum(schedule.delay_us(failures, 0.0) for failures in range(1, 8))
    assert 300 * SECOND_US <= waited <= 3_600 * SECOND_US
    assert schedule.gives_up(0, 5 * 86_400 * SECOND_US)
