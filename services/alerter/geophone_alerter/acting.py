"""The alerter that acts: the member of the group that has `dns.alerts` tells people [shell].

There is one partition, so one member acts; the others stand by until it is theirs. What the acting
one knows is a function of the log: it is read when the partition comes, and dropped when it goes.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from geophone_alerter import metrics as families
from geophone_alerter.alerter_log import ALERTS_PARTITION, AlerterLog
from geophone_alerter.measuring import NotifierMeasures
from geophone_alerter.notifier import Notifier
from geophone_shared.alerts import Alert, decode_alert
from geophone_shared.bus.contract import Bus, GroupReader
from geophone_shared.bus.records import StoredRecord, TopicPartition
from geophone_shared.bus.topics import ALERTS
from geophone_shared.errors import InvalidRecordError, TransientError
from geophone_shared.health import Health
from geophone_shared.metrics import common
from geophone_shared.metrics.registry import Metrics
from geophone_shared.stand_still import StandStill

_log = logging.getLogger(__name__)

GROUP = "geophone-alerter"
LOOP_CONDITION = "alerter_loop"
STAGE = "alerter"

DROPS = ("undecodable", "overflowed", "refused")
"""Why an alert isn't told: it can't be read, there is no room for it, or nobody takes it."""

_POLL_SECONDS = 0.5
_MOST_RECORDS = 100
_AWAY_SECONDS = 1.0
"""Until a log that doesn't answer is asked again."""
_CHECK_SECONDS = 5.0
_STUCK_SECONDS = 120.0
"""How long the channels may have no room for an alert until another alerter gets a chance."""
_ASSIGNMENT_SECONDS = 30.0
"""After which another member surely has the partition."""

_After = Literal["goes_on", "leaves"]
"""Whether a member goes on, or leaves the group: to end, or to join anew."""


@dataclass(slots=True)
class Progress:
    """How far the acting alerter is.

    Attributes:
        is_acting: whether this is the one.
        position: the offset of the first alert that isn't dealt with; None while standing by.
        end: the offset that the next alert will get, when it was last asked for.
        last_record_us: when the last alert was published, µs of wall-clock time.
        drops: alerts that were not told, by reason, since the process began.
    """

    is_acting: bool = False
    position: int | None = None
    end: int | None = None
    last_record_us: int | None = None
    drops: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Acts:
    """What there is while the partition is held; `next` is the offset of the next alert."""

    notifier: Notifier
    measures: NotifierMeasures
    runs: asyncio.Task[None]
    next: int
    committed: int | None

    def dealt_with(self) -> int:
        """The offset up to which nothing waits."""
        low = self.notifier.low_position()
        return self.next if low is None else low


