import logging

from geophone_shared.repeat_limit import RepeatLimit


def record(message: str, seconds: float, level: int = logging.WARNING) -> logging.LogRecord:
    made = logging.LogRecord("geophone", level, "", 0, message, ("a.example",), None)
    made.created = 1_000.0 + seconds
    return made


def test_a_message_passes_a_few_times_in_an_interval() -> None:
    limit = RepeatLimit(most=2, interval_seconds=10)
    seconds = (0, 1, 2, 9.9, 10, 11, 12)
    passed = [second for second in seconds if limit.filter(record("lost %s", second))]
    assert passed == [0, 1, 10, 11]
    assert limit.suppressed == 3


def test_the_next_one_says_how_many_did_not_pass() -> None:
    limit = RepeatLimit(most=1, interval_seconds=10)
    for second in range(7):
        limit.filter(record("lost %s", second))
    next_one = record("lost %s", 10)
    assert limit.filter(next_one)
    assert vars(next_one)["suppressed"] == 6
    one_after = record("lost %s", 20)
    assert limit.filter(one_after)
    assert "suppressed" not in vars(one_after)


def test_other_messages_and_levels_are_not_held_back() -> None:
    limit = RepeatLimit(most=1)
    assert limit.filter(record("lost %s", 0))
    assert not limit.filter(record("lost %s", 0))
    assert limit.filter(record("found %s", 0))
    assert limit.filter(record("lost %s", 0, logging.ERROR))


def test_a_clock_that_is_set_back_begins_a_new_interval() -> None:
    limit = RepeatLimit(most=1, interval_seconds=10)
    assert limit.filter(record("lost %s", 3_600))
    assert limit.filter(record("lost %s", 0))


def test_messages_that_are_all_different_take_no_more_memory_than_the_bound() -> None:
    limit = RepeatLimit(most=1, most_messages=10)
    for number in range(1_000):
        assert limit.filter(record(f"lost {number}", 0))
    assert len(limit._intervals) == 10
    assert not limit.filter(record("lost 999", 0))
    assert limit.filter(record("lost 0", 0)), "it was forgotten"
