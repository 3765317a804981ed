"""Channels and surroundings for tests of what delivers: nothing leaves the process."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from geophone_alerter.delivery import Delivery, Refusal, Surroundings
from geophone_alerter.event_queue import EventQueue
from geophone_alerter.notifier import Notifier
from geophone_alerter.outbox import Outbox, ThrottleSettings
from geophone_alerter.parcels import ACCEPTED, Outcome, Parcel
from geophone_alerter.retries import RetrySchedule
from geophone_shared.errors import TransientError
from geophone_shared.notifications import (
    Notification,
    decode_notification,
    encode_notification,
)
from tests.support.alert_events import NOW_US

RETRIES = RetrySchedule(first_seconds=0.001, longest_seconds=0.002)
"""So short that no test waits for it."""


class CrashError(Exception):
    """The process ends here."""


@dataclass
class FakeChannel:
    """A channel that keeps what it is given.

    Attributes:
        script: the outcomes of the next attempts by target; `ACCEPTED` for what isn't named.
        delivered: what was accepted: the parcel and the targets that accepted it.
    """

    name: str = "email"
    targets: tuple[str, ...] = ("soc@example.com",)
    script: deque[Mapping[str, Outcome]] = field(default_factory=deque)
    delivered: list[tuple[Parcel, tuple[str, ...]]] = field(default_factory=list)

    async def deliver(self, parcel: Parcel, now_us: int) -> Mapping[str, Outcome]:
        scripted = self.script.popleft() if self.script else {}
        outcomes = {target: scripted.get(target, ACCEPTED) for target in parcel.targets}
        accepted = tuple(target for target in parcel.targets if outcomes[target] == ACCEPTED)
        if accepted:
            self.delivered.append((parcel, accepted))
        return outcomes

    def told(self) -> list[tuple[str, str, str, str]]:
        """Domain, rule and state of each event, and whom it was told, in order."""
        return [
            (alert.registered_domain, alert.rule, alert.state, target)
            for parcel, targets in self.delivered
            for notice in parcel.notices
            for alert in notice.alerts
            for target in targets
        ]


@dataclass
class FakeLog:
    """The topics that an alerter writes, a clock that stands, and no chance.

    Attributes:
        records: of `dns.notifications`, as bytes.
        refusals: the dead letters.
        failures: how many of the next appends fail for now.
        crashes: whether the next append ends the process.
    """

    now_us: int = NOW_US
    records: list[bytes] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    failures: int = 0
    crashes: bool = False

    async def record(self, notifications: Sequence[Notification]) -> None:
        self._fail()
        self.records += [encode_notification(notification) for notification in notifications]

    async def refuse(self, refusals: Sequence[Refusal]) -> None:
        self._fail()
        self.refusals += refusals

    def around(self) -> Surroundings:
        return Surroundings(
            record=self.record,
            refuse=self.refuse,
            now_us=lambda: self.now_us,
            random=lambda: 1.0,
            retries=RETRIES,
        )

    def _fail(self) -> None:
        if self.crashes:
            raise CrashError
        if self.failures:
            self.failures -= 1
            raise TransientError("the log is away")


def create_notifier(
    log: FakeLog,
    mail: FakeChannel,
    lines: FakeChannel,
    throttle: ThrottleSettings | None = None,
) -> Notifier:
    """A notifier with both kinds of channels, knowing what the log holds."""
    outbox = Outbox(mail.targets, throttle or ThrottleSettings(), RETRIES)
    queue = EventQueue(lines.targets, RETRIES)
    around = log.around()
    notifier = Notifier([Delivery(mail, outbox, around), Delivery(lines, queue, around)])
    for record in log.records:
        notifier.restore(decode_notification(record))
    return notifier
