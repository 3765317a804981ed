"""What the windows hold, drawn by hand; property tests compare them with brute force."""

import pytest

from geophone_detector import windows as windows_module
from geophone_detector.budgets import EXACT_CAP_NAMES
from geophone_detector.capacities import DEFAULT_CAPACITIES
from geophone_detector.kernels.layout import LATEST_PANE, NEVER, PANE_US, WINDOW_SECONDS, WINDOWS
from geophone_detector.reading import Counts, live_counts, peak_counts
from geophone_detector.rules import SHIPPED_RULES
from geophone_detector.windows import SlidingWindows, Stop
from geophone_shared.errors import ConfigError
from geophone_shared.names import presentation
from geophone_shared.suffixes import compile_suffix_set
from tests.support.detector_rows import (
    DAY_US,
    DOMAIN,
    FAR_US,
    HOUR_US,
    MINUTE_US,
    NOON_US,
    Row,
    row,
    transactions_of,
)
from tests.support.window_driver import SECRET, create_rule, create_windows, feed, keys, mark

pytestmark = pytest.mark.kernels


def names_now(windows: SlidingWindows) -> list[int]:
    """The live names of the first domain in each window."""
    return [live_counts(windows.tables, 0, window).names for window in range(WINDOWS)]


def peaks(windows: SlidingWindows) -> list[int]:
    """The most live names of the first domain in each window."""
    return [peak_counts(windows.tables, 0, window).names for window in range(WINDOWS)]


def test_the_windows_are_ten_minutes_four_hours_and_a_day() -> None:
    assert WINDOW_SECONDS == (600, 14_400, 86_400)


@pytest.mark.parametrize(("window", "panes"), [(0, 10), (1, 240), (2, 1_440)])
def test_a_name_leaves_at_the_edge_after_its_window(window: int, panes: int) -> None:
    #   pane 0        pane panes-1      pane panes
    #   │ a seen …    │ … still there   │ gone from its first µs on
    windows = create_windows()
    feed(windows, [row("a", DOMAIN, NOON_US + MINUTE_US - 1)])
    edge_us = NOON_US + panes * MINUTE_US
    mark(windows, edge_us - 1)
    assert names_now(windows)[window] == 1
    mark(windows, edge_us)
    assert names_now(windows)[window] == 0
    assert peaks(windows) == [1, 1, 1]


def test_a_name_seen_again_stays_and_counts_once() -> None:
    #   pane 0      pane 6        pane 10         pane 16
    #   a           a, A          a still there   gone from the shortest window
    windows = create_windows()
    again_us = NOON_US + 6 * MINUTE_US
    feed(windows, [row("a", DOMAIN, NOON_US), row("a", DOMAIN, again_us)])
    feed(windows, [row("A", DOMAIN.upper(), again_us)])
    assert names_now(windows) == [1, 1, 1]
    mark(windows, NOON_US + 15 * MINUTE_US)
    assert names_now(windows) == [1, 1, 1]
    mark(windows, NOON_US + 16 * MINUTE_US)
    assert names_now(windows) == [0, 1, 1]


def test_a_name_dated_earlier_does_not_shorten_its_stay() -> None:
    windows = create_windows()
    late = row("a", DOMAIN, NOON_US, time_us=NOON_US - 9 * MINUTE_US)
    feed(windows, [row("a", DOMAIN, NOON_US), late])
    mark(windows, NOON_US + 9 * MINUTE_US)
    assert names_now(windows) == [1, 1, 1]


@pytest.mark.parametrize(
    ("minutes_ago", "expected"),
    [(0, [1, 1, 1]), (9, [1, 1, 1]), (10, [0, 1, 1]), (239, [0, 1, 1]), (240, [0, 0, 1])],
)
def test_a_row_counts_in_the_windows_that_hold_its_own_minute(
    minutes_ago: int, expected: list[int]
) -> None:
    windows = create_windows()
    feed(windows, [row("a", DOMAIN, NOON_US, time_us=NOON_US - minutes_ago * MINUTE_US)])
    assert names_now(windows) == expected


