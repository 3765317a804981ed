from collections import Counter

import pytest

from geophone_alerter.status import LastRecords, StageStatus, batch_clock_us
from geophone_shared.bus.records import StoredRecord
from geophone_shared.drops import Drops
from geophone_shared.timestamps import LATEST_TIME_US


def stored(published_us: int = 0, **headers: bytes) -> StoredRecord:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return StoredRecord(0, published_us, b"", None, named)


def test_what_is_not_known_is_null() -> None:
    assert set(StageStatus().to_json().values()) == {None}


def test_numbers_and_times() -> None:
    status = StageStatus(position=3, watermark_us=1_000_000, drops={"a": 1})
    assert status.to_json()["watermark"] == "1970-01-01T00:00:01.000000Z"
    assert status.to_json()["drops"] == {"a": 1}


def test_the_watermark_is_the_least_of_the_partitions_clocks() -> None:
    last = LastRecords()
    assert (last.published_us, last.watermark_us) == (None, None)
    last.note(0, stored(5), 70)
    last.note(1, stored(9), 40)
    last.note(1, stored(8), 30)
    last.note(2, stored(7), None)
    assert last.watermark_us == 40, "a clock never goes back"
    assert last.published_us == 8


@pytest.mark.parametrize(
    ("text", "clock_us"),
    [
        (b"17", 17),
        (b"9" * 19, LATEST_TIME_US),
        (b"9" * 20, None),
        (b"-1", None),
        (b"\xd9\xa1", None),
        (b"", None),
    ],
)
def test_the_clock_of_a_batch_is_a_number_or_nothing(text: bytes, clock_us: int | None) -> None:
    assert batch_clock_us(stored(last_time_us=text)) == clock_us


def lossy(producer: bytes, drops: bytes, since_us: bytes = b"50") -> StoredRecord:
    return stored(producer=producer, drops=drops, since_us=since_us)


def test_losses_of_several_producers_add_up_and_each_counts_once() -> None:
    last = LastRecords()
    assert LastRecords().drops is None
    last.note(0, lossy(b"p", b"buffer_full=3"), None)
    last.note(1, lossy(b"p", b"buffer_full=5"), None)
    last.note(2, lossy(b"q", b"buffer_full=10", b"40"), None)
    last.note(3, stored(producer=b"older"), None)
    assert last.drops == Drops(40, Counter(buffer_full=15))
    last.note(2, lossy(b"r", b"buffer_full=0", b"60"), None)
    assert last.drops == Drops(50, Counter(buffer_full=5)), "a capture that ended is forgotten"


def test_a_record_without_headers_has_no_clock() -> None:
    assert batch_clock_us(stored()) is None
