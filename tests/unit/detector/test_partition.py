"""One partition: its records in, what happened to alerts out."""

from dataclasses import replace

import pytest

from geophone_detector.partition import Partition
from geophone_shared.bus.records import Record
from geophone_shared.names import wire_name
from geophone_shared.transactions import Transactions
from tests.support.detector_rows import HOUR_US, MINUTE_US, NOON_US, Row, hosts, transactions_of
from tests.support.detector_service import batch_record, mark_record, stored
from tests.support.snapshots import create_plan
from tests.support.window_driver import brief, create_rule, keys

pytestmark = pytest.mark.kernels


def create_partition(position: int = 0) -> Partition:
    """One whose rule opens at three names in 4 hours."""
    return Partition(create_plan([create_rule(threshold=3)]).create(), position)


def rows_of(*rows: Row) -> Transactions:
    """The rows as the log holds them."""
    made = transactions_of(rows)
    made.rows["transport"] = 17
    return made


def test_rows_become_alerts() -> None:
    partition = create_partition()
    first = partition.take(stored(batch_record(rows_of(*hosts(range(2), NOON_US)), 0), 0))
    assert (first.alerts, first.rows) == ([], 2)
    second = partition.take(stored(batch_record(rows_of(*hosts(range(5), NOON_US)), 1), 1))
    assert brief(second.alerts) == [("names", "opened", 2, 3)]
    assert partition.position == 2
    assert partition.clock_us == NOON_US + 4


def test_time_passes_with_marks() -> None:
    partition = create_partition()
    partition.take(stored(batch_record(rows_of(*hosts(range(3), NOON_US)), 0), 0))
    taken = partition.take(stored(mark_record(NOON_US + 5 * HOUR_US, 1), 1))
    assert [alert.state for alert in taken.alerts] == ["recovered"]
    assert partition.clock_us == NOON_US + 5 * HOUR_US
    # One that lags behind moves nothing back.
    partition.take(stored(mark_record(NOON_US, 0, "slower"), 2))
    assert partition.clock_us == NOON_US + 5 * HOUR_US


def test_a_repeat_is_skipped_and_a_gap_is_told() -> None:
    partition = create_partition()
    record = batch_record(rows_of(*hosts(range(2), NOON_US)), 0)
    partition.take(stored(record, 0))
    repeat = partition.take(stored(record, 1))
    assert repeat.is_repeat
    assert (repeat.rows, repeat.alerts) == (0, [])
    later = partition.take(stored(batch_record(rows_of(*hosts(range(2), NOON_US)), 4), 2))
    assert later.missing == 3
    assert partition.position == 3


@pytest.mark.parametrize("is_mark", [False, True])
def test_what_is_dated_after_its_publication_counts_as_of_then(is_mark: bool) -> None:
    partition = create_partition()
    partition.take(stored(batch_record(rows_of(*hosts(range(2), NOON_US)), 0), 0, NOON_US))
    ahead_us = NOON_US + 30 * 24 * HOUR_US
    record = (
        mark_record(ahead_us, 1)
        if is_mark
        else batch_record(rows_of(*hosts([7], ahead_us, prefix="ahead")), 1)
    )
    partition.take(stored(record, 1, NOON_US + MINUTE_US))
    assert partition.clock_us == NOON_US + 2 * MINUTE_US
    # The windows aren't empty.
    assert keys(partition.detector.windows.tables).keys() == {wire_name("pirate.sea")}
    assert partition.detector.windows.tables.heads[0]["future_rows"] == (not is_mark)


def test_what_cannot_be_read_is_refused_with_its_reason() -> None:
    partition = create_partition()
    good = batch_record(rows_of(*hosts(range(2), NOON_US)), 0)
    mark = mark_record(NOON_US, 0)
    refused = {
        "headers": [
            Record(b""),
            replace(good, headers=mark.headers),
            replace(good, headers=batch_record(rows_of(*hosts([1], NOON_US)), 1).headers),
        ],
        "zstd_frame": [
            replace(good, value=b"", headers=batch_record(rows_of(*hosts([1], NOON_US)), 9).headers)
        ],
    }
    offset = 0
    for reason, records in refused.items():
        for record in records:
            taken = partition.take(stored(record, offset))
            assert (taken.refused, taken.alerts) == (reason, [])
            offset += 1
    assert partition.position == offset
    assert partition.detector.windows.now_pane is None
