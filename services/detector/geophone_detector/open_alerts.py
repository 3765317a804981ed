"""Open alerts in a snapshot: one JSON object each, and back [core]."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from geophone_detector.lifecycle import OpenAlert
from geophone_detector.rules import Rule
from geophone_shared.alerts import SEVERITIES
from geophone_shared.json_fields import JsonFields
from geophone_shared.record_reasons import invalid_record
from geophone_shared.summaries import summary_from_json, summary_to_json
from geophone_shared.timestamps import rfc3339

OpenAlerts = Mapping[int, Mapping[int, OpenAlert]]
"""Domain → index of the rule → alert, in the order in which they opened."""


def open_alerts_to_json(alerts: OpenAlerts) -> Iterator[dict[str, object]]:
    """An object per alert, in their order."""
    for domain, by_rule in alerts.items():
        for rule, alert in by_rule.items():
            quiet_since_us = alert.quiet_since_us
            yield {
                "domain": domain,
                "rule": rule,
                "opened_at": rfc3339(alert.opened_at_us),
                "severity": alert.severity,
                "reported_value": alert.reported_value,
                "reported_severity": alert.reported_severity,
                "reported_at": rfc3339(alert.reported_at_us),
                "is_raised": alert.is_raised,
                "quiet_since": None if quiet_since_us is None else rfc3339(quiet_since_us),
                "evidence": summary_to_json(alert.evidence),
            }


def open_alerts_from_json(
    objects: Iterable[JsonFields], rules: Sequence[Rule]
) -> dict[int, dict[int, OpenAlert]]:
    """The alerts; whether their domains exist is the caller's to check.

    Raises:
        InvalidRecordError: an object isn't one of `open_alerts_to_json`, or an alert comes twice.
    """
    alerts: dict[int, dict[int, OpenAlert]] = {}
    for fields in objects:
        by_rule = alerts.setdefault(fields.integer("domain"), {})
        rule = fields.integer("rule")
        if rule >= len(rules) or rule in by_rule:
            raise invalid_record("snapshot")
        by_rule[rule] = OpenAlert(
            rule=rules[rule],
            opened_at_us=fields.time_us("opened_at"),
            severity=fields.one_of("severity", SEVERITIES),
            evidence=summary_from_json(fields.nested("evidence")),
            reported_value=fields.integer("reported_value"),
            reported_severity=fields.one_of("reported_severity", SEVERITIES),
            reported_at_us=fields.time_us("reported_at"),
            is_raised=fields.boolean("is_raised"),
            quiet_since_us=fields.optional_time_us("quiet_since"),
        )
    return alerts
