"""Events that wait to be written to a log, all of them and in their order [core]."""

from collections import Counter, deque

from geophone_alerter.incidents import Incident
from geophone_alerter.ledger import Ledger
from geophone_alerter.parcels import Admission, HeldAlert, Notice, Parcel
from geophone_alerter.retries import RetrySchedule
from geophone_shared.alerts import Alert
from geophone_shared.notifications import Notification, event_of

_MOST_NOTICES = 256
"""In one parcel: enough that a record on the log per event costs little."""


class EventQueue:
    """Every event that isn't told yet, allowed and recovered ones too; used as `Outbox` is.

    When it is full, the next event has to wait: the log of alerts keeps it meanwhile.

    Attributes:
        counts: events by what became of them.
    """

    def __init__(
        self, targets: tuple[str, ...], retries: RetrySchedule, most_waiting: int = 10_000
    ) -> None:
        self._retries = retries
        self._most_waiting = most_waiting
        self._ledger = Ledger(targets)
        self._waiting: deque[Notice] = deque()
        self._not_before_us = 0
        self._failures = 0
        self.counts: Counter[Admission] = Counter()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def forgotten(self) -> int:
        """How many alerts that were told had to make room so far."""
        return self._ledger.forgotten

    def add(self, incident: Incident, alert: Alert, position: int, now_us: int) -> Admission:
        """Takes an event that hasn't been seen before, and `full` says to come back later."""
        if len(self._waiting) >= self._most_waiting:
            return "full"
        admission: Admission = "told"
        if self._ledger.targets_left(event_of(alert)):
            admission = "waits"
            self._waiting.append(Notice(incident, (HeldAlert(alert, position),), now_us))
        self.counts[admission] += 1
        return admission

    def take(self, now_us: int) -> Parcel | None:
        """What is to be written now; None for nothing."""
        if not self._waiting or self._retries.due_us(self._not_before_us, now_us) > now_us:
            return None
        notices = tuple(self._waiting[i] for i in range(min(len(self._waiting), _MOST_NOTICES)))
        return Parcel(notices, self._ledger.targets, message=None)

    def apply(self, notification: Notification) -> None:
        """Takes a record of this channel into account: a new one, or one read at the start."""
        self._ledger.apply(notification)

    def settle(self, parcel: Parcel, now_us: int, fraction: float) -> None:
        """After an attempt and its notifications: forgets what was told, puts off the rest."""
        for notice in parcel.notices:
            if self._ledger.targets_left(event_of(notice.alerts[0])):
                self._failures += 1
                self._not_before_us = now_us + self._retries.delay_us(self._failures, fraction)
                return
            self._waiting.popleft()
        self._failures = 0

    def next_us(self, now_us: int) -> int | None:
        """When something may be due; None while nothing waits."""
        if not self._waiting:
            return None
        return max(self._retries.due_us(self._not_before_us, now_us), now_us)

    def low_position(self) -> int | None:
        """The position of the earliest event that waits; None while none does."""
        return self._waiting[0].held[0].position if self._waiting else None
