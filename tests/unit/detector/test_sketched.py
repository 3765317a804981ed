"""Domains above the exact cap: estimated at pane edges, and exact again once they are small."""

import pytest

from geophone_detector.detector import Detector
from geophone_detector.kernels.layout import WINDOWS
from geophone_detector.reading import live_counts, peak_counts
from geophone_detector.summaries import summary_at_peak, summary_now
from geophone_detector.windows import SlidingWindows
from tests.support.detector_rows import (
    DAY_US,
    DOMAIN,
    HOUR_US,
    MINUTE_US,
    NOON_US,
    SECOND_US,
    hosts,
    row,
)
from tests.support.window_driver import (
    brief,
    create_detector,
    create_rule,
    create_windows,
    feed,
    keys,
    mark,
    observe,
)
from tests.support.window_state import assert_consistent

pytestmark = pytest.mark.kernels

CAP = 40


def sketched_windows(names: int, sketches: int = 1) -> SlidingWindows:
    """Windows that saw so many names of `DOMAIN` at noon, and the minute's end."""
    windows = create_windows(exact_cap_names=CAP, sketches=sketches)
    # Each twice: a count that reached that of the rows would be at its bound.
    feed(windows, hosts(range(names), NOON_US) + hosts(range(names), NOON_US))
    mark(windows, NOON_US + MINUTE_US)
    return windows


def is_exact(windows: SlidingWindows) -> bool:
    return len(windows.sketched) == 0


def test_at_the_cap_all_is_exact_and_above_it_estimated_with_bounds() -> None:
    at_cap = live_counts(sketched_windows(CAP).tables, 0, 1)
    assert (at_cap.names_upper, at_cap.exact) == (CAP, True)
    windows = sketched_windows(CAP + 60)
    counts = live_counts(windows.tables, 0, 1)
    assert counts.names_lower <= CAP + 60 <= counts.names_upper
    assert counts.names_lower < counts.names_upper
    assert not counts.exact
    # Each host of these has three information bytes.
    assert counts.information == 3 * counts.names
    summary = summary_now(windows.tables, 0, 1)
    assert not summary.exact
    assert (summary.unique_hostnames_lower, summary.unique_hostnames_upper) == (
        counts.names_lower,
        counts.names_upper,
    )
    assert windows.tables.heads[0]["names_at_cap"] == 0


def test_names_of_before_the_sketch_stay_and_leave_in_time() -> None:
    #   noon        +5 min       +10 min: noon's leave      +15 min: all have left ten minutes
    #   30 names    30 others
    windows = create_windows(exact_cap_names=CAP, sketches=1)
    feed(windows, hosts(range(30), NOON_US))
    feed(windows, hosts(range(30, 60), NOON_US + 5 * MINUTE_US))
    for minutes, expected in ((9, 60), (10, 30), (14, 30), (15, 0)):
        mark(windows, NOON_US + minutes * MINUTE_US)
        assert live_counts(windows.tables, 0, 0).names == pytest.approx(expected, abs=1)
        assert live_counts(windows.tables, 0, 2).names == pytest.approx(60, abs=1)


def test_a_name_seen_again_stays_in_the_sketch() -> None:
    windows = sketched_windows(60)
    again_us = NOON_US + 6 * MINUTE_US
    feed(windows, [*hosts(range(10), again_us), *hosts(range(50, 60), again_us)])
    mark(windows, NOON_US + 10 * MINUTE_US)
    assert live_counts(windows.tables, 0, 0).names == pytest.approx(20, abs=1)


def test_there_are_never_more_names_than_rows() -> None:
    windows = create_windows(exact_cap_names=CAP, pair_capacity=3_000)
    feed(windows, hosts(range(2_000), NOON_US))
    mark(windows, NOON_US + MINUTE_US)
    for window in range(WINDOWS):
        counts = live_counts(windows.tables, 0, window)
        assert counts.names_lower <= counts.names <= counts.names_upper <= 2_000
        assert peak_counts(windows.tables, 0, window).names_upper <= 2_000


def test_a_peak_that_was_an_estimate_keeps_its_bounds() -> None:
    windows = sketched_windows(100)
    mark(windows, NOON_US + 5 * HOUR_US)
    assert live_counts(windows.tables, 0, 1).names == 0
    summary = summary_at_peak(windows.tables, 0, 1)
    assert summary.unique_hostnames_lower <= 100 <= summary.unique_hostnames_upper
    assert not summary.exact


def test_a_domain_whose_sketch_is_empty_is_freed_with_it() -> None:
    windows = sketched_windows(100)
    mark(windows, NOON_US + DAY_US)
    assert keys(windows.tables) == {}
    assert is_exact(windows)
    assert windows.archive.domains(1)[DOMAIN].unique_hostnames == pytest.approx(100, abs=2)
    assert_consistent(windows.tables)


