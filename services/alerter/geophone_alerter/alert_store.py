"""The alerts that REST shows: each in its last state, the newest first [core]."""

from dataclasses import dataclass
from typing import Literal

from geophone_shared.alerts import Alert
from geophone_shared.notifications import event_of

MOST_ALERTS = 10_000
"""Alerts that are kept, 2 to 5 kB each."""

StateFilter = Literal["open", "recovered", "all"]
"""Open is what isn't recovered."""


@dataclass(frozen=True, slots=True)
class AlertPage:
    """A part of the alerts.

    Attributes:
        alerts: the newest first.
        next: the cursor of the next part; None where this is the last.
    """

    alerts: tuple[Alert, ...]
    next: int | None


@dataclass(slots=True)
class _Kept:
    """`position` is that of the alert's first record: it orders the alerts, in every process."""

    position: int
    alert: Alert


class AlertStore:
    """The newest alerts of the log.

    Args:
        most: how many are kept; the one that came first makes room.

    Attributes:
        forgotten: how many had to make room so far.
        latest_us: when the latest event happened, µs of packet time; None without any.
    """

    def __init__(self, most: int = MOST_ALERTS) -> None:
        self._most = most
        self._kept: dict[str, _Kept] = {}
        self.forgotten = 0
        self.latest_us: int | None = None

    def __len__(self) -> int:
        return len(self._kept)

    def apply(self, alert: Alert, position: int) -> bool:
        """Takes the next record of the log; whether it is news.

        Args:
            alert: what it holds.
            position: its offset; offsets rise.
        """
        kept = self._kept.get(alert.id)
        if kept is not None and event_of(alert).order <= event_of(kept.alert).order:
            return False
        if kept is None:
            self._kept[alert.id] = _Kept(position, alert)
            if len(self._kept) > self._most:
                del self._kept[next(iter(self._kept))]
                self.forgotten += 1
        else:
            kept.alert = alert
        self.latest_us = max(self.latest_us or 0, alert.updated_at_us)
        return True

    def get(self, alert_id: str) -> Alert | None:
        """The alert with that id, where it is kept."""
        kept = self._kept.get(alert_id)
        return None if kept is None else kept.alert

    def page(self, state: StateFilter, limit: int, before: int | None = None) -> AlertPage:
        """Some alerts.

        New alerts don't move what a cursor stands for: they come before it.

        Args:
            state: which ones.
            limit: how many at most, 1 or more.
            before: a cursor: only older ones than it stands for.
        """
        found: list[_Kept] = []
        for kept in reversed(self._kept.values()):
            is_older = before is None or kept.position < before
            if is_older and _matches(kept.alert, state):
                if len(found) == limit:
                    return AlertPage(tuple(each.alert for each in found), found[-1].position)
                found.append(kept)
        return AlertPage(tuple(each.alert for each in found), None)


def _matches(alert: Alert, state: StateFilter) -> bool:
    return state == "all" or (alert.state == "recovered") == (state == "recovered")
