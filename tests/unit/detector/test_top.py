import pytest

from geophone_detector.top import top_domains
from tests.support.detector_rows import DAY_US, HOUR_US, MINUTE_US, NOON_US, Row, row
from tests.support.window_driver import create_windows, feed, mark

pytestmark = pytest.mark.kernels


def names_of(domain: str, count: int, at_us: int = NOON_US, *, minutes_ago: int = 0) -> list[Row]:
    """A row for each of the domain's first `count` names."""
    time_us = at_us - minutes_ago * MINUTE_US
    return [row(f"h{number}", domain, at_us, time_us=time_us) for number in range(count)]


def test_domains_are_ranked_by_their_peak_and_ties_go_by_name() -> None:
    windows = create_windows()
    rows = names_of("b.example", 2) + names_of("few.example", 1)
    feed(windows, rows + names_of("a.example", 2) + names_of("many.example", 5))
    top = top_domains(windows.tables, windows.archive, 1, 10)
    assert [(domain.registered_domain, domain.unique_hostnames) for domain in top] == [
        ("many.example", 5),
        ("a.example", 2),
        ("b.example", 2),
        ("few.example", 1),
    ]


@pytest.mark.parametrize(("most", "expected"), [(0, ""), (-1, ""), (1, "a"), (2, "ab"), (3, "abc")])
def test_a_tie_at_the_end_is_cut_by_name_too(most: int, expected: str) -> None:
    windows = create_windows()
    feed(windows, [one for letter in "dcba" for one in names_of(f"{letter}.example", 3)])
    top = top_domains(windows.tables, windows.archive, 1, most)
    assert [domain.registered_domain for domain in top] == [
        f"{letter}.example" for letter in expected
    ]


def test_a_domain_keeps_its_rank_after_its_names_have_left() -> None:
    windows = create_windows()
    feed(windows, names_of("gone.example", 3))
    feed(windows, names_of("here.example", 2, NOON_US + 2 * DAY_US))
    top = top_domains(windows.tables, windows.archive, 1, 10)
    assert [(domain.registered_domain, domain.unique_hostnames) for domain in top] == [
        ("gone.example", 3),
        ("here.example", 2),
    ]


def test_each_window_has_its_own_ranking() -> None:
    #   old.example: three names, an hour ago; new.example: two names, now
    windows = create_windows()
    feed(windows, names_of("old.example", 3, minutes_ago=60) + names_of("new.example", 2))
    ranked = [
        [(domain.registered_domain, domain.unique_hostnames) for domain in rows]
        for rows in (
            top_domains(windows.tables, windows.archive, window, 10) for window in range(3)
        )
    ]
    assert ranked[0] == [("new.example", 2)]
    assert ranked[1] == ranked[2] == [("old.example", 3), ("new.example", 2)]


def test_hostnames_and_information_bytes_peak_each_for_itself() -> None:
    #   12:00: four names of two bytes       13:00: one of 40
    windows = create_windows()
    feed(windows, names_of("d.example", 4))
    feed(windows, [row("f" * 40, "d.example", NOON_US + HOUR_US)])
    mark(windows, NOON_US + 2 * HOUR_US)
    [top] = top_domains(windows.tables, windows.archive, 0, 1)
    assert (top.unique_hostnames, top.information_bytes) == (4, 40)
    assert top.window_seconds == 600
    assert top.queries == 5


def test_there_may_be_no_domain_yet() -> None:
    windows = create_windows()
    assert top_domains(windows.tables, windows.archive, 0, 10) == []
