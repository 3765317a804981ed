"""Which events a channel has told to whom [core]. It is a function of the notifications."""

from geophone_alerter.recent import Recent
from geophone_shared.notifications import AlertEvent, Notification

MOST_ALERTS = 65_536
"""Alerts that are remembered: more than the few days' worth that may have to be read again."""


class Ledger:
    """The last event of each alert that was told, and the targets that it was told to.

    A target that refused for good counts as told: asking it again is no use.

    Attributes:
        targets: everyone who is to be told.
    """

    def __init__(self, targets: tuple[str, ...], most_alerts: int = MOST_ALERTS) -> None:
        self.targets = targets
        self._told: Recent[str, tuple[tuple[int, int], frozenset[str]]] = Recent(most_alerts)

    @property
    def forgotten(self) -> int:
        """How many alerts had to make room so far."""
        return self._told.evicted

    def apply(self, notification: Notification) -> None:
        """Takes a record of what was told into account; the records of a channel, in any order."""
        for event in notification.events:
            targets = frozenset(notification.targets)
            told = self._told.get(event.id)
            if told is None or event.order > told[0]:
                self._told.put(event.id, (event.order, targets))
            elif event.order == told[0]:
                self._told.put(event.id, (event.order, targets | told[1]))

    def targets_left(self, event: AlertEvent) -> tuple[str, ...]:
        """Who hasn't been told about an event, or a later one of its alert; in their order."""
        told = self._told.get(event.id)
        if told is None or event.order > told[0]:
            return self.targets
        if event.order < told[0]:
            return ()
        return tuple(target for target in self.targets if target not in told[1])
