"""What every alerter reads for whoever asks: topics from some offset on, for ever [shell]."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from geophone_shared.bus.contract import Bus, Reader
from geophone_shared.bus.records import StoredRecord, TopicPartition
from geophone_shared.errors import InvalidRecordError, TransientError
from geophone_shared.metrics import common
from geophone_shared.metrics.registry import Metrics
from geophone_shared.stand_still import StandStill

_log = logging.getLogger(__name__)

_POLL_SECONDS = 0.5
_MOST_RECORDS = 100
_CHECK_SECONDS = 2.0
_AWAY_SECONDS = 1.0

Take = Callable[[TopicPartition, Sequence[StoredRecord]], Awaitable[None]]
"""Takes the next records of a partition."""


@dataclass(slots=True, kw_only=True)
class Feed:
    """What is read, and how far it is.

    Attributes:
        name: for the log of the service.
        partitions: which; one at least.
        take: takes what is read.
        begin: from the first record, or from the last one of each partition.
        on_answer: told at each check that the log answered, or an error why it did not.
        positions: where each partition goes on.
        ends: where each partition ended at the last check.
        is_current: whether everything was read once that was there at the start.
    """

    name: str
    partitions: Sequence[TopicPartition]
    take: Take
    begin: Literal["first", "last"]
    on_answer: Callable[[TransientError | None], None] = lambda _error: None
    positions: dict[TopicPartition, int] = field(default_factory=dict)
    ends: Mapping[TopicPartition, int] = field(default_factory=dict)
    is_current: bool = False


async def follow(bus: Bus, feed: Feed, metrics: Metrics) -> None:
    """Reads a feed until it is cancelled; a log that doesn't answer is asked again."""
    while True:
        try:
            async with bus.reader(feed.partitions) as reader:
                await _place(reader, feed)
                await _read(reader, feed)
                _log.error("a reader stands still and is replaced", extra={"feed": feed.name})
                metrics.add(common.READER_REBUILDS)
        except TransientError as error:
            feed.on_answer(error)
            await asyncio.sleep(_AWAY_SECONDS)


async def _place(reader: Reader, feed: Feed) -> None:
    """Goes where the feed is; at first, to its beginning."""
    begins = await reader.first_offsets()
    if feed.begin == "last":
        ends = await reader.end_offsets()
        begins = {each: max(begins[each], ends[each] - 1) for each in begins}
    for partition in feed.partitions:
        reader.seek(partition, feed.positions.get(partition, begins[partition]))


async def _read(reader: Reader, feed: Feed) -> None:
    """Reads until the reader stands still."""
    still = StandStill()
    checked = -_CHECK_SECONDS
    while True:
        try:
            polled = await reader.poll(_POLL_SECONDS, _MOST_RECORDS)
            for partition, records in polled.items():
                await feed.take(partition, records)
                feed.positions[partition] = records[-1].offset + 1
            await asyncio.sleep(0)  # a log in memory never waits, and others want to run
            now = time.monotonic()
            is_first_end = not polled and not feed.is_current
            if is_first_end or now - checked >= _CHECK_SECONDS:
                checked = now
                feed.ends = await reader.end_offsets()
                positions = await reader.positions()
                feed.is_current |= all(positions[each] >= feed.ends[each] for each in positions)
                feed.on_answer(None)
                if still.is_stuck(positions, feed.ends, now):
                    return
        except InvalidRecordError:
            _log.error("a damaged record is skipped", extra={"feed": feed.name})
        except TransientError as error:
            feed.on_answer(error)
            await asyncio.sleep(_AWAY_SECONDS)
