"""What is kept of domains that were freed, and how those that come back are added to it."""

import pytest

from geophone_detector.archive import Archive
from geophone_detector.top import top_domains
from geophone_detector.windows import SlidingWindows
from geophone_shared.summaries import ClientQueries
from tests.support.detector_rows import DAY_US, NOON_US, Row, row
from tests.support.window_driver import create_windows, feed, mark

pytestmark = pytest.mark.kernels


def names_of(domain: str, names: int, at_us: int, client: str = "192.0.2.1") -> list[Row]:
    return [row(f"h{number}", domain, at_us, client=client) for number in range(names)]


def ranked(windows: SlidingWindows, most: int = 10) -> list[tuple[str, int]]:
    """The table of four hours."""
    top = top_domains(windows.tables, windows.archive, 1, most)
    return [(summary.registered_domain, summary.unique_hostnames) for summary in top]


def test_freed_domains_stay_in_the_table_at_their_peaks() -> None:
    windows = create_windows()
    feed(windows, names_of("old.example", 5, NOON_US))
    feed(windows, names_of("new.example", 3, NOON_US + 2 * DAY_US))
    assert ranked(windows) == [("old.example", 5), ("new.example", 3)]
    assert ranked(windows, most=1) == [("old.example", 5)]


def test_a_domain_that_comes_back_is_added_to_what_it_was() -> None:
    windows = create_windows()
    later_us = NOON_US + 2 * DAY_US
    feed(windows, names_of("d.example", 5, NOON_US))
    feed(windows, names_of("d.example", 2, later_us, client="192.0.2.9"))
    [summary] = top_domains(windows.tables, windows.archive, 1, 10)
    assert (summary.unique_hostnames, summary.queries, summary.clients) == (5, 7, 2)
    assert summary.top_clients == (ClientQueries("192.0.2.1", 5), ClientQueries("192.0.2.9", 2))
    assert summary.query_types == {"A": 7}
    assert (summary.first_seen_us, summary.last_seen_us) == (NOON_US, later_us)
    assert (summary.bytes_in, summary.bytes_out) == (7 * 40, 7 * 100)
    # Freed again, and back for the third time: added again.
    feed(windows, names_of("d.example", 6, later_us + 2 * DAY_US))
    [summary] = top_domains(windows.tables, windows.archive, 1, 10)
    assert (summary.unique_hostnames, summary.queries) == (6, 13)


def test_swept_domains_are_kept_too() -> None:
    windows = create_windows(domain_capacity=2)
    for number, names in enumerate((4, 3, 2, 1)):
        feed(windows, names_of(f"d{number}.example", names, NOON_US + number))
    assert ranked(windows) == [(f"d{number}.example", 4 - number) for number in range(4)]


def test_only_the_best_are_kept() -> None:
    windows = create_windows()
    windows.archive = Archive(most=2)
    for number, names in enumerate((2, 4, 1, 3)):
        feed(windows, names_of(f"d{number}.example", names, NOON_US + number * 2 * DAY_US))
    mark(windows, NOON_US + 8 * DAY_US)
    assert ranked(windows) == [("d1.example", 4), ("d3.example", 3)]
    # One that isn't kept any more comes back as a domain like any other.
    feed(windows, names_of("d0.example", 5, NOON_US + 9 * DAY_US))
    [summary, *_] = top_domains(windows.tables, windows.archive, 1, 10)
    assert (summary.registered_domain, summary.queries) == ("d0.example", 5)
