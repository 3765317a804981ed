"""The detector over a log in memory: what it says is what a detector without a log says."""

import asyncio
from collections.abc import AsyncIterator, Collection
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from geophone_detector import member
from geophone_detector.manifests import Manifest, decode_manifest, is_manifest
from geophone_detector.member import GROUP
from geophone_shared.bus.local import LocalBus, LocalReader
from geophone_shared.bus.memory import MemoryStore
from geophone_shared.bus.records import Record, TopicPartition
from geophone_shared.bus.topics import (
    ALERTS,
    DEAD_LETTERS,
    DETECTOR_STATE,
    TOP_DOMAINS,
    TRANSACTIONS,
    declared_topics,
)
from geophone_shared.dead_letters import decode_dead_letter
from geophone_shared.errors import ConfigError, TransientError
from geophone_shared.stand_still import StandStill
from geophone_shared.transactions import Transactions
from tests.support.detector_service import (
    Log,
    a_log,
    alerts_of,
    batch_records,
    mark_record,
    rows_of,
    running,
    settings,
)
from tests.support.outside import SHIPPED_CAPTURES
from tests.support.top_lists import in_window

ROWS_EACH = 40
ALL_TOPICS = [topic.name for topic in declared_topics(1)]


@pytest.fixture(scope="module")
def rows() -> Transactions:
    return rows_of(SHIPPED_CAPTURES / "iodine-null.pcap")


@pytest.fixture
async def log() -> AsyncIterator[Log]:
    async with a_log() as made:
        yield made


async def test_it_finishes_when_all_is_counted(log: Log, rows: Transactions) -> None:
    records = batch_records(rows, ROWS_EACH)
    finish = asyncio.Event()
    async with running(log, finish=finish) as detector:
        await log.append(records)
        finish.set()
        async with asyncio.timeout(30):
            await detector
    assert await log.alerts() == alerts_of(rows)
    [manifest] = [
        decode_manifest(record) for record in await log.read(DETECTOR_STATE) if is_manifest(record)
    ]
    assert manifest.position == len(records)


async def test_the_tunnel_gives_the_alerts_that_it_gives_without_a_log(
    log: Log, rows: Transactions
) -> None:
    records = batch_records(rows, ROWS_EACH)
    expected = alerts_of(rows)
    assert {alert.rule for alert in expected} >= {"unique-hostnames", "burst"}
    await log.append(records)
    async with running(log):
        top = await log.counted(len(records))
    assert await log.alerts() == expected
    keys = [record.key for record in await log.read(ALERTS)]
    assert keys == [alert.registered_domain.encode() for alert in expected]
    assert top.as_of_us == int(rows.rows["completed_us"][-1])
    first = in_window(top, 14_400)[0]
    assert first.registered_domain == expected[0].registered_domain
    assert first.sample_names == expected[0].evidence.sample_names
    assert log.metric("geophone_detector_records_total") == len(records)
    assert log.metric("geophone_detector_transactions_total") == len(rows.rows)
    assert log.metric("geophone_detector_missing_records_total") == 0
    opened = sum(alert.state == "opened" for alert in expected)
    assert log.metric("geophone_detector_detection_latency_seconds_count") == opened


async def test_a_restart_after_every_record_changes_nothing(log: Log, rows: Transactions) -> None:
    records = batch_records(rows, ROWS_EACH)
    for number, record in enumerate(records):
        await log.append([record])
        async with running(log):
            await log.counted(number + 1)
    assert await log.alerts() == alerts_of(rows)
    assert log.metric('geophone_detector_snapshots_total{result="restored"}') == len(records) - 1
    assert log.metric('geophone_detector_snapshots_total{result="written"}') == len(records)
    assert log.metric('geophone_detector_snapshots_total{result="unusable"}') == 0
    assert log.metric("geophone_detector_records_total") == len(records)


@pytest.mark.parametrize("has_snapshot", [False, True])
async def test_a_detector_that_is_killed_says_nothing_else_later(
    log: Log, rows: Transactions, has_snapshot: bool
) -> None:
    records = batch_records(rows, ROWS_EACH)
    half = len(records) // 2
    await log.append(records[:1])
    if has_snapshot:
        async with running(log):
            await log.counted(1)
    for number in range(1, len(records)):
        await log.append([records[number]])
        async with running(log) as task:
            await log.counted(number + 1)
            task.cancel()
    said = await log.alerts()
    expected = alerts_of(rows)
    assert half > 1
    if has_snapshot:
        assert said == expected
    else:
        # From nothing, the whole window is told anew.
        assert list(dict.fromkeys(said_of(said))) == said_of(expected)