def test_a_row_that_no_window_holds_is_not_counted_at_all() -> None:
    windows = create_windows()
    oldest_us = NOON_US - 1_439 * MINUTE_US
    feed(windows, [row("late", "late.example", NOON_US, time_us=oldest_us - 1)])
    assert keys(windows.tables) == {}
    assert windows.tables.heads[0]["late_rows"] == 1
    feed(windows, [row("a", DOMAIN, NOON_US, time_us=oldest_us)])
    assert names_now(windows) == [0, 0, 1]
    assert windows.tables.heads[0]["late_rows"] == 1


def test_a_row_is_judged_by_the_minute_mark_before_it() -> None:
    """A slower producer's row may complete before the mark of a faster one."""
    #   time of the row                completed      mark
    #   │◄────────── 1,440 panes ─────────┼──────────────►│
    #   its window, as of the row's own clock, would hold it still
    windows = create_windows()
    feed(windows, [row("a", DOMAIN, NOON_US)])
    mark(windows, NOON_US + 5 * MINUTE_US)
    completed_us = NOON_US + 3 * MINUTE_US
    time_us = NOON_US + 5 * MINUTE_US - 1_440 * MINUTE_US
    feed(windows, [row("b", DOMAIN, completed_us, time_us=time_us)])
    assert windows.tables.heads[0]["late_rows"] == 1
    assert windows.tables.heads[0]["live_pairs"] == 1
    mark(windows, NOON_US + DAY_US)
    assert windows.tables.heads[0]["live_pairs"] == 0


def test_a_row_dated_too_far_ahead_counts_as_of_the_latest_time_that_may_be() -> None:
    windows = create_windows()
    ahead = row("b", DOMAIN, NOON_US + 1_000 * DAY_US)
    feed(windows, [row("a", DOMAIN, NOON_US), ahead], latest_us=NOON_US + MINUTE_US)
    assert names_now(windows) == [2, 2, 2]
    assert windows.now_pane == (NOON_US + MINUTE_US) // PANE_US
    assert windows.tables.domains[0]["first_us"] == NOON_US
    assert windows.tables.domains[0]["last_us"] == NOON_US + MINUTE_US
    assert windows.tables.heads[0]["future_rows"] == 1


def test_after_a_jump_of_years_nothing_is_left() -> None:
    windows = create_windows()
    hosts = [row(f"h{number}", DOMAIN, NOON_US + number) for number in range(20)]
    feed(windows, hosts)
    feed(windows, [row("new", DOMAIN, NOON_US + 4_000 * DAY_US)])
    assert names_now(windows) == [1, 1, 1]
    assert peaks(windows) == [1, 1, 1]
    assert windows.tables.heads[0]["live_pairs"] == 1
    assert windows.archive.domains(1)[DOMAIN].unique_hostnames == 20


def test_times_of_1970_are_times_like_any_other() -> None:
    windows = create_windows()
    feed(windows, [row("a", DOMAIN, 0), row("b", DOMAIN, 1)])
    assert names_now(windows) == [2, 2, 2]
    mark(windows, 10 * MINUTE_US)
    assert names_now(windows) == [0, 2, 2]


def test_information_bytes_are_those_before_the_key_with_inner_dots() -> None:
    windows = create_windows()
    feed(windows, [row("ab.cde", DOMAIN, NOON_US), row("", DOMAIN, NOON_US)])
    assert live_counts(windows.tables, 0, 0).information == 6
    assert names_now(windows) == [2, 2, 2]


def test_without_a_sketch_left_rows_count_at_the_exact_cap_and_new_names_do_not() -> None:
    windows = create_windows(exact_cap_names=2, sketches=0)
    feed(windows, [row(host, DOMAIN, NOON_US) for host in ("a", "b", "c", "a", "c")])
    assert live_counts(windows.tables, 0, 0) == Counts(2, 2, 4, exact=False, information=2)
    assert windows.tables.domains[0]["queries"] == 5
    assert windows.tables.heads[0]["names_at_cap"] == 2
    # Room is made where names leave the longest window.
    feed(windows, [row("c", DOMAIN, NOON_US + DAY_US)])
    assert names_now(windows) == [1, 1, 1]


