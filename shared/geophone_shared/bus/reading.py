"""Reading what a partition holds now, from one offset to another [shell]."""

import asyncio
from collections.abc import Awaitable, Callable

from geophone_shared.bus.contract import Bus
from geophone_shared.bus.records import StoredRecord, TopicPartition
from geophone_shared.errors import InvalidRecordError, TransientError

_MOST_RECORDS = 200
"""At once: decoding that many alerts takes some 30 ms, in which nothing else runs."""
_POLL_SECONDS = 1.0
_PATIENCE_SECONDS = 30.0


async def read_range(
    bus: Bus,
    partition: TopicPartition,
    take: Callable[[StoredRecord], Awaitable[None]],
    *,
    begin: int = 0,
    end: int | None = None,
) -> None:
    """Hand over the records at offsets from `begin` to before `end`, or to the end of now.

    What the log has forgotten, or what is damaged on it, is left out.

    Raises:
        TransientError: the log doesn't answer.
    """
    clock = asyncio.get_running_loop()
    async with bus.reader([partition]) as reader:
        last = (await reader.end_offsets())[partition]
        end = last if end is None else min(end, last)
        position = max(begin, (await reader.first_offsets())[partition])
        reader.seek(partition, position)
        deadline = clock.time() + _PATIENCE_SECONDS
        while position < end:
            try:
                polled = await reader.poll(_POLL_SECONDS, _MOST_RECORDS)
            except InvalidRecordError:
                polled = {}
            for stored in polled.get(partition, []):
                if stored.offset < end:
                    await take(stored)
            await asyncio.sleep(0)  # a log in memory never waits, and others want to run
            before, position = position, (await reader.positions())[partition]
            if position != before:
                deadline = clock.time() + _PATIENCE_SECONDS
            elif clock.time() >= deadline:
                raise TransientError(f"{partition} doesn't get beyond offset {position}")