def test_a_domain_is_freed_too_when_the_clock_jumps_beyond_sixteen_bits_of_panes() -> None:
    windows = create_windows(exact_cap_names=1, sketches=1)
    feed(windows, hosts([0], NOON_US) + hosts([1], NOON_US + 23 * HOUR_US))
    for hours in (25, 26):  # the name that was counted exactly is gone, the sketched one is there
        mark(windows, NOON_US + hours * HOUR_US)
        assert len(keys(windows.tables)) == 1
    mark(windows, NOON_US + 365 * DAY_US)
    assert is_exact(windows)
    assert keys(windows.tables) == {}
    assert_consistent(windows.tables)


def test_below_half_the_cap_names_are_recorded_and_take_over_after_the_longest_window() -> None:
    #   noon: 100 names   +1 min … : 15 names, again every hour   +24 h: below half the cap
    #   +48 h: the 15 are all recorded
    windows = sketched_windows(100)
    at_us = NOON_US + MINUTE_US
    while at_us < NOON_US + 49 * HOUR_US:
        few = hosts(range(200, 215), at_us)
        feed(windows, few)
        at_us += HOUR_US
        mark(windows, at_us)
        if at_us <= NOON_US + 47 * HOUR_US:
            assert not is_exact(windows)
    assert is_exact(windows)
    for window in range(1, WINDOWS):
        counts = live_counts(windows.tables, 0, window)
        assert (counts.names, counts.names_lower, counts.names_upper) == (15, 15, 15)
        assert counts.exact
    assert_consistent(windows.tables)
    # And if it grows again, it gets a sketch again.
    feed(windows, hosts(range(300, 400), at_us))
    mark(windows, at_us + MINUTE_US)
    assert live_counts(windows.tables, 0, 2).names == pytest.approx(115, abs=2)


def test_where_no_sketch_is_left_new_names_are_refused_until_one_is() -> None:
    windows = sketched_windows(100)
    second = [row(f"h{number:03}", "second.example", NOON_US) for number in range(60)]
    feed(windows, second)
    domain = keys(windows.tables)[b"\x06second\x07example"]
    counts = live_counts(windows.tables, domain, 1)
    assert (counts.names, counts.names_lower, counts.names_upper) == (40, 40, 60)
    assert windows.tables.heads[0]["names_at_cap"] == 20
    # A day later the first one's names are gone, and the other gets its sketch with the next name.
    again = [row(f"h{number:03}", "second.example", NOON_US + DAY_US - 1) for number in range(40)]
    feed(windows, again)
    more = [row(f"i{number:03}", "second.example", NOON_US + DAY_US) for number in range(40)]
    feed(windows, more)
    mark(windows, NOON_US + DAY_US + MINUTE_US)
    assert live_counts(windows.tables, domain, 1).names == pytest.approx(80, abs=2)


def test_a_sketch_counts_on_when_panes_no_longer_fit_into_sixteen_bits() -> None:
    windows = sketched_windows(100)
    days = 50  # 72,000 minutes
    for day in range(1, days):
        for hour in (0, 12):
            at_us = NOON_US + day * DAY_US + hour * HOUR_US
            feed(windows, hosts(range(100), at_us))
            mark(windows, at_us + MINUTE_US)
    assert not is_exact(windows)
    assert live_counts(windows.tables, 0, 1).names == pytest.approx(100, abs=2)


def sketching_detector(threshold: int) -> Detector:
    detector = create_detector([create_rule(threshold=threshold, window_seconds=600)])
    detector.windows = create_windows(detector.rules, exact_cap_names=CAP, sketches=1)
    return detector


def test_a_sketched_domain_is_judged_at_the_pane_edge_and_not_by_rows() -> None:
    detector = sketching_detector(threshold=60)
    assert observe(detector, hosts(range(99), NOON_US)) == []
    # The row of a later minute comes after the edge at which the rule was crossed.
    events = observe(detector, [row("later", DOMAIN, NOON_US + 2 * MINUTE_US)])
    [(rule, state, at_us, value)] = brief(events)
    assert (rule, state, at_us) == ("names", "opened", MINUTE_US)
    assert value == pytest.approx(99, abs=2)
    assert not events[0].evidence.exact


def test_a_sketched_domain_is_judged_at_the_end_of_the_input() -> None:
    detector = sketching_detector(threshold=60)
    assert observe(detector, hosts(range(99), NOON_US)) == []
    events = detector.advance(NOON_US + SECOND_US)
    assert [(state, at_us) for _, state, at_us, _ in brief(events)] == [("opened", SECOND_US)]


def test_an_alert_that_opened_exactly_goes_on_above_the_cap_and_recovers() -> None:
    detector = sketching_detector(threshold=20)
    events = observe(detector, hosts(range(90), NOON_US))
    assert [(state, value) for _, state, _, value in brief(events)] == [("opened", 20)]
    events = detector.advance(NOON_US + 40 * MINUTE_US)
    (updated, recovered) = brief(events)
    assert updated[1:3] == ("updated", 2 * MINUTE_US)
    assert updated[3] == pytest.approx(90, abs=2)
    # The names leave at +10 min, and ten minutes later the alert has recovered.
    assert recovered[1:3] == ("recovered", 20 * MINUTE_US)
