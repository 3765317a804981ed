"""What waits to be told to people, and when it goes out: alone, in a digest, or not at all [core].

Alerts wait by registered domain: what happens to a domain while its message waits joins it. Whether
a domain is due is asked last, right before its message goes out, because what went out in between
may have told of it already. What was told is known from the notifications alone (`apply`).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from geophone_alerter.incidents import Incident
from geophone_alerter.ledger import Ledger
from geophone_alerter.parcels import Admission, HeldAlert, Notice, Parcel, digest_key, event_key
from geophone_alerter.retries import RetrySchedule
from geophone_alerter.throttle import Throttle
from geophone_alerter.token_bucket import TokenBucket
from geophone_shared.alerts import SEVERITIES, Alert
from geophone_shared.errors import ConfigError
from geophone_shared.notifications import Notification, event_of

_MOST_ALERTS_PER_DOMAIN = 8
"""Twice as many rules as are shipped."""

_SHORTEST_INTERVAL_SECONDS = 0.001

_MOST_NOTICES = 1_000
"""In one digest, so that composing it doesn't hold up everything else; the rest waits for the next
token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleSettings:
    """How often people are told.

    Attributes:
        window_seconds: one message per domain in this time, unless it gets worse. Longer is
            quieter. The published watch mailed every 15 minutes for as long as its window of 4 h.
        burst: how many messages may go out at once; beyond, they are put together in a digest.
        interval_seconds: how long it takes until one more may go out.
        most_waiting: domains that wait while the receiver doesn't answer. Beyond, alerts are only
            counted, and the next digest says how many.
    """

    window_seconds: float = 14_400
    burst: int = 10
    interval_seconds: float = 300
    most_waiting: int = 10_000

    def __post_init__(self) -> None:
        """Checks the numbers.

        Raises:
            ConfigError: the message says which setting to change.
        """
        if self.window_seconds < 0:
            raise ConfigError("throttle: window_seconds can't be negative; 0 tells every event")
        if self.burst < 1 or self.most_waiting < 1:
            raise ConfigError("throttle: burst and most_waiting have to be 1 or more")
        if self.interval_seconds < _SHORTEST_INTERVAL_SECONDS:
            raise ConfigError("throttle: interval_seconds has to be 0.001 or more")


@dataclass(slots=True)
class _Waiting:
    """What waits to be told about a domain; `held` by alert, each in its last event."""

    incident: Incident
    since_us: int
    held: dict[str, HeldAlert] = field(default_factory=dict)
    not_before_us: int = 0
    failures: int = 0

    def notice(self) -> Notice:
        """The worst first: it names the message."""
        held = sorted(self.held.values(), key=_worst_first)
        return Notice(self.incident, tuple(held), self.since_us)


