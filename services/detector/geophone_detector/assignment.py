"""The partitions that a detector holds: their states restored, snapshotted and dropped [shell]."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from geophone_detector import metrics as families
from geophone_detector.kernels.layout import WINDOW_SECONDS
from geophone_detector.measures import DROPS, Measures
from geophone_detector.partition import Partition
from geophone_detector.plan import DetectorPlan
from geophone_detector.refusals import Refusals
from geophone_detector.state_log import StateLog
from geophone_shared.bus.contract import GroupReader
from geophone_shared.bus.records import TopicPartition
from geophone_shared.drops import Drops
from geophone_shared.errors import ConfigError, TransientError

_logger = logging.getLogger(__name__)

_RELEASE_SECONDS = 20.0
"""For the snapshots of a revocation: after half a minute a member is expelled from its group."""
_LONGEST_WINDOW_US = WINDOW_SECONDS[-1] * 1_000_000


@dataclass(slots=True)
class Held:
    """A partition that is held.

    Attributes:
        partition: its state.
        published_before: of records before this offset the alerts are on the log already.
        read_before: records before this offset were read by this or another detector, so what of
            them couldn't be used is a dead letter already.
        committed: the offset that this one has committed; no smaller one is.
        drops: what was lost of it since it is held.
        snapshot_position: the input offset of the latest snapshot.
        snapshot_seconds: when that was written, or the partition was assigned.
        snapshot_rows: transactions counted since.
        list_position: the input offset of the latest list of top domains; None before the first.
        list_seconds: when that was.
        refusals: how many of the last records were dead letters.
    """

    partition: Partition
    published_before: int
    read_before: int
    committed: int
    drops: Drops
    snapshot_position: int | None
    snapshot_seconds: float
    snapshot_rows: int = 0
    list_position: int | None = None
    list_seconds: float = 0.0
    refusals: Refusals = field(default_factory=Refusals)


class Assignment:
    """What a member of the group holds.

    Args:
        plan: what detectors are made from.
        state_log: the snapshots.
        measures: the metrics.
        now_us: the wall clock.
        total: how many partitions there are; None where it may hold a part of them.

    Attributes:
        held: the partitions.
    """

    def __init__(
        self,
        plan: DetectorPlan,
        state_log: StateLog,
        measures: Measures,
        now_us: Callable[[], int],
        total: int | None,
    ) -> None:
        self.held: dict[TopicPartition, Held] = {}
        self._plan = plan
        self._state_log = state_log
        self._measures = measures
        self._now_us = now_us
        self._total = total

    @property
    def partitions(self) -> dict[int, Partition]:
        """The states by number."""
        return {each.partition: held.partition for each, held in self.held.items()}

    async def begin(self, reader: GroupReader, assigned: Sequence[TopicPartition]) -> None:
        """Restore the partitions that were assigned, and have the reader go on where they do.

        Raises:
            ConfigError: others hold a part of the partitions, and can't have the same hash key.
            TransientError: the log doesn't answer; those that were restored are held.
        """
        if self._total is not None and len(assigned) < self._total:
            raise ConfigError(
                "another detector reads the same log, and the hash key of this one was made by"
                " itself: give all of them the same (GEOPHONE_DETECTOR_HASH_KEY_FILE)"
            )
        ends = await reader.end_offsets()
        committed = await reader.committed()
        starts = await reader.offsets_at(self._now_us() - _LONGEST_WINDOW_US)
        for each in assigned:
            if each not in self.held:
                self.held[each] = await self._begun(each, ends, committed, starts)
                self._measures.begin(each.partition, self.held[each].partition)
            reader.seek(each, self.held[each].partition.position)

    async def write_snapshot(self, each: TopicPartition) -> None:
        """Write the state of a partition to the log, if it has changed; a failure is counted."""
        held = self.held[each]
        position = held.partition.position
        if held.snapshot_position == position:
            return
        now_seconds = asyncio.get_running_loop().time()
        try:
            size_bytes = await self._state_log.write(each.partition, held.partition)
        except TransientError as error:
            held.snapshot_seconds = now_seconds
            held.snapshot_rows = 0
            self._count("failed")
            _logger.warning(
                "a snapshot could not be written",
                extra={"partition": each.partition, "error": str(error)},
            )
            return
        held.snapshot_position = position
        held.snapshot_seconds = now_seconds
        held.snapshot_rows = 0
        self._count("written")
        self._measures.metrics.set(families.SNAPSHOT_BYTES, size_bytes)

    async def release(self, revoked: Sequence[TopicPartition]) -> None:
        """Write and drop the states of partitions that are no longer held."""
        try:
            async with asyncio.timeout(_RELEASE_SECONDS):
                for each in revoked:
                    if each in self.held:
                        await self.write_snapshot(each)
        except TimeoutError:
            self._count("failed")
            _logger.warning("there was no time for all snapshots")
        for each in revoked:
            if self.held.pop(each, None) is not None:
                self._measures.end(each.partition)

    async def _begun(
        self,
        each: TopicPartition,
        ends: Mapping[TopicPartition, int],
        committed: Mapping[TopicPartition, int],
        starts: Mapping[TopicPartition, int],
    ) -> Held:
        unusable = self._state_log.unusable
        partition = await self._state_log.newest(each.partition, ends[each])
        self._count("unusable", self._state_log.unusable - unusable)
        now_seconds = asyncio.get_running_loop().time()
        read_before = min(committed.get(each, 0), ends[each])
        drops = Drops(self._now_us(), Counter(dict.fromkeys(DROPS, 0)))
        if partition is None:
            # From an empty state other alerts may come than were published, so all are.
            _logger.info("counting the longest window anew", extra={"partition": each.partition})
            begun = Partition(self._plan.create(), starts[each])
            return Held(begun, 0, read_before, read_before, drops, None, now_seconds)
        self._count("restored")
        position = partition.position
        return Held(partition, read_before, read_before, read_before, drops, position, now_seconds)

    def _count(self, result: str, amount: int = 1) -> None:
        self._measures.metrics.add(families.SNAPSHOTS, amount, result=result)
