"""What captures publish: batches read back from a log, and rows that can be compared."""

import asyncio
from collections import Counter
from collections.abc import Iterable

from geophone_capture.batching import EncodedBatch
from geophone_shared.batch import decode_batch
from geophone_shared.batch_headers import BatchHeaders
from geophone_shared.bus.contract import Bus
from geophone_shared.bus.local import LocalBus
from geophone_shared.bus.memory import MemoryStore
from geophone_shared.bus.records import Record, StoredRecord, TopicPartition
from geophone_shared.bus.topics import TRANSACTIONS, declared_topics
from geophone_shared.errors import TransientError
from geophone_shared.transactions import Transactions

NamedRow = tuple[tuple[object, ...], bytes]
"""The columns of a row, but for where its name lies, and its name."""


class CuedLog(LocalBus):
    """A log in memory that fails, and waits, when a test says so.

    Attributes:
        failures: how many appends fail from now on.
        is_open: while it is clear, appends wait.
        under_way: partitions that an append is under way for.
        most_under_way: of one partition, so far.
        asked: how many appends there were.
    """

    def __init__(self) -> None:
        super().__init__(MemoryStore(lambda: 0))
        self.failures = 0
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.under_way: Counter[TopicPartition] = Counter()
        self.most_under_way = 0
        self.asked = 0
        self._appended = asyncio.Event()

    async def asked_for(self, appends: int) -> None:
        """Wait until there were so many appends."""
        while self.asked < appends:
            self._appended.clear()
            await self._appended.wait()

    async def append(self, partition: TopicPartition, record: Record) -> int:
        self.asked += 1
        self._appended.set()
        self.under_way[partition] += 1
        self.most_under_way = max(self.most_under_way, self.under_way[partition])
        try:
            await self.is_open.wait()
            if self.failures:
                self.failures -= 1
                raise TransientError("the log did not answer")
            return await super().append(partition, record)
        finally:
            self.under_way[partition] -= 1


async def a_log(partitions: int) -> CuedLog:
    """A log in memory with the topics of Geophone."""
    log = CuedLog()
    await log.create_topics(declared_topics(partitions))
    return log


async def stored(bus: Bus, partition: int) -> list[StoredRecord]:
    """The records of a partition of the transactions, as they are."""
    place = TopicPartition(TRANSACTIONS, partition)
    async with bus.reader([place]) as reader:
        return list((await reader.poll(5, 1_000))[place])


async def published(bus: Bus) -> list[EncodedBatch]:
    """All batches and marks on the log, partition by partition."""
    topic = (await bus.describe_topics([TRANSACTIONS]))[TRANSACTIONS]
    partitions = [TopicPartition(TRANSACTIONS, number) for number in range(topic.partitions)]
    batches: list[EncodedBatch] = []
    async with bus.reader(partitions) as reader:
        end = await reader.end_offsets()
        while await reader.positions() != end:
            for partition, records in (await reader.poll(5, 1_000)).items():
                for record in records:
                    headers = BatchHeaders.from_headers(record.headers)
                    batches.append(EncodedBatch(partition.partition, headers, record.value))
    return sorted(batches, key=lambda batch: batch.partition)


def named_rows(transactions: Transactions) -> list[NamedRow]:
    """The rows, in order."""
    rows = transactions.rows.copy()
    rows["name_offset"] = 0
    return [(row.item(), transactions.name(index)) for index, row in enumerate(rows)]


def rows_in(batches: Iterable[EncodedBatch]) -> list[NamedRow]:
    """The rows of batches, one batch after the other."""
    return [
        row
        for batch in batches
        if not batch.headers.is_minute_mark()
        for row in named_rows(decode_batch(batch.value).transactions)
    ]
