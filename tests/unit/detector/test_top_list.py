"""The list of a partition's busiest domains, as it goes to the log."""

import numpy as np
import pytest

from geophone_detector.kernels.layout import PANE_US
from geophone_detector.partition import Partition
from geophone_detector.top_list import MOST_DOMAINS, encoded_top_list, top_list
from geophone_shared.top_domains import MOST_TOP_LIST_BYTES, decode_top_list
from tests.support.detector_rows import (
    FAR_US,
    HOUR_US,
    MINUTE_US,
    NOON_US,
    Row,
    hosts,
    row,
    transactions_of,
)
from tests.support.rows import wire_name
from tests.support.snapshots import create_plan
from tests.support.top_lists import in_window
from tests.support.window_driver import create_rule

pytestmark = pytest.mark.kernels


def partition_with(rows: list[Row], *, exact_cap_names: int = 1_000) -> Partition:
    """A partition that has counted the rows, and no rule that matters."""
    plan = create_plan(
        [create_rule(threshold=1_000_000)],
        allow_list=["apple.com"],
        exact_cap_names=exact_cap_names,
    )
    partition = Partition(plan.create(), 7)
    partition.detector.observe(transactions_of(rows), FAR_US)
    partition.clock_us = rows[-1].completed_us
    return partition


def counted(partition: Partition, window_seconds: int) -> list[tuple[str, int]]:
    """(domain, hostnames) of a window's list."""
    listed = in_window(decode_top_list(encoded_top_list(partition, 3)), window_seconds)
    return [(summary.registered_domain, summary.unique_hostnames) for summary in listed]


def test_each_window_has_what_lives_in_it_now() -> None:
    rows = [
        *hosts(range(5), NOON_US),
        row("a", "quiet.example", NOON_US + 5),
        *hosts(range(2), NOON_US + 5 * HOUR_US, prefix="new"),
        row("b", "wpad", NOON_US + 5 * HOUR_US + 9),
    ]
    partition = partition_with(rows)
    assert counted(partition, 600) == [("pirate.sea", 2), ("wpad", 1)]
    assert counted(partition, 14_400) == [("pirate.sea", 2), ("wpad", 1)]
    assert counted(partition, 86_400) == [("pirate.sea", 7), ("quiet.example", 1), ("wpad", 1)]
    decoded = decode_top_list(encoded_top_list(partition, 3))
    assert (decoded.partition, decoded.position) == (3, 7)
    assert decoded.as_of_us == NOON_US + 5 * HOUR_US + 9
    # What was freed, and what nobody asked for, is in no list.
    partition.detector.advance(NOON_US + 40 * HOUR_US)
    assert counted(partition, 86_400) == []


def test_evidence_is_told_of_the_first_and_of_nobody_else() -> None:
    rows = [
        each
        for number in range(30)
        for each in [
            row(f"h{host}", f"d{number:02}.example", NOON_US) for host in range(40 - number)
        ]
    ]
    listed = in_window(top_list(partition_with(rows), 0, 25), 600)
    assert [summary.unique_hostnames for summary in listed] == list(range(40, 15, -1))
    assert [bool(summary.sample_names) for summary in listed] == [True] * 20 + [False] * 5
    assert all(summary.clients == 1 for summary in listed)


def test_the_allow_list_displaces_nobody() -> None:
    rows = [row(f"h{host}", "apple.com", NOON_US) for host in range(9)]
    rows += [row("a", f"d{number}.example", NOON_US) for number in range(3)]
    listed = in_window(top_list(partition_with(rows), 0, 2), 600)
    assert [summary.allowed for summary in listed] == [True, False, False]


def test_a_domain_above_the_exact_cap_has_its_bounds() -> None:
    rows = hosts(range(600), NOON_US)
    partition = partition_with(rows, exact_cap_names=10)
    partition.detector.advance(NOON_US + 2 * MINUTE_US)
    (summary,) = in_window(decode_top_list(encoded_top_list(partition, 0)), 600)
    assert not summary.exact
    assert summary.unique_hostnames_lower <= 600 <= summary.unique_hostnames_upper
    assert 500 < summary.unique_hostnames < 700
    assert partition.detector.windows.now_pane == NOON_US // PANE_US + 2


def test_the_longest_and_least_regular_names_fit_into_the_record() -> None:
    rng = np.random.default_rng(1)
    rows = []
    for number in range(2 * MOST_DOMAINS):
        label = [rng.bytes(60) for _ in range(3)]
        domain = wire_name(*label[1:], b"%03d" % number)
        for host in range(3):
            name = wire_name(label[0], bytes([host]) * 3) + domain
            rows.append(
                Row(
                    name=name,
                    domain_offset=len(name) - len(domain),
                    completed_us=NOON_US,
                    time_us=NOON_US,
                    client=f"2001:db8::{rng.integers(65_536):x}",
                )
            )
    encoded = encoded_top_list(partition_with(rows), 0)
    assert len(encoded) < MOST_TOP_LIST_BYTES
    assert len(in_window(decode_top_list(encoded), 600)) == MOST_DOMAINS
