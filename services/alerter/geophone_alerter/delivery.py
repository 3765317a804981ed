"""One channel's deliveries: takes what is due, delivers it, records what became of it [shell]."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Protocol

from geophone_alerter.incidents import Incident
from geophone_alerter.parcels import Admission, HeldAlert, Outcome, Parcel, notifications_of
from geophone_alerter.retries import RetrySchedule
from geophone_shared.alerts import Alert
from geophone_shared.errors import TransientError
from geophone_shared.notifications import Notification

_log = logging.getLogger(__name__)

_LONGEST_WAIT_SECONDS = 60
"""The wall clock may be set, so what is due is looked at this often at least."""

Result = Literal["delivered", "refused", "failed"]
"""A notice was told, or refused for good; or an attempt failed for now."""


class Channel(Protocol):
    """Somewhere that alerts are told."""

    @property
    def name(self) -> str:
        """What notifications and metrics call it."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Everyone who is told; printable texts of at most 1,024 characters."""

    async def deliver(self, parcel: Parcel, now_us: int) -> Mapping[str, Outcome]:
        """Tells the parcel's targets; within bounded time, without an error of theirs.

        Returns:
            the outcome by target.
        """


class Waiting(Protocol):
    """What waits for a channel: `Outbox` or `EventQueue`, which say how they differ."""

    counts: Counter[Admission]

    def __len__(self) -> int:
        """How many domains or events wait."""

    @property
    def forgotten(self) -> int:
        """How much of what was told had to make room so far."""

    def add(self, incident: Incident, alert: Alert, position: int, now_us: int) -> Admission:
        """Takes an event; `full` says to come back later."""

    def take(self, now_us: int) -> Parcel | None:
        """What is to go out now."""

    def apply(self, notification: Notification) -> None:
        """Takes a record of the channel into account."""

    def settle(self, parcel: Parcel, now_us: int, fraction: float) -> None:
        """Forgets what was told, puts off the rest."""

    def next_us(self, now_us: int) -> int | None:
        """When something may be due."""

    def low_position(self) -> int | None:
        """The position of the earliest event that waits."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that targets of a channel refused for good: a dead letter.

    Attributes:
        held: the event and its position on the log.
        notification: says who refused it and why.
    """

    held: HeldAlert
    notification: Notification


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What deliveries need from outside.

    Attributes:
        record: appends notifications to the log; raises `TransientError` to be asked again.
        refuse: appends dead letters to the log, likewise.
        now_us: the wall clock, µs since the epoch.
        random: a number in 0 .. 1.
        retries: how often to try again; also for the log.
    """

    record: Callable[[Sequence[Notification]], Awaitable[None]]
    refuse: Callable[[Sequence[Refusal]], Awaitable[None]]
    now_us: Callable[[], int]
    random: Callable[[], float]
    retries: RetrySchedule


class Delivery:
    """Delivers what waits for one channel.

    Attributes:
        channel: where to.
        waiting: what.
        counts: notices that were told or refused, and attempts that failed.
    """

    def __init__(self, channel: Channel, waiting: Waiting, around: Surroundings) -> None:
        self.channel = channel
        self.waiting = waiting
        self.counts: Counter[Result] = Counter()
        self._around = around
        self._has_news = asyncio.Event()
        self._has_progressed = asyncio.Event()
        self._is_stopping = False

    async def add(self, incident: Incident, alert: Alert, position: int) -> None:
        """Lets an event wait for the channel; waits itself while there is no room."""
        while self.waiting.add(incident, alert, position, self._around.now_us()) == "full":
            self._has_progressed.clear()
            await self._has_progressed.wait()
        self._has_news.set()

    async def run(self) -> None:
        """Delivers until `stop`; an attempt that is under way is finished and recorded."""
        while not self._is_stopping:
            self._has_news.clear()
            if not await self.step():
                await self._wait()

    async def drained(self) -> None:
        """Waits until nothing waits: for a server that is down, as long as it is tried."""
        while self.waiting.low_position() is not None:
            self._has_progressed.clear()
            await self._has_progressed.wait()

    def stop(self) -> None:
        """Lets `run` end."""
        self._is_stopping = True
        self._has_news.set()

    async def step(self) -> bool:
        """One attempt at what is due; whether anything was.

        What was accepted is recorded before anything else happens: only a crash between the two, or
        a stop while the log doesn't answer, lets it be told again.
        """
        around = self._around
        parcel = self.waiting.take(around.now_us())
        if parcel is None:
            self._has_progressed.set()  # what turned out not to be due is gone
            return False
        outcomes = await self.channel.deliver(parcel, around.now_us())
        results = notifications_of(
            parcel, self.channel.name, outcomes, around.now_us(), around.retries
        )
        notifications = [notification for _, notification in results]
        refusals = [
            Refusal(held, notification)
            for notice, notification in results
            if notification.result == "refused"
            for held in notice.held
        ]
        is_recorded = True
        if refusals:
            is_recorded = await self._insist(lambda: around.refuse(refusals))
        if notifications and is_recorded:
            is_recorded = await self._insist(lambda: around.record(notifications))
        if not is_recorded:
            _log.error(
                "what was told could not be noted, and is told again by the next start",
                extra={"channel": self.channel.name, "notifications": len(notifications)},
            )
            return True
        for notification in notifications:
            self.waiting.apply(notification)
        self.waiting.settle(parcel, around.now_us(), around.random())
        self._has_progressed.set()
        self._count(outcomes, notifications)
        return True

    async def _insist(self, append: Callable[[], Awaitable[None]]) -> bool:
        """Appends to the log, again and again where that doesn't answer; False once it is stopped.

        What was to be appended is still on its way then: nothing is committed beyond it.
        """
        failures = 0
        while True:
            try:
                await append()
            except TransientError:
                failures += 1
                _log.warning("the log takes no notifications", extra={"failures": failures})
            else:
                return True
            if self._is_stopping:
                return False
            delay_us = self._around.retries.delay_us(failures, self._around.random())
            await asyncio.sleep(delay_us / 1_000_000)

    async def _wait(self) -> None:
        """Until there is something new, or something may be due."""
        now_us = self._around.now_us()
        next_us = self.waiting.next_us(now_us)
        seconds = _LONGEST_WAIT_SECONDS if next_us is None else (next_us - now_us) / 1_000_000
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, _LONGEST_WAIT_SECONDS)):
                await self._has_news.wait()

    def _count(
        self, outcomes: Mapping[str, Outcome], notifications: Sequence[Notification]
    ) -> None:
        self.counts.update(notification.result for notification in notifications)
        for outcome in set(outcomes.values()):
            if outcome.kind == "accepted":
                continue
            if outcome.kind == "temporary":
                self.counts["failed"] += 1
            _log.warning(
                "a notification was not accepted",
                extra={
                    "channel": self.channel.name,
                    "outcome": outcome.kind,
                    "reason": outcome.text,
                },
            )