def said_of(alerts: list[Any]) -> list[tuple[str, str, int]]:
    return [(alert.id, alert.state, alert.updated_at_us) for alert in alerts]


async def test_what_comes_again_is_counted_once(log: Log, rows: Transactions) -> None:
    records = batch_records(rows, ROWS_EACH)
    again = [*records[:3], *records[1:3], *records[3:], records[0]]
    await log.append(again)
    async with running(log):
        top = await log.counted(len(again))
    assert await log.alerts() == alerts_of(rows)
    assert sum(summary.queries for summary in in_window(top, 86_400)) == len(rows.rows)
    assert log.metric("geophone_detector_repeated_records_total") == 3


async def test_what_is_missing_is_counted(log: Log, rows: Transactions) -> None:
    records = batch_records(rows, ROWS_EACH)
    await log.append([*records[:1], *records[3:]])
    async with running(log):
        await log.counted(len(records) - 2)
    assert log.metric("geophone_detector_missing_records_total") == 2


async def test_what_cannot_be_read_is_kept_and_passed_over(log: Log, rows: Transactions) -> None:
    records = batch_records(rows, ROWS_EACH)
    garbage = Record(b"garbage", headers=records[0].headers)
    nothing = Record(b"")
    await log.append([garbage, *records[1:2], nothing, *records[2:]])
    async with running(log):
        await log.counted(len(records) + 1)
    letters = [decode_dead_letter(record) for record in await log.read(DEAD_LETTERS)]
    assert [(letter.offset, letter.reason) for letter in letters] == [
        (0, "zstd_frame"),
        (2, "headers"),
    ]
    assert letters[0].record == garbage
    assert letters[0].partition == TopicPartition(TRANSACTIONS, 0)
    assert log.metric('geophone_dead_letters_total{reason="zstd_frame"}') == 1


async def test_too_much_that_cannot_be_read_ends_it_with_a_sentence(log: Log) -> None:
    await log.append([mark_record(number, number) for number in range(30)])
    await log.append([Record(b"from another program")] * 10)
    with pytest.raises(ExceptionGroup) as raised:
        async with running(log) as task:
            await asyncio.wait([task])
    (error,) = raised.value.exceptions
    assert isinstance(error, ConfigError)
    assert "10 of the last records of dns.transactions/0 can't be read" in str(error)
    assert len(await log.read(DEAD_LETTERS)) == 10
    # What was put aside isn't met again.
    async with running(log):
        await log.append([mark_record(31, 31)])
        await log.counted(41)
    assert len(await log.read(DEAD_LETTERS)) == 10


async def test_a_rebalance_hands_the_state_over(log: Log, rows: Transactions) -> None:
    records = batch_records(rows, ROWS_EACH)
    assert isinstance(log.bus, LocalBus)
    async with running(log):
        for number, record in enumerate(records):
            await log.append([record])
            await log.counted(number + 1)
            log.bus.rebalance(GROUP)
    assert await log.alerts() == alerts_of(rows)
    assert log.metric('geophone_detector_snapshots_total{result="restored"}') >= len(records) - 1


async def test_snapshots_are_written_after_so_many_rows(log: Log, rows: Transactions) -> None:
    records = batch_records(rows, ROWS_EACH)
    await log.append(records)
    async with running(log, settings(snapshot_rows=1)) as task:
        await log.counted(len(records))
        assert (await state_of(log)).position == len(records)
        task.cancel()


async def state_of(log: Log) -> Manifest:
    """The first manifest, once it is there."""
    state = TopicPartition(DETECTOR_STATE, 0)
    async with log.bus.reader([state]) as reader, asyncio.timeout(20):
        while True:
            for record in (await reader.poll(1, 10)).get(state, []):
                if is_manifest(record):
                    return decode_manifest(record)


class Unwilling:
    """A log that takes nothing the first times, and whose readers may deliver nothing."""

    def __init__(self, bus: Any, refusals: int, topics: Collection[str] = ALL_TOPICS) -> None:
        self._bus = bus
        self._refusals = refusals
        self._topics = topics
        self.mute_readers = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    async def append(self, partition: TopicPartition, record: Record) -> int:
        if partition.topic in self._topics and self._refusals > 0:
            self._refusals -= 1
            raise TransientError("away")
        offset: int = await self._bus.append(partition, record)
        return offset

    def group_reader(self, *arguments: Any, **options: Any) -> Any:
        return Muted(self, self._bus.group_reader(*arguments, **options))


