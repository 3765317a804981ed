"""Incidents: the alerts of one registered domain from its first until all have recovered [core].

Here a repeated event is recognised and an event gets its incident. Who is told about it is decided
elsewhere (`throttle.py`, `ledger.py`).
"""

from dataclasses import dataclass, field

from geophone_alerter.recent import Recent
from geophone_shared.alerts import Alert
from geophone_shared.notifications import event_of, incident_id

MOST_DOMAINS = 65_536
"""Domains with an incident. The one that heard nothing for longest is forgotten: its next event
starts another incident."""

MOST_ALERTS = 262_144
"""Alerts whose last event is remembered. A repeat of a forgotten one passes for news."""

MOST_OPEN_ALERTS = 64
"""Alerts that an incident waits for. There is one per rule, so only a forged log has more."""


@dataclass(frozen=True, slots=True)
class Incident:
    """What people are told about as one thing.

    Attributes:
        id: `incident_id` of the other two.
        registered_domain: presentation form.
        opened_at_us: when its first alert was opened, µs of packet time.
    """

    id: str
    registered_domain: str
    opened_at_us: int


@dataclass(slots=True)
class _OpenIncident:
    incident: Incident
    alert_ids: set[str] = field(default_factory=set)


class Incidents:
    """The incidents that are open, and the last event of each alert."""

    def __init__(self, most_domains: int = MOST_DOMAINS, most_alerts: int = MOST_ALERTS) -> None:
        self._open: Recent[str, _OpenIncident] = Recent(most_domains)
        self._seen: Recent[str, tuple[int, int]] = Recent(most_alerts)

    @property
    def forgotten(self) -> int:
        """How many domains and alerts had to make room so far."""
        return self._open.evicted + self._seen.evicted

    def observe(self, alert: Alert) -> Incident | None:
        """The incident that an event belongs to; None for an event that was seen before.

        The events of an alert come in order, so one that isn't later than the last one is a
        repeat: of a detector that started again, or of the log.
        """
        order = event_of(alert).order
        seen = self._seen.get(alert.id)
        if seen is not None and order <= seen:
            return None
        self._seen.put(alert.id, order)

        domain = alert.registered_domain.lower()
        current = self._open.get(domain) or _OpenIncident(incident_from(alert))
        self._open.put(domain, current)
        if alert.state != "recovered":
            if len(current.alert_ids) < MOST_OPEN_ALERTS:
                current.alert_ids.add(alert.id)
            return current.incident
        current.alert_ids.discard(alert.id)
        if not current.alert_ids:
            self._open.remove(domain)
        return current.incident


def incident_from(alert: Alert) -> Incident:
    """The incident that an alert is the first one of."""
    return Incident(
        id=incident_id(alert.registered_domain, alert.opened_at_us),
        registered_domain=alert.registered_domain,
        opened_at_us=alert.opened_at_us,
    )
