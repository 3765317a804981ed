"""The embedded log where records are missing: its file was damaged, and what was left was saved."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from geophone_shared.bus.embedded import open_embedded_bus
from geophone_shared.bus.local import LocalBus
from geophone_shared.bus.reading import read_range
from geophone_shared.bus.records import Record, StoredRecord
from geophone_shared.bus.topics import Topic
from tests.support.buses import a_topic, append, of, read_values

RECORDS = 100
BEGIN_US = 1_700_000_000_000_000


class Log:
    """A log of `RECORDS` records, a millisecond from one to the next, of which some are lost."""

    def __init__(self, path: Path, bus: LocalBus, topic: Topic) -> None:
        self.bus = bus
        self.topic = topic
        self._path = path

    def lose(self, *offsets: int) -> None:
        with closing(sqlite3.connect(self._path)) as connection, connection:
            connection.executemany(
                "DELETE FROM record WHERE place = (1 << 40) + ?", [(each,) for each in offsets]
            )
            connection.execute(
                "UPDATE partition "
                "SET kept_bytes = (SELECT coalesce(sum(size_bytes), 0) FROM record)"
            )


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    topic = replace(a_topic(), retention_bytes=1_000_000)
    now_us = iter(range(BEGIN_US, BEGIN_US + 1_000_000, 1_000))
    async with open_embedded_bus(tmp_path / "log.sqlite", lambda: next(now_us)) as bus:
        await bus.create_topics([topic])
        values = (Record(b"%d" % number) for number in range(RECORDS))
        await asyncio.gather(*(bus.append(of(topic), each) for each in values))
        yield Log(tmp_path / "log.sqlite", bus, topic)


@pytest.mark.parametrize(
    "is_lost",
    [
        lambda offset: offset % 2 == 0,
        lambda offset: offset % 2 == 1,
        lambda offset: offset < 70,
        lambda offset: 30 <= offset < 70,
        lambda offset: offset >= 30,
        lambda _offset: True,
    ],
)
async def test_all_that_is_left_is_read(log: Log, is_lost: Callable[[int], bool]) -> None:
    log.lose(*filter(is_lost, range(RECORDS)))
    left = [offset for offset in range(RECORDS) if not is_lost(offset)]
    read: list[int] = []

    async def take(stored: StoredRecord) -> None:
        read.append(stored.offset)

    begin = time.monotonic()
    await read_range(log.bus, of(log.topic), take)
    assert read == left
    assert time.monotonic() - begin < 5
    async with log.bus.reader([of(log.topic)]) as reader:
        for time_us in range(BEGIN_US, BEGIN_US + RECORDS * 1_000, 10_000):
            offset = (await reader.offsets_at(time_us))[of(log.topic)]
            later = [each for each in left if BEGIN_US + each * 1_000 >= time_us]
            assert [each for each in left if each >= offset] == later
    assert await append(log.bus, of(log.topic), b"next") == [RECORDS]
    assert (await read_values(log.bus, of(log.topic)))[-1] == b"next"


async def test_who_waits_where_records_are_lost_gets_the_next_one(log: Log) -> None:
    log.lose(*range(90, RECORDS))
    async with log.bus.reader([of(log.topic)]) as reader:
        reader.seek(of(log.topic), 95)
        assert await reader.poll(0.0, 10) == {}
        assert await reader.positions() == await reader.end_offsets()
        await append(log.bus, of(log.topic), b"next")
        polled = await reader.poll(5.0, 10)
    assert [each.offset for each in polled[of(log.topic)]] == [RECORDS]


async def test_what_is_forgotten_is_counted_by_what_was_there(log: Log) -> None:
    """Else more would be forgotten than has to, or less for ever."""
    log.lose(*range(0, RECORDS, 2))
    await log.bus.create_topics([replace(log.topic, retention_bytes=40)])
    await append(log.bus, of(log.topic), *(b"%d" % number for number in range(100, 110)))
    values = await read_values(log.bus, of(log.topic))
    assert [int(value) for value in values] == [91, 93, 95, 97, 99, *range(100, 110)]
