"""The notification: which alert events were told to whom, and its record on `dns.notifications`.

Core. A channel's memory is what its notifications say, so these records are all that an alerter
needs to start again without repeating anything (docs/records.md).
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Literal, get_args

from geophone_shared.alerts import SEVERITIES, STATES, Alert, AlertState, Severity
from geophone_shared.json_fields import JsonFields, parse_object
from geophone_shared.timestamps import rfc3339

NOTIFICATION_SCHEMA_MAJOR = 1
MOST_NOTIFICATION_BYTES = 256 * 1024
"""A notification has some hundred bytes; a reader refuses more than this."""

NotificationResult = Literal["delivered", "refused"]

RESULTS: tuple[NotificationResult, ...] = get_args(NotificationResult)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEvent:
    """What identifies an event of an alert, and what later events are compared with.

    Attributes:
        id: of the alert.
        rule: of the alert.
        state: what happened.
        severity: how bad it was then.
        updated_at_us: when it happened, µs of packet time since the epoch.
        value: the rule's measure then.
    """

    id: str
    rule: str
    state: AlertState
    severity: Severity
    updated_at_us: int
    value: int

    @property
    def order(self) -> tuple[int, int]:
        """Grows with each event of an alert; a repeat has the same again."""
        return self.updated_at_us, STATES.index(self.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What became of telling an incident's events through one channel.

    Attributes:
        incident_id: `incident_id` of the domain and the opening.
        registered_domain: presentation form.
        channel: name of the channel: `email`, `log` ...
        result: whether the targets accepted it, or refused it for good.
        targets: where it went: addresses, a path; all with the same result.
        reason: why it was refused, a word of a closed set and a reply code at most; else None.
        message: what names the message for its receivers; records of one digest share it.
        at_us: when, µs of wall-clock time since the epoch.
        events: the events that it told, the most important one first.
    """

    incident_id: str
    registered_domain: str
    channel: str
    result: NotificationResult
    targets: tuple[str, ...]
    reason: str | None
    message: str | None
    at_us: int
    events: tuple[AlertEvent, ...]


def event_of(alert: Alert) -> AlertEvent:
    """The event that a record on `dns.alerts` stands for."""
    return AlertEvent(
        id=alert.id,
        rule=alert.rule,
        state=alert.state,
        severity=alert.severity,
        updated_at_us=alert.updated_at_us,
        value=alert.value,
    )


def incident_id(registered_domain: str, opened_at_us: int) -> str:
    """The id of an incident: 32 hex digits.

    BLAKE2b-128 of the registered domain in presentation form and lower case, and the opening time
    of the incident's first alert in decimal µs, joined by a NUL byte. An alert's id hashes three
    such parts, so no incident shares it.
    """
    parts = f"{registered_domain.lower()}\0{opened_at_us}"
    return hashlib.blake2b(parts.encode(), digest_size=16).hexdigest()


def notification_key(notification: Notification) -> bytes:
    """The key of the record: its incident."""
    return notification.incident_id.encode()


def encode_notification(notification: Notification) -> bytes:
    """The value of a record on `dns.notifications`: JSON in ASCII."""
    value = {
        "schema": f"geophone.notification/{NOTIFICATION_SCHEMA_MAJOR}",
        "incident": notification.incident_id,
        "registered_domain": notification.registered_domain,
        "channel": notification.channel,
        "result": notification.result,
        "targets": list(notification.targets),
        "reason": notification.reason,
        "message": notification.message,
        "at": rfc3339(notification.at_us),
        "events": [
            {
                "id": event.id,
                "rule": event.rule,
                "state": event.state,
                "severity": event.severity,
                "updated_at": rfc3339(event.updated_at_us),
                "value": event.value,
            }
            for event in notification.events
        ],
    }
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def decode_notification(data: bytes) -> Notification:
    """The notification in a record's value; fields that aren't known are ignored.

    Raises:
        InvalidRecordError: `too_large`, `json`, `schema`, `newer_schema`, `missing_field` or
            `ill_typed_field`.
    """
    fields = parse_object(data, MOST_NOTIFICATION_BYTES)
    fields.check_schema("geophone.notification", NOTIFICATION_SCHEMA_MAJOR)
    return Notification(
        incident_id=fields.text("incident"),
        registered_domain=fields.text("registered_domain"),
        channel=fields.text("channel"),
        result=fields.one_of("result", RESULTS),
        targets=fields.texts("targets"),
        reason=fields.optional_text("reason"),
        message=fields.optional_text("message"),
        at_us=fields.time_us("at"),
        events=tuple(_event(event) for event in fields.nested_list("events")),
    )


def _event(fields: JsonFields) -> AlertEvent:
    return AlertEvent(
        id=fields.text("id"),
        rule=fields.text("rule"),
        state=fields.one_of("state", STATES),
        severity=fields.one_of("severity", SEVERITIES),
        updated_at_us=fields.time_us("updated_at"),
        value=fields.integer("value"),
    )
