"""What the acting alerter reads from the log at its start, and what it writes there [shell]."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from geophone_alerter.delivery import Refusal
from geophone_alerter.notifier import Notifier
from geophone_shared.alerts import decode_alert, encode_alert
from geophone_shared.bus.contract import Bus
from geophone_shared.bus.reading import read_range
from geophone_shared.bus.records import Record, StoredRecord, TopicPartition
from geophone_shared.bus.topics import ALERTS, DEAD_LETTERS, NOTIFICATIONS
from geophone_shared.dead_letters import dead_letter
from geophone_shared.errors import InvalidRecordError
from geophone_shared.notifications import (
    Notification,
    decode_notification,
    encode_notification,
    notification_key,
)

_log = logging.getLogger(__name__)

ALERTS_PARTITION = TopicPartition(ALERTS, 0)
NOTIFICATIONS_PARTITION = TopicPartition(NOTIFICATIONS, 0)
DEAD_LETTERS_PARTITION = TopicPartition(DEAD_LETTERS, 0)

NEWS_SECONDS = 4 * 3600
"""Where nothing is committed yet, older alerts are no news: nobody is told of them."""

_APPENDS_AT_ONCE = 32


class AlerterLog:
    """The topics of the acting alerter.

    Args:
        bus: the log.
        on_undecodable: told why a record can't be used.
    """

    def __init__(self, bus: Bus, on_undecodable: Callable[[str], None]) -> None:
        self._bus = bus
        self._on_undecodable = on_undecodable

    async def restore(self, notifier: Notifier, start: int) -> None:
        """Tells a notifier all that happened before the alert at offset `start`.

        Raises:
            TransientError: the log doesn't answer.
        """

        async def restore(stored: StoredRecord) -> None:
            try:
                notifier.restore(decode_notification(stored.value))
            except InvalidRecordError as error:
                self.report_undecodable(error)

        async def remember(stored: StoredRecord) -> None:
            # What can't be used became a dead letter when it was dealt with.
            with suppress(InvalidRecordError):
                notifier.remember(decode_alert(stored.value))

        await read_range(self._bus, NOTIFICATIONS_PARTITION, restore)
        await read_range(self._bus, ALERTS_PARTITION, remember, end=start)

    async def first_news(self, now_us: int) -> int:
        """The offset of the first alert that is news to whoever never acted before.

        Raises:
            TransientError: the log doesn't answer.
        """
        async with self._bus.reader([ALERTS_PARTITION]) as reader:
            offsets = await reader.offsets_at(max(now_us - NEWS_SECONDS * 1_000_000, 0))
            return offsets[ALERTS_PARTITION]

    async def record(self, notifications: Sequence[Notification]) -> None:
        """Appends notifications.

        Raises:
            TransientError: not all of them were; the rest can be appended again.
        """
        records = [
            Record(encode_notification(each), notification_key(each)) for each in notifications
        ]
        for begin in range(0, len(records), _APPENDS_AT_ONCE):
            part = records[begin : begin + _APPENDS_AT_ONCE]
            appends = (self._bus.append(NOTIFICATIONS_PARTITION, record) for record in part)
            for result in await asyncio.gather(*appends, return_exceptions=True):
                if isinstance(result, BaseException):
                    raise result

    async def refuse(self, refusals: Sequence[Refusal]) -> None:
        """Makes dead letters of alerts that a channel refused for good.

        Raises:
            TransientError: not all of them were.
        """
        for refusal in refusals:
            stored = await self._original(refusal)
            await self.bury(stored, str(refusal.notification.reason))

    async def bury(self, stored: StoredRecord, reason: str) -> None:
        """Makes a dead letter of an alert's record.

        Raises:
            TransientError: it wasn't acknowledged.
        """
        await self._bus.append(
            DEAD_LETTERS_PARTITION, dead_letter(ALERTS_PARTITION, stored, reason)
        )

    def report_undecodable(self, error: InvalidRecordError) -> None:
        """Counts a record that can't be used, and says so."""
        reason = str(error)
        self._on_undecodable(reason)
        _log.error("a record can't be used", extra={"reason": reason})

    async def _original(self, refusal: Refusal) -> StoredRecord:
        """The record of a refused alert; made again where the log has forgotten it."""
        position, alert = refusal.held.position, refusal.held.alert
        found: list[StoredRecord] = []

        async def keep(stored: StoredRecord) -> None:
            found.append(stored)

        await read_range(self._bus, ALERTS_PARTITION, keep, begin=position, end=position + 1)
        if found:
            return found[0]
        return StoredRecord(position, 0, encode_alert(alert), None, ())
