"""Alerts, incidents and notifications made by hand, for tests of what is told about them."""

from dataclasses import replace

from geophone_alerter.incidents import Incident, incident_from
from geophone_alerter.parcels import HeldAlert, Notice, Parcel, event_key
from geophone_shared.alerts import Alert, AlertState, Severity, alert_id
from geophone_shared.notifications import Notification, NotificationResult, event_of
from tests.support.golden import ALERT

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US

OPENED_US = 1_700_000_000_000_000
"""Packet time at which alerts open, unless a test says otherwise."""

NOW_US = 1_750_000_000_000_000
"""Wall-clock time at which they are dealt with: a capture from long ago is replayed."""


def create_alert(
    domain: str = "tunnel.example",
    *,
    rule: str = "unique-hostnames",
    state: AlertState = "opened",
    severity: Severity = "high",
    value: int = 201,
    opened_us: int = OPENED_US,
    after_us: int = 0,
    allowed: bool = False,
) -> Alert:
    """An event of an alert, `after_us` after its opening; the evidence is the golden alert's."""
    at_us = opened_us + after_us
    return replace(
        ALERT,
        id=alert_id(rule, domain, opened_us),
        state=state,
        rule=rule,
        severity=severity,
        registered_domain=domain,
        opened_at_us=opened_us,
        updated_at_us=at_us,
        recovered_at_us=at_us if state == "recovered" else None,
        value=value,
        allowed=allowed,
        evidence=replace(ALERT.evidence, registered_domain=domain, allowed=allowed),
    )


def create_notice(*alerts: Alert, since_us: int = NOW_US) -> Notice:
    """What is told about alerts of one domain, in this order; positions from 0."""
    held = tuple(HeldAlert(alert, position) for position, alert in enumerate(alerts))
    return Notice(incident_of(alerts[0]), held, since_us)


def create_parcel(
    *notices: Notice, targets: tuple[str, ...] = ("soc@example.com",), more: int = 0
) -> Parcel:
    """A message about notices, named by the first one's first alert."""
    return Parcel(notices, targets, event_key(notices[0].alerts[0]), more)


def create_notification(
    *alerts: Alert,
    at_us: int = NOW_US,
    channel: str = "email",
    targets: tuple[str, ...] = ("soc@example.com",),
    result: NotificationResult = "delivered",
    message: str | None = None,
) -> Notification:
    """The record that alerts of one domain were told."""
    return Notification(
        incident_id=incident_of(alerts[0]).id,
        registered_domain=alerts[0].registered_domain,
        channel=channel,
        result=result,
        targets=targets,
        reason=None if result == "delivered" else "recipient 550",
        message=event_key(alerts[0]) if message is None else message,
        at_us=at_us,
        events=tuple(event_of(alert) for alert in alerts),
    )


def incident_of(alert: Alert) -> Incident:
    """The incident that an alert opens."""
    return incident_from(alert)
