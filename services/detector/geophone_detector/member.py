"""One member of the detectors' group, from joining it to leaving it [shell]."""

import asyncio
import logging
import math
from collections.abc import Mapping, Sequence

from geophone_detector import metrics as families
from geophone_detector.assignment import Assignment, Held
from geophone_detector.measures import Measures
from geophone_detector.patience import Patience, until_answered
from geophone_detector.top_list import encoded_top_list
from geophone_detector.vitals import Vitals, now_us
from geophone_shared.alerts import Alert, encode_alert
from geophone_shared.bus.contract import Bus, GroupReader
from geophone_shared.bus.records import Record, StoredRecord, TopicPartition
from geophone_shared.bus.topics import ALERTS, DEAD_LETTERS, TOP_DOMAINS, TRANSACTIONS
from geophone_shared.dead_letters import dead_letter
from geophone_shared.errors import ConfigError, InvalidRecordError, TransientError
from geophone_shared.metrics import common
from geophone_shared.settings.sections import DetectorSettings
from geophone_shared.stand_still import StandStill

GROUP = "geophone-detector"

REFRESH_SECONDS = 2.0
"""How often the list of a partition that changes is written, and everything is looked after."""
REPEAT_SECONDS = 600.0
"""How often it is of one that doesn't: the topic keeps an hour."""

_logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.5
_MOST_RECORDS = 64
"""At once: counting them takes about 0.1 s, in a thread."""
_ALERTS = TopicPartition(ALERTS, 0)
_DEAD_LETTERS = TopicPartition(DEAD_LETTERS, 0)


