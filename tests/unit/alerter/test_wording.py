import pytest
from hypothesis import given
from hypothesis import strategies as st

from geophone_alerter import wording


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (16_812, "16.8 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (3_000_000_000, "3.0 GB"),
        (10**21, "1,000,000.0 PB"),
    ],
)
def test_bytes_take_the_unit_that_keeps_them_below_a_thousand(number: int, text: str) -> None:
    assert wording.human_bytes(number) == text


def test_exact_bytes_are_said_once_where_rounding_changes_nothing() -> None:
    assert wording.exact_bytes(812) == "812 B"
    assert wording.exact_bytes(16_812) == "16,812 B (16.8 kB)"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.000 s"),
        (0.0421, "0.042 s"),
        (24.487, "24.5 s"),
        (30, "30 s"),
        (59.96, "1 min"),
        (600, "10 min"),
        (605.2, "10 min 5 s"),
        (14_400, "4 h"),
        (3_599.7, "1 h"),
        (5_400, "1 h 30 min"),
        (86_400, "24 h"),
        (172_800 + 3 * 3_600, "2 d 3 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert wording.duration(seconds) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "0 %"),
        (0, 10, "0 %"),
        (10, 10, "100 %"),
        (997, 1_000, "99 %"),
        (1, 1_000, "<1 %"),
        (1, 3, "33 %"),
    ],
)
def test_a_share_says_all_or_nothing_only_where_it_is(part: int, whole: int, text: str) -> None:
    assert wording.share(part, whole) == text


def test_nouns_follow_their_number() -> None:
    assert wording.count(1, "client") == "1 client"
    assert wording.count(1_234, "client") == "1,234 clients"
    assert wording.count(2, "query", "queries") == "2 queries"


def test_listing() -> None:
    assert wording.listing([]) == ""
    assert wording.listing(["a"]) == "a"
    assert wording.listing(["a", "b"]) == "a and b"
    assert wording.listing(["a", "b", "c"]) == "a, b and c"


def test_times_keep_their_microseconds() -> None:
    first, later = "2024-05-06T07:08:09.000001Z", "2024-05-06T07:08:25.181000Z"
    assert wording.timestamp(first) == "2024-05-06 07:08:09.000001 UTC"
    assert wording.seconds_between(first, later) == 16.180999
    assert wording.seconds_between(later, first) == -16.180999


@given(st.text(st.characters(codec="ascii")), st.integers(0, 50))
def test_a_shortened_text_fits_and_keeps_both_ends(text: str, width: int) -> None:
    short = wording.shortened(text, width)
    if len(text) <= width:
        assert short == text
        return
    assert len(short) == width
    if width:
        beginning, end = short.split("…")
        assert text.startswith(beginning)
        assert text.endswith(end)
        assert 0 <= len(end) - len(beginning) <= 1