def test_a_full_pair_table_is_swept_of_the_domains_with_the_fewest_names() -> None:
    #   room for 4: a a (two names), b, c     d comes: b (the older of the small) goes, then d is in
    windows = create_windows(pair_capacity=4)
    hosts = [("a1", "a.example"), ("a2", "a.example"), ("b", "b.example"), ("c", "c.example")]
    feed(windows, [row(host, domain, NOON_US + n) for n, (host, domain) in enumerate(hosts)])
    feed(windows, [row("d", "d.example", NOON_US + 4)])
    assert {presentation(key) for key in keys(windows.tables)} == {
        "a.example",
        "c.example",
        "d.example",
    }
    assert windows.swept_domains == 1
    assert windows.tables.heads[0]["names_without_room"] == 0


def test_a_full_domain_table_is_swept_too() -> None:
    windows = create_windows(domain_capacity=2)
    feed(windows, [row("a", f"d{number}.example", NOON_US + number) for number in range(5)])
    assert {presentation(key) for key in keys(windows.tables)} == {"d3.example", "d4.example"}
    assert windows.swept_domains == 3
    assert windows.tables.heads[0]["rows_without_room"] == 0


def test_where_every_domain_has_to_stay_new_ones_are_refused_until_time_moves_on() -> None:
    windows = create_windows([create_rule(threshold=9)], domain_capacity=1)
    feed(windows, [row("a", DOMAIN, NOON_US)])
    windows.watch(0, [NEVER])  # as if an alert were open
    feed(windows, [row("a", "other.example", NOON_US), row("b", DOMAIN, NOON_US)])
    assert names_now(windows) == [2, 2, 2]
    assert windows.tables.heads[0]["rows_without_room"] == 1
    windows.watch(0, None)
    mark(windows, NOON_US + MINUTE_US)
    feed(windows, [row("a", "other.example", NOON_US + MINUTE_US)])
    assert list(keys(windows.tables)) == [b"\x05other\x07example"]


def test_gaps_among_the_names_of_domains_are_closed_before_anything_is_swept() -> None:
    #   names of 10 + 10 + 10 bytes in an arena of 40; the second leaves, a fourth of 13 doesn't fit
    windows = create_windows(domain_name_bytes=40)
    for number, at_us in enumerate([NOON_US, NOON_US - 10 * HOUR_US, NOON_US]):
        feed(windows, [row("a", f"d{number}.net", NOON_US, time_us=at_us)])
    mark(windows, NOON_US + 15 * HOUR_US)
    assert len(keys(windows.tables)) == 2
    feed(windows, [row("a", "longername.net", NOON_US + 15 * HOUR_US)])
    feed(windows, [row("a", "another.net", NOON_US + 15 * HOUR_US)])
    assert windows.swept_domains == 0
    assert [presentation(key) for key in keys(windows.tables)] == [
        "d0.net",
        "longername.net",
        "d2.net",
    ]


def test_the_indexes_grow_as_names_and_domains_come() -> None:
    windows = create_windows()
    rows = [row(f"h{number % 5}", f"d{number}.example", NOON_US) for number in range(200)]
    feed(windows, rows)
    assert windows.tables.pair_slots.size == 512
    assert windows.tables.domain_slots.size == 512
    feed(windows, rows)
    assert windows.tables.heads[0]["live_domains"] == 200
    assert windows.tables.heads[0]["live_pairs"] == 200


def stop_after(windows: SlidingWindows, rows: list[Row]) -> tuple[int, Stop]:
    """How many rows are counted until a decision is asked for, and why."""
    return windows.observe(transactions_of(rows), 0, FAR_US)


def test_the_windows_stop_at_a_row_of_a_later_pane_and_before_they_count_it() -> None:
    windows = create_windows()
    mark(windows, NOON_US)
    rows = [row("a", DOMAIN, NOON_US), row("b", DOMAIN, NOON_US + 5 * MINUTE_US)]
    assert stop_after(windows, rows) == (1, Stop.PANE_AHEAD)
    assert windows.ahead_pane == NOON_US // PANE_US + 5
    assert names_now(windows) == [1, 1, 1]