class Muted:
    """A member's reader that delivers nothing, until it is replaced."""

    def __init__(self, unwilling: Unwilling, entered: Any) -> None:
        self._unwilling = unwilling
        self._entered = entered

    async def __aenter__(self) -> Any:
        reader = await self._entered.__aenter__()
        if self._unwilling.mute_readers > 0:
            self._unwilling.mute_readers -= 1
            # It takes part in the group, and goes no further.
            reader.poll = partial(self._poll, reader)
        return reader

    async def __aexit__(self, *raised: Any) -> Any:
        return await self._entered.__aexit__(*raised)

    async def _poll(self, reader: Any, _timeout_seconds: float, _most: int) -> dict[Any, Any]:
        await reader._membership.settle(reader)
        await asyncio.sleep(0.01)
        return {}


async def test_a_log_that_is_away_is_asked_again(
    log: Log, rows: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geophone_detector.patience._FIRST_SECONDS", 0.001)
    records = batch_records(rows, ROWS_EACH)
    await log.append(records)
    async with running(log, bus=Unwilling(log.bus, refusals=3)):
        await log.counted(len(records))
    assert await log.alerts() == alerts_of(rows)


async def test_a_reader_that_stands_still_is_replaced(
    log: Log, rows: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(member, "StandStill", partial(StandStill, 0.05))
    records = batch_records(rows, ROWS_EACH)
    await log.append(records)
    unwilling = Unwilling(log.bus, refusals=0)
    unwilling.mute_readers = 2
    async with running(log, bus=unwilling):
        await log.counted(len(records))
    assert await log.alerts() == alerts_of(rows)
    assert log.metric("geophone_reader_rebuilds_total") == 2


async def test_what_the_log_has_lost_before_it_was_read_is_gone_round(
    log: Log, rows: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not to be mistaken for a reader that stands still, and counted where the next one shows."""
    monkeypatch.setattr(member, "StandStill", partial(StandStill, 0.05))
    records = batch_records(rows, ROWS_EACH)
    await log.append(records[:2])
    async with running(log):
        await log.counted(2)
    await log.append(records[2:4])
    await log.append([Record(b"")])
    assert isinstance(log.bus, LocalBus)
    lose(log.bus, TopicPartition(TRANSACTIONS, 0))
    async with running(log):
        await asyncio.sleep(0.3)
        await log.append(records[4:])
        await log.counted(len(records) + 1)
    assert log.metric('geophone_detector_snapshots_total{result="restored"}') == 1
    assert log.metric("geophone_reader_rebuilds_total") == 0
    assert log.metric("geophone_detector_missing_records_total") == 2


def lose(bus: LocalBus, partition: TopicPartition) -> None:
    """Have a log in memory keep no record of a partition, as where all are too old."""
    store = bus._store
    assert isinstance(store, MemoryStore)
    store._partitions[partition].records.clear()


async def test_records_are_counted_between_two_lists(
    rows: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[int | str] = []
    async with a_log(partitions=3) as log:
        append, poll = log.bus.append, LocalReader.poll

        async def noted_append(partition: TopicPartition, record: Record) -> int:
            if partition.topic == TOP_DOMAINS:
                events.append(partition.partition)
            return await append(partition, record)

        async def noted_poll(reader: LocalReader, seconds: float, most: int) -> dict[Any, Any]:
            if reader.partitions[0].topic == TRANSACTIONS:
                events.append("poll")
            return await poll(reader, seconds, most)

        monkeypatch.setattr(log.bus, "append", noted_append)
        monkeypatch.setattr(LocalReader, "poll", noted_poll)
        records = batch_records(rows, ROWS_EACH)
        for number in range(3):
            await log.append(records, number)
        async with running(log):
            for number in range(3):
                await log.counted(len(records), number)
    lists = [place for place, event in enumerate(events) if event != "poll"]
    assert {events[place] for place in lists} == {0, 1, 2}
    assert all(later - earlier > 1 for earlier, later in pairwise(lists))


async def test_a_list_that_was_not_taken_is_written_again(log: Log, rows: Transactions) -> None:
    records = batch_records(rows, ROWS_EACH)
    await log.append(records)
    async with running(log, bus=Unwilling(log.bus, refusals=2, topics=[TOP_DOMAINS])):
        top = await log.counted(len(records))
    assert top.position == len(records)


async def test_a_log_without_its_topics_is_no_log(log: Log) -> None:
    async def describe(_names: object) -> dict[str, object]:
        return {}

    unwilling = Unwilling(log.bus, refusals=0)
    unwilling.describe_topics = describe  # type: ignore[attr-defined]  # one method of a stand-in
    with pytest.raises(ExceptionGroup) as raised:
        async with running(log, bus=unwilling) as task:
            await asyncio.wait([task])
    assert "dns.transactions does not exist" in str(raised.value.exceptions[0])
