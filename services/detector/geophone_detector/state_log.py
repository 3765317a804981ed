"""Snapshots on `dns.detector-state`: written, found again, read [shell]."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from geophone_detector.manifests import (
    Manifest,
    chunk_record,
    decode_manifest,
    is_manifest,
    manifest_record,
)
from geophone_detector.partition import Partition
from geophone_detector.plan import DetectorPlan
from geophone_detector.snapshots import Snapshot, is_usable, restored
from geophone_shared.bus.contract import Bus, Reader
from geophone_shared.bus.records import StoredRecord, TopicPartition
from geophone_shared.bus.topics import DETECTOR_STATE
from geophone_shared.errors import InvalidRecordError, TransientError
from geophone_shared.record_reasons import invalid_record

_logger = logging.getLogger(__name__)

_TAILS = (16, 64, 256, 1_024, 4_096)
"""How many records are looked at from the end: as few as have a usable manifest among them. That
a zombie's, written late, is looked at beside the one it came after makes the better one win; where
it doesn't, its state is true as well, and only has more to catch up with."""

_MOST_RECORDS = 16
_POLL_SECONDS = 1.0
_PATIENCE_SECONDS = 10.0


class StateLog:
    """The snapshots of all partitions.

    Args:
        bus: the log.
        plan: what detectors are made from.
        on_progress: called after each answer of the log.

    Attributes:
        unusable: snapshots that were found and couldn't be restored.
    """

    def __init__(self, bus: Bus, plan: DetectorPlan, on_progress: Callable[[], None]) -> None:
        self.unusable = 0
        self._bus = bus
        self._plan = plan
        self._on_progress = on_progress

    async def write(self, number: int, partition: Partition) -> int:
        """Append a snapshot of a partition, which must not change meanwhile; its size in bytes.

        Raises:
            TransientError: it isn't whole on the log.
        """
        snapshot = Snapshot(self._plan, partition)
        chunks = snapshot.chunks()
        offsets = []
        state = TopicPartition(DETECTOR_STATE, number)
        while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
            offsets.append(await self._bus.append(state, chunk_record(chunk)))
            self._on_progress()
        await self._bus.append(state, manifest_record(snapshot.manifest(offsets)))
        return snapshot.size_bytes

    async def newest(self, number: int, end: int) -> Partition | None:
        """The partition of the usable snapshot that has the largest input offset.

        Args:
            number: the partition's number.
            end: where its input ends: a snapshot of more is of another topic.

        Returns:
            None where there is no such snapshot.

        Raises:
            TransientError: the log doesn't answer.
        """
        state = TopicPartition(DETECTOR_STATE, number)
        async with self._bus.reader([state]) as reader:
            first = (await reader.first_offsets())[state]
            seen_from = last = (await reader.end_offsets())[state]
            for tail in _TAILS:
                begin = max(first, last - tail)
                manifests = await self._manifests(reader, state, begin, seen_from)
                for manifest in sorted(manifests, key=lambda each: -each.position):
                    partition = await self._restored(reader, state, manifest, end)
                    if partition is not None:
                        return partition
                seen_from = begin
                if begin == first:
                    break
        return None

    async def _restored(
        self, reader: Reader, state: TopicPartition, manifest: Manifest, end: int
    ) -> Partition | None:
        reason = ""
        if manifest.position > end:
            reason = "of another topic"
        elif not is_usable(self._plan, manifest):
            reason = "of other rules, another allow list, key or version"
        else:
            try:
                chunks = await self._chunks(reader, state, manifest.chunks)
                return await asyncio.to_thread(restored, self._plan, manifest, chunks)
            except InvalidRecordError as error:
                reason = f"damaged: {error}"
        self.unusable += 1
        _logger.warning(
            "a snapshot is of no use",
            extra={"partition": state.partition, "position": manifest.position, "reason": reason},
        )
        return None

    async def _manifests(
        self, reader: Reader, state: TopicPartition, begin: int, end: int
    ) -> list[Manifest]:
        """The manifests among the records from `begin` to before `end`."""
        found = []
        at = begin
        reader.seek(state, begin)
        while at < end:
            records = await self._polled(reader, state, end)
            if not records:
                break
            for record in records:
                at = record.offset + 1
                if at <= end and is_manifest(record):
                    try:
                        found.append(decode_manifest(record))
                    except InvalidRecordError:
                        self.unusable += 1
        return found

    async def _chunks(
        self, reader: Reader, state: TopicPartition, offsets: Sequence[int]
    ) -> list[bytes]:
        """The records at these offsets.

        Raises:
            InvalidRecordError: `snapshot`: one isn't there any more.
        """
        chunks = []
        ahead: deque[StoredRecord] = deque()
        for offset in offsets:
            if not ahead or ahead[0].offset != offset:
                reader.seek(state, offset)
                ahead = deque(await self._polled(reader, state, offset + 1))
            if not ahead or ahead[0].offset != offset:
                raise invalid_record("snapshot")
            chunks.append(ahead.popleft().value)
        return chunks

    async def _polled(self, reader: Reader, state: TopicPartition, end: int) -> list[StoredRecord]:
        """The next records; none where the log has lost all that were before `end`."""
        clock = asyncio.get_running_loop()
        deadline = clock.time() + _PATIENCE_SECONDS
        while clock.time() < deadline:
            polled = await reader.poll(_POLL_SECONDS, _MOST_RECORDS)
            self._on_progress()
            if polled:
                return polled[state]
            if (await reader.positions())[state] >= end:
                return []
        raise TransientError(f"{state} delivers nothing")