def test_the_windows_stop_after_the_row_that_reaches_a_watched_value() -> None:
    rules = [create_rule(threshold=3), create_rule(threshold=100)]
    windows = create_windows(rules)
    mark(windows, NOON_US)
    rows = [row(host, DOMAIN, NOON_US) for host in ("a", "b", "a", "c", "d", "e")]
    assert stop_after(windows, rows) == (4, Stop.CROSSED)
    assert windows.crossed_domain == 0
    # Other values for this domain: no stop before the sixth name, which isn't there.
    assert windows.watch(0, [6, NEVER])
    assert windows.observe(transactions_of(rows), 4, FAR_US) == (6, Stop.EXHAUSTED)
    # And again at everyone's: the next new name is above it.
    assert windows.watch(0, None)
    assert stop_after(windows, [row("f", DOMAIN, NOON_US)]) == (1, Stop.CROSSED)


def test_a_watch_of_one_domain_is_not_that_of_another() -> None:
    windows = create_windows([create_rule(threshold=2)])
    mark(windows, NOON_US)
    feed(windows, [row("a", "one.example", NOON_US), row("a", "two.example", NOON_US)])
    windows.watch(0, [NEVER])
    rows = [row("b", "one.example", NOON_US), row("b", "two.example", NOON_US)]
    assert stop_after(windows, rows) == (2, Stop.CROSSED)
    assert windows.crossed_domain == 1


def test_watches_are_bounded_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows_module, "WATCH_CAPACITY", 4)  # two of them are everyone's
    windows = create_windows([create_rule(threshold=2)])
    mark(windows, NOON_US)
    feed(windows, [row("a", f"d{number}.example", NOON_US) for number in range(3)])
    assert windows.watch(0, [9])
    assert windows.watch(1, [9])
    assert not windows.has_free_watch
    assert not windows.watch(2, [9])
    # Without a watch of its own a domain makes no stop.
    assert stop_after(windows, [row("b", "d2.example", NOON_US)]) == (1, Stop.EXHAUSTED)
    # Values may still change, and a watch that is given back goes to the next domain.
    assert windows.watch(0, [3])
    assert windows.watch(1, None)
    assert windows.watch(2, [3])
    assert not windows.has_free_watch
    assert stop_after(windows, [row("c", "d2.example", NOON_US)]) == (1, Stop.CROSSED)


def test_a_rule_needs_a_window_that_there_is() -> None:
    with pytest.raises(ConfigError, match=r"60 s is not a window.*600 s, 14400 s, 86400 s"):
        create_windows([create_rule(threshold=2, window_seconds=60)])


def test_an_exact_cap_below_one_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="exact cap"):
        create_windows(exact_cap_names=0)


def test_the_windows_work_at_their_full_size() -> None:
    """As in production: tables as large as they may become; untouched pages cost nothing."""
    windows = SlidingWindows(
        SHIPPED_RULES, compile_suffix_set([]), SECRET, EXACT_CAP_NAMES, DEFAULT_CAPACITIES
    )
    feed(windows, [row("a", DOMAIN, NOON_US)])
    assert names_now(windows) == [1, 1, 1]
    assert windows.tables.pairs.size == DEFAULT_CAPACITIES.pairs


def test_beyond_the_latest_pane_time_stands_still_and_nothing_hangs_twice() -> None:
    beyond_us = (LATEST_PANE + 1) * PANE_US
    windows = create_windows()
    feed(
        windows,
        [
            row(host, DOMAIN, beyond_us + ahead_us)
            for host, ahead_us in (("a", 0), ("a", 0), ("b", 2 * DAY_US))
        ],
    )
    assert windows.now_pane == LATEST_PANE
    assert names_now(windows) == [2, 2, 2]
    mark(windows, beyond_us + 3 * DAY_US)
    assert windows.now_pane == LATEST_PANE
