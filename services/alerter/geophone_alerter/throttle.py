"""How often people hear of one registered domain [core]. A function of the notifications.

One message per domain and window, unless the severity rises or the value doubles.
"""

from dataclasses import dataclass, field

from geophone_alerter.recent import Recent
from geophone_shared.alerts import SEVERITIES, Alert
from geophone_shared.notifications import Notification

MOST_DOMAINS = 65_536
"""Domains that are remembered; one that is forgotten may be told about again too early."""

_MOST_RULES = 64
"""Rules remembered per domain: a bound for what a forged log can hold."""


@dataclass(slots=True)
class _Told:
    """What people know of a domain.

    Attributes:
        at_us: by severity, as an index, when they last heard of it so, µs of wall-clock time.
        values: by rule, the value that they were told last.
    """

    at_us: dict[int, int] = field(default_factory=dict)
    values: Recent[str, int] = field(default_factory=lambda: Recent(_MOST_RULES))


class Throttle:
    """What was last told about each domain.

    Args:
        window_us: for how long a domain isn't told about again.
        most_domains: how many are remembered.
    """

    def __init__(self, window_us: int, most_domains: int = MOST_DOMAINS) -> None:
        self._window_us = window_us
        self._told: Recent[str, _Told] = Recent(most_domains)

    @property
    def forgotten(self) -> int:
        """How many domains had to make room so far."""
        return self._told.evicted

    def is_due(self, alert: Alert, now_us: int) -> bool:
        """Whether people are to hear of an event: not within the window, unless it got worse.

        The value is compared with the last one that was told for the same rule: two rules measure
        different things, and what crosses a second rule adds nothing that a look wouldn't show.
        """
        told = self._told.get(alert.registered_domain.lower()) or _Told()
        lately = [
            severity
            for severity, at_us in told.at_us.items()
            if self._is_within_window(at_us, now_us)
        ]
        if SEVERITIES.index(alert.severity) > max(lately, default=-1):
            return True
        value = told.values.get(alert.rule)
        return value is not None and alert.value >= 2 * max(value, 1)

    def apply(self, notification: Notification) -> None:
        """Takes a record into account; the records of a channel, in the order of the log."""
        if notification.result != "delivered":
            return
        domain = notification.registered_domain.lower()
        told = self._told.get(domain) or _Told()
        for event in notification.events:
            told.at_us[SEVERITIES.index(event.severity)] = notification.at_us
            told.values.put(event.rule, event.value)
        self._told.put(domain, told)

    def _is_within_window(self, told_at_us: int, now_us: int) -> bool:
        # The distance, because a clock that was corrected backwards must not mute a domain for
        # as long as it had been wrong.
        return abs(now_us - told_at_us) < self._window_us
