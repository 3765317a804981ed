"""What REST shows, kept up to date from the log [shell].

Every alerter has it, whether it acts or stands by.
"""

import asyncio
import logging
import time
from collections.abc import Sequence

from geophone_alerter import metrics as families
from geophone_alerter.acting import DROPS, Progress
from geophone_alerter.alert_store import AlertStore
from geophone_alerter.alerter_log import ALERTS_PARTITION, NOTIFICATIONS_PARTITION
from geophone_alerter.capture_watch import CaptureWatch
from geophone_alerter.feeds import Feed, follow
from geophone_alerter.status import LastRecords, StageStatus
from geophone_alerter.told_store import ToldStore
from geophone_alerter.top_store import TopStore
from geophone_shared.alerts import decode_alert
from geophone_shared.bus.contract import Bus
from geophone_shared.bus.records import StoredRecord, TopicPartition
from geophone_shared.bus.topics import TOP_DOMAINS
from geophone_shared.errors import InvalidRecordError, TransientError
from geophone_shared.health import Health
from geophone_shared.metrics import common
from geophone_shared.metrics.registry import Metrics
from geophone_shared.notifications import decode_notification
from geophone_shared.top_domains import decode_top_list

_log = logging.getLogger(__name__)

LOG_CONDITION = "alerter_log"
VIEWS_CONDITION = "alerter_views"

_RANKED_WINDOW_SECONDS = 14_400


class Views:
    """Alerts, who was told of them, the top domains, and how far the stages are.

    Args:
        partitions: of `dns.transactions` and `dns.top-domains`.
        metrics: of the process.
        health: of the process.

    Attributes:
        alerts: the newest alerts.
        told: who was told of them.
        top: the top domains.
    """

    def __init__(self, partitions: int, metrics: Metrics, health: Health) -> None:
        self.alerts = AlertStore()
        self.told = ToldStore()
        self.top = TopStore()
        self._metrics = metrics
        self._health = health
        self._does_answer = True
        self._since_us = time.time_ns() // 1_000
        self._last_top = LastRecords()
        self._capture = CaptureWatch(partitions)
        self._alerts_feed = Feed(
            name="alerts",
            partitions=[ALERTS_PARTITION],
            take=self._take_alerts,
            begin="first",
            on_answer=self._on_answer,
        )
        top_partitions = [TopicPartition(TOP_DOMAINS, number) for number in range(partitions)]
        self._feeds = [
            self._alerts_feed,
            Feed(
                name="notifications",
                partitions=[NOTIFICATIONS_PARTITION],
                take=self._take_notifications,
                begin="first",
                on_answer=self._note_views,
            ),
            Feed(
                name="top-domains",
                partitions=top_partitions,
                take=self._take_top,
                begin="last",
                on_answer=self._note_views,
            ),
        ]

    async def run(self, bus: Bus) -> None:
        """Follows the log until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for feed in self._feeds:
                tasks.create_task(follow(bus, feed, self._metrics))
            tasks.create_task(self._capture.run(bus))

    def stages(self, progress: Progress) -> dict[str, StageStatus]:
        """How far each stage is; `progress` is this alerter's."""
        return {
            "capture": self._capture.status,
            "detector": self._detector(),
            "alerter": StageStatus(
                position=progress.position,
                lag=None if progress.position is None else (progress.end or 0) - progress.position,
                watermark_us=self.alerts.latest_us,
                last_record_us=progress.last_record_us,
                drops={reason: progress.drops[reason] for reason in DROPS},
                since_us=self._since_us,
            ),
        }

    def _detector(self) -> StageStatus:
        """As its top lists say, which come every few seconds while there is something new."""
        positions, ends = self.top.positions, self._capture.ends
        is_known = bool(positions) and positions.keys() == ends.keys()
        lag = sum(max(ends[each] - positions[each], 0) for each in ends) if is_known else None
        drops = self.top.drops
        return StageStatus(
            drops=None if drops is None else drops.counts,
            since_us=None if drops is None else drops.since_us,
            position=sum(positions.values()) if is_known else None,
            lag=lag,
            watermark_us=self.top.as_of_us,
            last_record_us=self._last_top.published_us,
        )

    async def _take_alerts(
        self, _partition: TopicPartition, records: Sequence[StoredRecord]
    ) -> None:
        for stored in records:
            try:
                self.alerts.apply(decode_alert(stored.value), stored.offset)
            except InvalidRecordError:
                continue  # the alerter that acts makes it a dead letter

    async def _take_notifications(
        self, _partition: TopicPartition, records: Sequence[StoredRecord]
    ) -> None:
        for stored in records:
            try:
                self.told.apply(decode_notification(stored.value))
            except InvalidRecordError as error:
                self._report(error, NOTIFICATIONS_PARTITION)

    async def _take_top(self, partition: TopicPartition, records: Sequence[StoredRecord]) -> None:
        """Takes the last list, which stands for all before it."""
        stored = records[-1]
        try:
            # In a thread: one can be large.
            top_list = await asyncio.to_thread(decode_top_list, stored.value)
        except InvalidRecordError as error:
            self._report(error, partition)
            return
        self.top.apply(top_list)
        self._last_top.note(partition.partition, stored, None)
        ranked = self.top.ranked(_RANKED_WINDOW_SECONDS, len(families.RANKS), exclude_allowed=False)
        for index, rank in enumerate(families.RANKS):
            hostnames = ranked[index].unique_hostnames if index < len(ranked) else 0
            self._metrics.set(families.TOP_DOMAIN_UNIQUE_HOSTNAMES, hostnames, rank=rank)

    def _report(self, error: InvalidRecordError, partition: TopicPartition) -> None:
        reason = str(error)
        self._metrics.add(common.DEAD_LETTERS, reason=reason)
        _log.error("a record can't be used", extra={"reason": reason, "topic": partition.topic})

    def _on_answer(self, error: TransientError | None) -> None:
        now = time.monotonic()
        detail = "" if error is None else str(error)
        if self._does_answer != (error is None):
            self._does_answer = error is None
            if error is not None:
                _log.warning("the log doesn't answer", extra={"reason": detail})
            else:
                _log.info("the log answers")
        self._health.report(LOG_CONDITION, now, is_ok=error is None, detail=detail)
        self._note_views(error)

    def _note_views(self, _error: TransientError | None) -> None:
        if all(feed.is_current for feed in self._feeds):
            self._health.report(VIEWS_CONDITION, time.monotonic())
