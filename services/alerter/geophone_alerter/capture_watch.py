"""How far capture is, by the ends of its topic: no batch but the last ones is read [shell]."""

import asyncio

from geophone_alerter.status import LastRecords, StageStatus, batch_clock_us
from geophone_shared.bus.contract import Bus, Reader
from geophone_shared.bus.records import TopicPartition
from geophone_shared.bus.topics import TRANSACTIONS
from geophone_shared.errors import InvalidRecordError, TransientError

_PERIOD_SECONDS = 5.0
_POLL_SECONDS = 1.0


class CaptureWatch:
    """Looks at the ends of `dns.transactions`.

    Args:
        partitions: how many the topic has.

    Attributes:
        ends: by partition, the offset that its next record will get.
    """

    def __init__(self, partitions: int) -> None:
        self.ends: dict[int, int] = {}
        self._last = LastRecords()
        self._partitions = [TopicPartition(TRANSACTIONS, number) for number in range(partitions)]

    @property
    def status(self) -> StageStatus:
        """How far capture is."""
        drops = self._last.drops
        return StageStatus(
            drops=None if drops is None else drops.counts,
            since_us=None if drops is None else drops.since_us,
            position=sum(self.ends.values()) if self.ends else None,
            watermark_us=self._last.watermark_us,
            last_record_us=self._last.published_us,
        )

    async def run(self, bus: Bus) -> None:
        """Looks every few seconds, until it is cancelled."""
        while True:
            try:
                async with bus.reader(self._partitions) as reader:
                    while True:
                        await self._look(reader)
                        await asyncio.sleep(_PERIOD_SECONDS)
            except (InvalidRecordError, TransientError):
                await asyncio.sleep(_PERIOD_SECONDS)  # that the log is away, others report

    async def _look(self, reader: Reader) -> None:
        ends = await reader.end_offsets()
        firsts = await reader.first_offsets()
        awaited = set()
        for partition, end in ends.items():
            has_grown = end != self.ends.get(partition.partition) and end > firsts[partition]
            reader.seek(partition, end - 1 if has_grown else end)
            if has_grown:
                awaited.add(partition)
        while awaited:
            polled = await reader.poll(_POLL_SECONDS, len(awaited))
            for partition, records in polled.items():
                self._last.note(partition.partition, records[-1], batch_clock_us(records[-1]))
            awaited = awaited - polled.keys() if polled else set()
        self.ends = {each.partition: end for each, end in ends.items()}
