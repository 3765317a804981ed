"""The pool of evidence: who gets a record, who loses it, and what is shown then."""

from dataclasses import replace

import pytest

from geophone_detector.kernels.layout import NONE
from geophone_detector.summaries import summary_now
from geophone_detector.windows import SlidingWindows
from geophone_shared.summaries import ClientQueries
from tests.support.detector_rows import DAY_US, HOUR_US, MINUTE_US, NOON_US, from_clients, row
from tests.support.window_driver import create_windows, feed

pytestmark = pytest.mark.kernels


def grow(windows: SlidingWindows, domain: str, names: int, at_us: int, first: int = 0) -> None:
    """Feed rows of so many names of a domain."""
    feed(windows, [row(f"h{number}", domain, at_us) for number in range(first, first + names)])


def test_a_full_pool_takes_the_evidence_of_the_oldest_small_domain() -> None:
    #   two records   big (8 names), small (7) hold them   new asks for one: small's is taken
    windows = create_windows(evidence_capacity=2)
    grow(windows, "big.example", 8, NOON_US)
    grow(windows, "small.example", 7, NOON_US)
    grow(windows, "new.example", 1, NOON_US)
    held = windows.tables.domains["evidence"][:3].tolist()
    assert held == [0, NONE, 1]
    assert windows.tables.heads[0]["evidence_taken"] == 1
    small = summary_now(windows.tables, 1, 1)
    # Its counts are as they were; what the pool remembered is gone, and says so.
    assert (small.unique_hostnames, small.queries) == (7, 7)
    assert (small.clients, small.clients_exact, small.top_clients) == (0, False, ())
    assert (small.query_types, small.response_codes, small.sample_names) == ({}, {}, ())
    new = summary_now(windows.tables, 2, 1)
    assert new.sample_names == ("h0.new.example",)
    assert (new.clients, new.query_types, new.evidence_since_us) == (1, {"A": 1}, None)


def test_of_small_domains_the_oldest_one_goes_first() -> None:
    windows = create_windows(evidence_capacity=3)
    for number in range(5):
        grow(windows, f"d{number}.example", 1, NOON_US)
    assert windows.tables.domains["evidence"][:5].tolist() == [NONE, NONE, 2, 0, 1]


def test_evidence_that_came_later_says_since_when() -> None:
    windows = create_windows(evidence_capacity=1)
    grow(windows, "d.example", 1, NOON_US)
    grow(windows, "other.example", 1, NOON_US)
    assert summary_now(windows.tables, 0, 1).evidence_since_us is None
    # With the ninth name it is worth a record again: eight live, and this row is another.
    grow(windows, "d.example", 7, NOON_US + MINUTE_US, first=1)
    assert windows.tables.domains[0]["evidence"] == NONE
    since_us = NOON_US + 2 * MINUTE_US
    grow(windows, "d.example", 2, since_us, first=8)
    summary = summary_now(windows.tables, 0, 1)
    assert summary.evidence_since_us == since_us
    assert summary.sample_names == ("h8.d.example", "h9.d.example")
    assert (summary.queries, summary.query_types) == (10, {"A": 2})


def test_where_every_holder_is_big_a_new_domain_gets_no_evidence() -> None:
    windows = create_windows(evidence_capacity=1)
    grow(windows, "big.example", 8, NOON_US)
    grow(windows, "new.example", 9, NOON_US)
    assert windows.tables.domains["evidence"][:2].tolist() == [0, NONE]
    assert summary_now(windows.tables, 1, 1).unique_hostnames == 9
    # Once the big one's names have left the longest window, it is freed, and its record with it.
    grow(windows, "new.example", 1, NOON_US + 12 * HOUR_US)
    grow(windows, "new.example", 9, NOON_US + DAY_US)
    assert windows.tables.domains[1]["evidence"] == 0
    assert summary_now(windows.tables, 1, 1).evidence_since_us == NOON_US + DAY_US


def test_the_search_for_evidence_is_bounded_and_goes_on_where_it_ended() -> None:
    #   records 0 … 68: big domains     69: a small one
    #   first search: 0 … 63, in vain   second search: 64 … 69
    windows = create_windows(evidence_capacity=70)
    for number in range(69):
        grow(windows, f"d{number}.example", 8, NOON_US)
    for domain in ("small.example", "first.example", "second.example"):
        grow(windows, domain, 1, NOON_US)
    assert windows.tables.domains["evidence"][69:72].tolist() == [NONE, NONE, 69]


def test_a_taken_record_keeps_nothing_of_its_last_holder() -> None:
    windows = create_windows(evidence_capacity=1)
    crowd = from_clients([f"192.0.2.{number}" for number in range(40)])
    feed(
        windows,
        [
            replace(one, query_type=256 + number, response_code=3)
            for number, one in enumerate(crowd)
        ],
    )
    feed(windows, [row("x", "new.example", NOON_US, client="2001:db8::1")])
    new = summary_now(windows.tables, 1, 1)
    assert (new.clients, new.clients_exact) == (1, True)
    assert new.top_clients == (ClientQueries("2001:db8::1", 1),)
    assert (new.query_types, new.response_codes) == ({"A": 1}, {"NOERROR": 1})
    assert new.sample_names == ("x.new.example",)
    # Nor do the bits of the last holder's clients count: 17 are about 17.
    feed(
        windows,
        [row("x", "new.example", NOON_US, client=f"10.0.0.{number}") for number in range(16)],
    )
    assert 16 <= summary_now(windows.tables, 1, 1).clients <= 19
