"""The alert: what the detector says about a registered domain, and its record on `dns.alerts`.

Core. An alert is opened when a rule's threshold is crossed, updated while it grows, and
recovered; all three records have the same id (docs/records.md).
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Literal, get_args

from geophone_shared.json_fields import JsonFields, parse_object
from geophone_shared.record_reasons import invalid_record
from geophone_shared.summaries import DomainSummary, summary_from_json, summary_to_json
from geophone_shared.timestamps import rfc3339

ALERT_SCHEMA_MAJOR = 1
MOST_ALERT_BYTES = 256 * 1024
"""An alert has a few KiB; a reader refuses more than this."""

AlertState = Literal["opened", "updated", "recovered"]
Severity = Literal["low", "medium", "high"]

STATES: tuple[AlertState, ...] = get_args(AlertState)
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""The mildest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert in one state.

    Attributes:
        id: `alert_id` of the rule, the domain and `opened_at_us`.
        state: what happened last.
        rule: name of the rule that was crossed.
        severity: how bad it is now.
        registered_domain: presentation form.
        opened_at_us: when the crossing row completed, µs of packet time since the epoch.
        updated_at_us: when the last event happened.
        recovered_at_us: when the domain had been quiet for long enough; None until then.
        window_seconds: the rule's window.
        measure: what the rule counts: the field of `evidence` that it looks at.
        value: the measure at the last event.
        threshold: what the measure had to exceed or reach.
        allowed: whether an allow list has the domain, so that nobody is notified.
        evidence: what was known at the crossing; later events don't change it.
        value_bounds: the least and the most that the value can be, where it is an estimate.
    """

    id: str
    state: AlertState
    rule: str
    severity: Severity
    registered_domain: str
    opened_at_us: int
    updated_at_us: int
    recovered_at_us: int | None
    window_seconds: int
    measure: str
    value: int
    threshold: int
    allowed: bool
    evidence: DomainSummary
    value_bounds: tuple[int, int] | None = None


def alert_id(rule: str, registered_domain: str, opened_at_us: int) -> str:
    """The id of an alert: 32 hex digits, the same in every replay of the same rows.

    BLAKE2b-128 of the rule, the registered domain in presentation form and lower case, and
    `opened_at_us` in decimal, joined by NUL bytes, which none of the three can hold.

    Raises:
        ValueError: the rule or the domain holds a NUL.
    """
    parts = (rule, registered_domain.lower(), str(opened_at_us))
    if any("\0" in part for part in parts):
        raise ValueError("neither a rule nor a domain name can hold a NUL")
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def to_json(alert: Alert) -> dict[str, object]:
    """The JSON object of an alert, its fields in the order of the contract."""
    recovered_at_us = alert.recovered_at_us
    lower, upper = alert.value_bounds or (alert.value, alert.value)
    return {
        "schema": f"geophone.alert/{ALERT_SCHEMA_MAJOR}",
        "id": alert.id,
        "state": alert.state,
        "rule": alert.rule,
        "severity": alert.severity,
        "registered_domain": alert.registered_domain,
        "opened_at": rfc3339(alert.opened_at_us),
        "updated_at": rfc3339(alert.updated_at_us),
        "recovered_at": None if recovered_at_us is None else rfc3339(recovered_at_us),
        "window_seconds": alert.window_seconds,
        "measure": alert.measure,
        "value": alert.value,
        "value_lower": lower,
        "value_upper": upper,
        "value_exact": alert.value_bounds is None,
        "threshold": alert.threshold,
        "allowed": alert.allowed,
        "evidence": summary_to_json(alert.evidence),
    }


def from_json(value: object) -> Alert:
    """The alert in a parsed JSON object; fields that aren't known are ignored.

    Raises:
        InvalidRecordError: `json` (not an object), `schema`, `newer_schema`, `missing_field` or
            `ill_typed_field`.
    """
    return _from_fields(JsonFields(value))


def encode_alert(alert: Alert) -> bytes:
    """The value of a record on `dns.alerts`: JSON in ASCII."""
    return json.dumps(to_json(alert), separators=(",", ":")).encode("ascii")


def decode_alert(data: bytes) -> Alert:
    """The alert in a record's value.

    Raises:
        InvalidRecordError: `too_large`, or as `from_json`.
    """
    return _from_fields(parse_object(data, MOST_ALERT_BYTES))


def _from_fields(fields: JsonFields) -> Alert:
    fields.check_schema("geophone.alert", ALERT_SCHEMA_MAJOR)
    return Alert(
        id=fields.text("id"),
        state=fields.one_of("state", STATES),
        rule=fields.text("rule"),
        severity=fields.one_of("severity", SEVERITIES),
        registered_domain=fields.text("registered_domain"),
        opened_at_us=fields.time_us("opened_at"),
        updated_at_us=fields.time_us("updated_at"),
        recovered_at_us=fields.optional_time_us("recovered_at"),
        window_seconds=fields.integer("window_seconds"),
        measure=fields.text("measure"),
        value=fields.integer("value"),
        threshold=fields.integer("threshold"),
        allowed=fields.boolean("allowed"),
        evidence=summary_from_json(fields.nested("evidence")),
        value_bounds=_value_bounds(fields),
    )


def _value_bounds(fields: JsonFields) -> tuple[int, int] | None:
    bounds = fields.integer("value_lower"), fields.integer("value_upper")
    if not fields.boolean("value_exact"):
        return bounds
    if set(bounds) != {fields.integer("value")}:
        raise invalid_record("ill_typed_field")
    return None