class Outbox:
    """Alerts that wait for one channel, and what that channel has told.

    `take` what is due, deliver it, `apply` the notifications that say what became of it, then
    `settle` what was taken; until then nothing else may be taken.

    What some targets accepted and others put off goes on waiting for those others, as it is and
    apart from what happens to the domain later. So there is an entry per domain and who lacks it.

    Attributes:
        counts: events by what became of them; what waited and was throttled counts twice.
        overflowed: events without room that no digest has counted yet.
    """

    def __init__(
        self, targets: tuple[str, ...], throttle: ThrottleSettings, retries: RetrySchedule
    ) -> None:
        self._retries = retries
        self._most_waiting = throttle.most_waiting
        self._ledger = Ledger(targets)
        self._throttle = Throttle(round(throttle.window_seconds * 1_000_000))
        self._bucket = TokenBucket(throttle.burst, round(throttle.interval_seconds * 1_000_000))
        self._last_message: str | None = None
        self._waiting: dict[tuple[str, tuple[str, ...]], _Waiting] = {}
        self.counts: Counter[Admission] = Counter()
        self.overflowed = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def forgotten(self) -> int:
        """How many alerts and domains that were told had to make room so far."""
        return self._ledger.forgotten + self._throttle.forgotten

    def add(self, incident: Incident, alert: Alert, position: int, now_us: int) -> Admission:
        """Takes an event that hasn't been seen before; the events of an alert in their order.

        Args:
            incident: that the alert belongs to.
            alert: the event.
            position: of the event on the log.
            now_us: wall-clock time.
        """
        left = self._ledger.targets_left(event_of(alert))
        key = alert.registered_domain.lower(), left
        waiting = self._waiting.get(key)
        admission = self._admission(alert, left, waiting, now_us)
        self.counts[admission] += 1
        if admission == "overflowed":
            self.overflowed += 1
        if admission != "waits":
            return admission
        if waiting is None:
            waiting = self._waiting[key] = _Waiting(incident, now_us)
        # The message still stands for the earlier event, so it keeps its position.
        earlier = waiting.held.get(alert.id)
        waiting.held[alert.id] = HeldAlert(alert, earlier.position if earlier else position)
        waiting.incident = incident
        return admission

    def take(self, now_us: int) -> Parcel | None:
        """What is to go out now; None for nothing."""
        by_targets: dict[tuple[str, ...], list[_Waiting]] = {}
        for key, waiting in list(self._waiting.items()):
            if self._retries.due_us(waiting.not_before_us, now_us) > now_us:
                continue
            if self._is_due(key[1], waiting, now_us):
                by_targets.setdefault(key[1], []).append(waiting)
            else:
                self.counts["throttled"] += len(waiting.held)
                del self._waiting[key]
        tokens = self._bucket.tokens(now_us)
        if not by_targets or not tokens:
            return None
        targets, ready = next(iter(by_targets.items()))
        if len(ready) > tokens or self.overflowed:
            notices = tuple(waiting.notice() for waiting in ready[:_MOST_NOTICES])
            return Parcel(notices, targets, digest_key(notices), self.overflowed)
        notice = ready[0].notice()
        return Parcel((notice,), targets, event_key(notice.alerts[0]))

    def apply(self, notification: Notification) -> None:
        """Takes a record of this channel into account: a new one, or one read at the start."""
        self._ledger.apply(notification)
        self._throttle.apply(notification)
        if notification.result == "delivered" and notification.message != self._last_message:
            self._last_message = notification.message
            self._bucket.take(notification.at_us)

    def settle(self, parcel: Parcel, now_us: int, fraction: float) -> None:
        """After an attempt and its notifications: forgets what was told, puts off the rest.

        Args:
            parcel: what was taken.
            now_us: wall-clock time.
            fraction: a random number in 0 .. 1, for the jitter.
        """
        is_told = False
        for notice in parcel.notices:
            left = self._targets_left(notice.alerts, parcel.targets)
            if left != parcel.targets:
                is_told = True
                self._forget(notice, parcel.targets, now_us)
            if left:
                self._put_off(notice, left, now_us, fraction)
        if is_told:
            self.overflowed -= parcel.more

    def next_us(self, now_us: int) -> int | None:
        """When something may be due; None while nothing waits."""
        if not self._waiting:
            return None
        earliest_us = min(
            self._retries.due_us(waiting.not_before_us, now_us)
            for waiting in self._waiting.values()
        )
        return max(earliest_us, self._bucket.next_token_us(now_us))

    def low_position(self) -> int | None:
        """The position of the earliest event that waits; None while none does."""
        positions = (
            held.position for waiting in self._waiting.values() for held in waiting.held.values()
        )
        return min(positions, default=None)

    def _admission(
        self, alert: Alert, left: tuple[str, ...], waiting: _Waiting | None, now_us: int
    ) -> Admission:
        if alert.allowed:
            return "allowed"
        if not left:
            return "told"
        is_known = waiting is not None and alert.id in waiting.held
        is_for_all = left == self._ledger.targets
        if alert.state == "recovered" and is_for_all and not is_known:
            return "recovered"
        if waiting is None:
            if is_for_all and not self._throttle.is_due(alert, now_us):
                return "throttled"
            return "waits" if len(self._waiting) < self._most_waiting else "overflowed"
        has_room = is_known or len(waiting.held) < _MOST_ALERTS_PER_DOMAIN
        return "waits" if has_room else "overflowed"

    def _is_due(self, targets: tuple[str, ...], waiting: _Waiting, now_us: int) -> bool:
        alerts = [held.alert for held in waiting.held.values()]
        if targets != self._ledger.targets:
            # Some know already, so the others are told, too; or they were told of a later event.
            return bool(self._targets_left(alerts, targets))
        return any(self._throttle.is_due(alert, now_us) for alert in alerts)

    def _targets_left(self, alerts: Iterable[Alert], targets: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the targets that lack any of the alerts."""
        left = {target for a in alerts for target in self._ledger.targets_left(event_of(a))}
        return tuple(target for target in targets if target in left)

    def _forget(self, notice: Notice, targets: tuple[str, ...], now_us: int) -> None:
        """Takes out what was told; what happened meanwhile stays, but for an end of what was."""
        key = notice.incident.registered_domain.lower(), targets
        waiting = self._waiting[key]
        for told in notice.held:
            latest = waiting.held[told.alert.id].alert
            if latest == told.alert or latest.state == "recovered":
                del waiting.held[told.alert.id]
        waiting.failures = 0
        waiting.since_us = now_us
        if not waiting.held:
            del self._waiting[key]

    def _put_off(self, notice: Notice, left: tuple[str, ...], now_us: int, fraction: float) -> None:
        key = notice.incident.registered_domain.lower(), left
        waiting = self._waiting.setdefault(key, _Waiting(notice.incident, notice.since_us))
        for held in notice.held:
            latest = waiting.held.setdefault(held.alert.id, held)
            if event_of(latest.alert).order < event_of(held.alert).order:
                waiting.held[held.alert.id] = held
        waiting.failures += 1
        waiting.not_before_us = now_us + self._retries.delay_us(waiting.failures, fraction)


def _worst_first(held: HeldAlert) -> tuple[bool, int, int]:
    alert = held.alert
    severity = SEVERITIES.index(alert.severity)
    return alert.state == "recovered", -severity, alert.opened_at_us