class Acting:
    """A member of the group.

    Args:
        bus: the log.
        log: the same, in the alerter's terms.
        create_notifier: a notifier that knows nothing yet.
        metrics: of the process.
        health: of the process.

    Attributes:
        progress: for whoever looks.
    """

    def __init__(
        self,
        bus: Bus,
        log: AlerterLog,
        create_notifier: Callable[[], Notifier],
        metrics: Metrics,
        health: Health,
    ) -> None:
        self.progress = Progress()
        self._bus = bus
        self._log = log
        self._create_notifier = create_notifier
        self._metrics = metrics
        self._health = health
        self._acts: _Acts | None = None
        self._reader: GroupReader | None = None
        self._tasks = asyncio.TaskGroup()

    async def run(self, stop: asyncio.Event, finish: asyncio.Event) -> None:
        """Acts when it is its turn.

        Args:
            stop: ends it; what waits is left to the next one.
            finish: ends it once every alert on the log is told.
        """
        while not stop.is_set():
            try:
                async with self._bus.group_reader(
                    GROUP,
                    [ALERTS],
                    on_assigned=self._on_assigned,
                    on_revoked=self._on_revoked,
                ) as reader:
                    self._reader = reader
                    if await self._take_part(reader, stop, finish):
                        return
            except TransientError as error:
                await self._wait_for_log(error)

    async def _take_part(
        self, reader: GroupReader, stop: asyncio.Event, finish: asyncio.Event
    ) -> bool:
        """One membership; whether it was the last one, else another one has to begin."""
        still = StandStill()
        joined = checked = time.monotonic()
        async with asyncio.TaskGroup() as self._tasks:
            while not stop.is_set():
                after = await self._turn(reader, stop)
                now = time.monotonic()
                if now - checked >= _CHECK_SECONDS:
                    checked = now
                    if await self._is_stuck(reader, still):
                        after = "leaves"
                if after == "leaves" and not stop.is_set():
                    _log.error("the alerter doesn't get on and joins its group anew")
                    self._metrics.add(common.READER_REBUILDS)
                    await self._step_down()
                    return False
                if finish.is_set() and await self._has_finished(reader, now - joined):
                    break
            await self._step_down()
        return True

    async def _turn(self, reader: GroupReader, stop: asyncio.Event) -> _After:
        """The next alerts."""
        self._health.report(LOOP_CONDITION, time.monotonic())
        self._metrics.set(common.HEARTBEAT_TIMESTAMP_SECONDS, time.time_ns() / 1e9, stage=STAGE)
        try:
            polled = await reader.poll(_POLL_SECONDS, _MOST_RECORDS)
            for stored in polled.get(ALERTS_PARTITION, ()):
                if await self._deal_with(stored, stop) == "leaves":
                    return "leaves"
            await self._commit()
        except InvalidRecordError as error:
            self._log.report_undecodable(error)
        except TransientError as error:
            await self._wait_for_log(error)
        self._measure()
        return "goes_on"

    async def _deal_with(self, stored: StoredRecord, stop: asyncio.Event) -> _After:
        if self._acts is None:
            return "leaves"
        try:
            alert = decode_alert(stored.value)
        except InvalidRecordError as error:
            is_dealt_with = await self._bury(stored, error, stop)
        else:
            self._metrics.add(families.ALERTS, state=alert.state)
            is_dealt_with = await self._is_accepted(self._acts.notifier, alert, stored.offset, stop)
        if not is_dealt_with:
            return "leaves"
        self.progress.last_record_us = stored.published_us
        self._acts.next = stored.offset + 1
        return "goes_on"

    async def _is_accepted(
        self, notifier: Notifier, alert: Alert, position: int, stop: asyncio.Event
    ) -> bool:
        """Gives an alert to the channels; False where they have no room for it for too long."""
        accepting = self._tasks.create_task(notifier.accept(alert, position))
        deadline = time.monotonic() + _STUCK_SECONDS
        try:
            while time.monotonic() < deadline and not stop.is_set():
                await asyncio.wait([accepting], timeout=_POLL_SECONDS)
                if accepting.done():
                    return True
                self._health.report(LOOP_CONDITION, time.monotonic())
            return False
        finally:
            accepting.cancel()

    async def _bury(
        self, stored: StoredRecord, error: InvalidRecordError, stop: asyncio.Event
    ) -> bool:
        """Makes a dead letter of what can't be used; False where it was stopped before."""
        self._log.report_undecodable(error)
        self.progress.drops["undecodable"] += 1
        while not stop.is_set():
            try:
                await self._log.bury(stored, str(error))
            except TransientError as away:
                await self._wait_for_log(away)
            else:
                return True
        return False

    async def _commit(self) -> None:
        """Remembers how far everything is dealt with."""
        acts = self._acts
        if acts is None or self._reader is None or acts.committed == acts.dealt_with():
            return
        offset = acts.dealt_with()
        await self._reader.commit({ALERTS_PARTITION: offset})
        acts.committed = offset

    async def _on_assigned(self, _partitions: Sequence[TopicPartition]) -> None:
        if self._reader is None:
            raise RuntimeError("no reader calls before it is there")
        committed = (await self._reader.committed()).get(ALERTS_PARTITION)
        start = committed
        if start is None:
            start = await self._log.first_news(time.time_ns() // 1_000)
        notifier = self._create_notifier()
        await self._log.restore(notifier, start)
        self._reader.seek(ALERTS_PARTITION, start)
        measures = NotifierMeasures(notifier, self._metrics)
        runs = self._tasks.create_task(notifier.run())
        self._acts = _Acts(notifier, measures, runs, start, committed)
        self.progress.is_acting = True
        self._metrics.set(families.ACTING, 1)
        _log.info("this alerter acts", extra={"offset": start})

    async def _on_revoked(self, _partitions: Sequence[TopicPartition]) -> None:
        await self._step_down()

    async def _step_down(self) -> None:
        """Finishes what is under way, and leaves the rest to whoever acts next."""
        acts = self._acts
        if acts is None:
            return
        acts.notifier.stop()
        await asyncio.wait([acts.runs])
        try:
            await self._commit()
        except TransientError:
            _log.warning("how far alerts were dealt with could not be noted; some are read again")
        self._measure()
        self._acts = None
        self.progress.is_acting = False
        self.progress.position = None
        self._metrics.set(families.ACTING, 0)
        self._metrics.set(families.LAG_RECORDS, 0)
        _log.info("this alerter acts no more")

    async def _is_stuck(self, reader: GroupReader, still: StandStill) -> bool:
        """Whether alerts don't come although they are there."""
        try:
            ends = await reader.end_offsets()
            positions = await reader.positions()
        except TransientError:
            return False  # whether the log answers is told by the readers of `feeds`
        self.progress.end = ends.get(ALERTS_PARTITION)
        return still.is_stuck(positions, ends, time.monotonic())

    async def _has_finished(self, reader: GroupReader, since_joined_seconds: float) -> bool:
        """Whether everything on the log is told, by this alerter or by the one that acts."""
        if self._acts is None:
            return since_joined_seconds > _ASSIGNMENT_SECONDS
        if self._acts.notifier.low_position() is not None:
            return False
        try:
            end = (await reader.end_offsets())[ALERTS_PARTITION]
            # Not of the last alert that came: those after it may be lost on the log.
            return (await reader.positions())[ALERTS_PARTITION] >= end
        except TransientError:
            return False

    async def _wait_for_log(self, error: TransientError) -> None:
        _log.warning("the log doesn't answer", extra={"reason": str(error)})
        self._health.report(LOOP_CONDITION, time.monotonic())
        await asyncio.sleep(_AWAY_SECONDS)

    def _measure(self) -> None:
        acts = self._acts
        if acts is None:
            return
        self.progress.drops += acts.measures.update()
        self.progress.position = acts.dealt_with()
        self.progress.end = max(self.progress.end or 0, acts.next)
        self._metrics.set(families.LAG_RECORDS, self.progress.end - self.progress.position)
