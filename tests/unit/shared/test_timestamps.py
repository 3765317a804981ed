from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geophone_shared.timestamps import LATEST_TIME_US, parse_rfc3339, rfc3339

TIMES = st.integers(0, LATEST_TIME_US)


@pytest.mark.parametrize(
    ("time_us", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (1_282_356_664_000_000, "2010-08-21T02:11:04.000000Z"),
        # 2^53 + 1 µs: a float would be one off.
        (9_007_199_254_740_993, "2255-06-05T23:47:34.740993Z"),
        (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
        (LATEST_TIME_US, "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_known_times(time_us: int, text: str) -> None:
    assert rfc3339(time_us) == text
    assert parse_rfc3339(text) == time_us


@given(TIMES)
def test_round_trip(time_us: int) -> None:
    assert parse_rfc3339(rfc3339(time_us)) == time_us


@given(TIMES, TIMES)
def test_text_sorts_as_time_does(one_us: int, other_us: int) -> None:
    assert (rfc3339(one_us) < rfc3339(other_us)) == (one_us < other_us)


@given(TIMES)
def test_the_text_is_that_of_datetime(time_us: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)
    assert rfc3339(time_us) == moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


@pytest.mark.parametrize("time_us", [-1, LATEST_TIME_US + 1, 2**63])
def test_times_outside_of_the_years_are_refused(time_us: int) -> None:
    with pytest.raises(ValueError, match="1970 to 9999"):
        rfc3339(time_us)


@pytest.mark.parametrize(
    ("text", "time_us"),
    [
        ("2010-08-21T02:11:04Z", 1_282_356_664_000_000),
        ("2010-08-21t02:11:04.5z", 1_282_356_664_500_000),
        ("2010-08-21T04:11:04+02:00", 1_282_356_664_000_000),
        ("2010-08-20T21:41:04.000001-04:30", 1_282_356_664_000_001),
        ("2010-08-21T02:11:04-00:00", 1_282_356_664_000_000),
    ],
)
def test_other_forms_of_rfc3339(text: str, time_us: int) -> None:
    assert parse_rfc3339(text) == time_us


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "1282356664",
        "2010-08-21",
        "20100821T021104Z",
        "2010-08-21T02:11:04",
        "2010-08-21 02:11:04Z",
        "2010-08-21T02:11Z",
        "2010-W33-6T02:11:04Z",
        "2010-02-30T02:11:04Z",
        "2010-08-21T24:11:04Z",
        "2010-08-21T02:11:60Z",
        "2010-08-21T02:11:04.0000001Z",
        "2010-08-21T02:11:04.Z",
        "2010-08-21T02:11:04+25:00",
        "2010-08-21T02:11:04Z\n",
        "٢٠١٠-08-21T02:11:04Z",
        "1969-12-31T23:59:59.999999Z",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59-00:01",
    ],
)
def test_what_is_not_a_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="time"):
        parse_rfc3339(text)


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        time_us = parse_rfc3339(text)
    except ValueError:
        return
    assert 0 <= time_us <= LATEST_TIME_US
