"""From closed batches to the log: in order, one at a time for each partition [shell]."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Literal, get_args

from geophone_capture import metrics as families
from geophone_capture.batching import EncodedBatch
from geophone_shared.bus.contract import Writer
from geophone_shared.bus.records import TopicPartition
from geophone_shared.bus.topics import Topic
from geophone_shared.drops import Drops
from geophone_shared.errors import TransientError
from geophone_shared.metrics.registry import Metrics

_log = logging.getLogger(__name__)

_FIRST_DELAY_SECONDS = 0.1
_LONGEST_DELAY_SECONDS = 5.0
_MOST_DOUBLINGS = 16

DropReason = Literal["buffer_full", "too_large", "stopped"]


def delay_seconds(failures: int) -> float:
    """How long to wait after so many failures in a row: doubled each time, at most 5 s."""
    return min(
        _FIRST_DELAY_SECONDS * (1 << min(failures - 1, _MOST_DOUBLINGS)), _LONGEST_DELAY_SECONDS
    )


class Publisher:
    """Holds batches until the log has acknowledged them.

    A partition's next batch is handed to the log when the one before it is acknowledged, or
    dropped and counted: readers rely on rising sequences.

    Args:
        log: what is appended to.
        topic: `dns.transactions` as it is.
        queue_batches: how many batches wait at most, those under way included.
        metrics: of the capture.
        stop: set when the service is to end. While the log takes batches, all that wait are still
            published; once it fails, what is left is dropped.
        drops: the transactions that are dropped are counted here, and told with each batch.
        is_live: whether batches come without waiting: then `put` drops the oldest that waits, in
            place of waiting itself, as `buffer_full`.
        on_answer: told why the log took no batch; None when it took one.
        wait: waits for so many seconds, or until `stop` is set.
    """

    def __init__(  # noqa: PLR0913 - each is another part
        self,
        log: Writer,
        topic: Topic,
        queue_batches: int,
        metrics: Metrics,
        stop: asyncio.Event,
        *,
        drops: Drops,
        is_live: bool,
        on_answer: Callable[[str | None], None],
        wait: Callable[[float], Awaitable[None]],
    ) -> None:
        self._log = log
        self._topic = topic
        self._room = asyncio.Semaphore(queue_batches)
        self._waiting: list[asyncio.Queue[EncodedBatch | None]] = [
            asyncio.Queue() for _ in range(topic.partitions)
        ]
        self._arrivals: deque[int] = deque()  # the partitions of those that wait, oldest first
        self._is_live = is_live
        self._count = 0
        self._metrics = metrics
        self._stop = stop
        self._drops = drops
        drops.counts.update(dict.fromkeys(get_args(DropReason), 0))
        self._on_answer = on_answer
        self._wait = wait
        self._has_given_up = False

    async def put(self, batch: EncodedBatch) -> None:
        """Let a batch wait for the log; of files waits itself while there is no room."""
        if self._is_live and self._room.locked():
            if not self._arrivals:  # all are under way: nothing waits longer than this one
                self._drop(batch, "buffer_full")
                return
            self._drop_oldest()
        await self._room.acquire()
        self._waiting[batch.partition].put_nowait(batch)
        self._arrivals.append(batch.partition)
        self._note_count(1)

    def close(self) -> None:
        """No batch will come any more: `run` ends when all are dealt with."""
        for waiting in self._waiting:
            waiting.put_nowait(None)

    async def run(self) -> None:
        """Publish until `close`.

        Raises:
            ExceptionGroup: with ConfigError, where the log refuses.
        """
        async with asyncio.TaskGroup() as tasks:
            for waiting in self._waiting:
                tasks.create_task(self._publish_all(waiting))

    async def _publish_all(self, waiting: "asyncio.Queue[EncodedBatch | None]") -> None:
        while (batch := await waiting.get()) is not None:
            self._arrivals.remove(batch.partition)  # the first one there is this one
            await self._publish(batch)
            self._room.release()
            self._note_count(-1)

    def _drop_oldest(self) -> None:
        oldest = self._waiting[self._arrivals.popleft()].get_nowait()
        assert oldest is not None  # noqa: S101 - None is put when no batch comes any more
        self._drop(oldest, "buffer_full")
        self._room.release()
        self._note_count(-1)

    async def _publish(self, batch: EncodedBatch) -> None:
        """Append a batch, again and again where the log doesn't answer."""
        record = batch.to_record()
        record = replace(record, headers=(*record.headers, *self._drops.to_headers()))
        if record.size_bytes > self._topic.record_limit_bytes:
            self._drop(batch, "too_large")
            return
        partition = TopicPartition(self._topic.name, batch.partition)
        failures = 0
        while not self._has_given_up:
            try:
                await self._log.append(partition, record)
            except TransientError as error:
                failures += 1
                self._metrics.add(families.PRODUCER_BATCHES, result="failed")
                self._on_answer(str(error))
                _log.warning("the log takes no batch", extra={"reason": str(error)})
                if self._stop.is_set():
                    self._has_given_up = True
                else:
                    await self._wait(delay_seconds(failures))
            else:
                self._metrics.add(families.PRODUCER_BATCHES, result="acknowledged")
                self._on_answer(None)
                return
        self._drop(batch, "stopped")

    def _drop(self, batch: EncodedBatch, reason: DropReason) -> None:
        self._metrics.add(families.PRODUCER_DROPPED, reason=reason)
        self._metrics.add(families.PRODUCER_DROPPED_TRANSACTIONS, batch.headers.rows)
        self._drops.counts[reason] += batch.headers.rows
        _log.error(
            "a batch was dropped",
            extra={
                "reason": reason,
                "partition": batch.partition,
                "sequence": batch.headers.sequence,
                "transactions": batch.headers.rows,
            },
        )

    def _note_count(self, change: int) -> None:
        self._count += change
        self._metrics.set(families.PRODUCER_BUFFER_RECORDS, self._count)