class Member:
    """Counts what falls to it.

    Args:
        bus: the log.
        settings: the detector's.
        assignment: what it holds; nothing yet.
        measures: the metrics.
        vitals: the health.
        stop: ends it.
    """

    def __init__(
        self,
        bus: Bus,
        settings: DetectorSettings,
        assignment: Assignment,
        measures: Measures,
        vitals: Vitals,
        stop: asyncio.Event,
    ) -> None:
        self._bus = bus
        self._settings = settings
        self._assignment = assignment
        self._measures = measures
        self._vitals = vitals
        self._stop = stop
        self._patience = Patience(stop)
        self._stand_still = StandStill()

    async def run(self, finish: asyncio.Event) -> bool:
        """Work until the stop, or until the reader is stuck and another one is needed.

        Args:
            finish: once it is set, work until all that is held is counted.

        Returns:
            whether nothing is left to do.

        Raises:
            ConfigError: the log refuses something, or too many records can't be read.
            TransientError: the log doesn't let it join, or took no alert until the stop.
        """
        loop = asyncio.get_running_loop()

        async def begin(assigned: Sequence[TopicPartition]) -> None:
            await self._assignment.begin(reader, assigned)

        async with self._bus.group_reader(
            GROUP,
            [TRANSACTIONS],
            member=self._settings.member,
            on_assigned=begin,
            on_revoked=self._assignment.release,
        ) as reader:
            refresh_seconds = loop.time()
            fault, is_finished = None, False
            while fault is None and not self._stop.is_set():
                if finish.is_set() and await self._has_counted_all(reader):
                    is_finished = True
                    break
                await self._go_on(reader)
                fault = self._fault()
                await self._write_next_list()
                if loop.time() >= refresh_seconds:
                    refresh_seconds = loop.time() + REFRESH_SECONDS
                    if await self._is_stuck(reader):
                        break
                    await self._refresh()
            await self._commit(reader)
            await self._assignment.release(tuple(self._assignment.held))
            if fault is not None:
                raise fault
        return is_finished or self._stop.is_set()

    async def _go_on(self, reader: GroupReader) -> None:
        """Take the next records, if there are any soon."""
        try:
            wait_seconds = _POLL_SECONDS if self._next_list() is None else 0.0
            polled = await reader.poll(wait_seconds, _MOST_RECORDS)
        except TransientError as error:
            self._vitals.failed(error)
            await self._patience.wait()
            return
        except InvalidRecordError:
            # Its producer's next one shows that it is missing.
            _logger.error("a record is damaged on the log, and is skipped")  # noqa: TRY400 - known
            return
        if polled:
            self._vitals.answered()
        else:  # as also comes from a log that is away
            self._vitals.beat()
        self._patience.reset()
        for each, records in polled.items():
            await self._count(each, records)
        await self._commit(reader)

    def _fault(self) -> ConfigError | None:
        """What a person has to look at before it goes on."""
        for each, held in self._assignment.held.items():
            if held.refusals.are_too_many:
                return ConfigError(
                    f"{len(held.refusals)} of the last records of {each} can't be read, so a"
                    f" capture is newer than this detector or not Geophone's: look at"
                    f" {DEAD_LETTERS}, where they are"
                )
        return None

    async def _count(self, each: TopicPartition, records: Sequence[StoredRecord]) -> None:
        """Count records, and append what they have to say."""
        held = self._assignment.held[each]
        taken = await asyncio.to_thread(held.partition.take_all, records)
        held.drops.counts.update(self._measures.taken(each.partition, held.partition, taken))
        held.snapshot_rows += sum(one.rows for one in taken)
        for record, one in zip(records, taken, strict=True):
            if record.offset >= held.published_before:
                for alert in one.alerts:
                    await self._append(_ALERTS, _alert_record(alert))
                    self._measures.published(alert, now_us())
            if record.offset >= held.read_before:
                held.refusals.observe(is_refused=one.refused is not None)
                if one.refused is not None:
                    await self._append(_DEAD_LETTERS, dead_letter(each, record, one.refused))
                    self._measures.metrics.add(common.DEAD_LETTERS, reason=one.refused)

    async def _has_counted_all(self, reader: GroupReader) -> bool:
        """Whether what is held is counted, published and committed up to its end."""
        held = self._assignment.held
        if any(one.committed < one.partition.position for one in held.values()):
            return False
        try:
            positions, ends = await reader.positions(), await reader.end_offsets()
        except TransientError as error:
            self._vitals.failed(error)
            return False
        return bool(held) and all(positions[each] >= ends[each] for each in held)

    async def _append(self, partition: TopicPartition, record: Record) -> None:
        await until_answered(
            lambda: self._bus.append(partition, record), self._stop, self._vitals.failed
        )

    async def _commit(self, reader: GroupReader) -> None:
        """Remember how far alerts are on the log; what fails is made up for by the next one."""
        held = self._assignment.held
        offsets = {
            each: one.partition.position
            for each, one in held.items()
            if one.partition.position > one.committed
        }
        if not offsets:
            return
        try:
            await reader.commit(offsets)
        except TransientError as error:
            self._vitals.failed(error)
            return
        for each, offset in offsets.items():
            held[each].committed = offset
        self._measures.metrics.set(families.LAST_COMMIT_TIMESTAMP_SECONDS, now_us() / 1_000_000)

    async def _is_stuck(self, reader: GroupReader) -> bool:
        """Whether the reader has stood still although the log goes on and answers."""
        now_seconds = asyncio.get_running_loop().time()
        try:
            ends = await reader.end_offsets()
        except TransientError as error:
            self._vitals.failed(error)
            self._stand_still.is_stuck({}, {}, now_seconds)
            return False
        self._vitals.answered()
        positions = await self._positions(reader, ends)
        self._measures.lag(
            {each.partition: max(ends[each] - position, 0) for each, position in positions.items()}
        )
        if not self._stand_still.is_stuck(positions, ends, now_seconds):
            return False
        self._measures.metrics.add(common.READER_REBUILDS)
        _logger.error("a reader stands still although the log answers, and is replaced")
        return True

    async def _positions(
        self, reader: GroupReader, ends: Mapping[TopicPartition, int]
    ) -> Mapping[TopicPartition, int]:
        """Where each partition goes on."""
        counted = {each: one.partition.position for each, one in self._assignment.held.items()}
        if all(position >= ends[each] for each, position in counted.items()):
            return counted
        try:
            # Where the log has forgotten or lost the next records, it is beyond what was counted.
            return await reader.positions()
        except TransientError as error:
            self._vitals.failed(error)
            return counted

    async def _refresh(self) -> None:
        """Write the snapshot that is due."""
        self._measures.hold(self._assignment.partitions)
        now_seconds = asyncio.get_running_loop().time()
        due = [
            (held.snapshot_seconds, each)
            for each, held in self._assignment.held.items()
            if held.snapshot_rows >= self._settings.snapshot_rows
            or now_seconds - held.snapshot_seconds >= self._settings.snapshot_interval_seconds
        ]
        # As lists, one at a time: all at once would keep records waiting.
        for _, each in sorted(due)[:1]:
            await self._assignment.write_snapshot(each)

    async def _write_next_list(self) -> None:
        """Write one list of top domains, if one is due."""
        each = self._next_list()
        if each is None:
            return
        held = self._assignment.held[each]
        partition = held.partition
        value = await asyncio.to_thread(encoded_top_list, partition, each.partition, held.drops)
        held.list_seconds = asyncio.get_running_loop().time()
        held.list_position = partition.position
        try:
            await self._bus.append(TopicPartition(TOP_DOMAINS, each.partition), Record(value))
        except TransientError as error:
            self._vitals.failed(error)
            held.list_position = None

    def _next_list(self) -> TopicPartition | None:
        """The partition whose list has been due the longest."""
        now_seconds = asyncio.get_running_loop().time()
        due = [
            (held.list_seconds + _list_seconds(held), each)
            for each, held in self._assignment.held.items()
            if held.partition.clock_us is not None
        ]
        due_seconds, each = min(due, default=(math.inf, None))
        return each if due_seconds <= now_seconds else None


def _list_seconds(held: Held) -> float:
    """How long the latest list of a partition will do."""
    is_new = held.list_position != held.partition.position
    return REFRESH_SECONDS if is_new else REPEAT_SECONDS


def _alert_record(alert: Alert) -> Record:
    return Record(encode_alert(alert), key=alert.registered_domain.encode("ascii"))
