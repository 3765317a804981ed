"""Who was told of an alert, for whom looks at it [core]."""

from geophone_alerter.alert_store import MOST_ALERTS
from geophone_alerter.recent import Recent
from geophone_shared.notifications import Notification

_MOST_NOTIFICATIONS = 32
"""Of an alert; the oldest make room. Each event makes one per channel and outcome."""


class ToldStore:
    """The latest notifications of the latest alerts.

    Args:
        most: alerts that are remembered; the one that was told of longest ago makes room.
    """

    def __init__(self, most: int = MOST_ALERTS) -> None:
        self._told: Recent[str, tuple[Notification, ...]] = Recent(most)

    @property
    def forgotten(self) -> int:
        """How many alerts had to make room so far."""
        return self._told.evicted

    def apply(self, notification: Notification) -> None:
        """Takes the next record of the log."""
        for alert_id in dict.fromkeys(event.id for event in notification.events):
            earlier = self._told.get(alert_id) or ()
            self._told.put(alert_id, (*earlier, notification)[-_MOST_NOTIFICATIONS:])

    def of(self, alert_id: str) -> tuple[Notification, ...]:
        """The notifications of an alert, the first one first."""
        return self._told.get(alert_id) or ()
