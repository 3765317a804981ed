"""An alert as an event for a log: the names of the Elastic Common Schema, one JSON object a line.

Core. What ECS has no name for is under `geophone`; the five totals there have the names that the
published watch logged.
"""

import ipaddress
import json
from collections.abc import Mapping

from geophone_alerter import render
from geophone_alerter.incidents import Incident
from geophone_shared.alerts import ALERT_SCHEMA_MAJOR, Alert, Severity, to_json
from geophone_shared.timestamps import rfc3339

ECS_VERSION = "8.17.0"

SEVERITY_NUMBERS: Mapping[Severity, int] = {"low": 21, "medium": 47, "high": 73}
"""The scores that Elastic's detection rules have for these words."""

# Elastic's own rules for DNS tunnels say the same.
_THREAT = {
    "framework": "MITRE ATT&CK",
    "tactic": {
        "id": ["TA0011", "TA0010"],
        "name": ["Command and Control", "Exfiltration"],
    },
    "technique": {
        "id": ["T1071", "T1572", "T1048"],
        "name": [
            "Application Layer Protocol",
            "Protocol Tunneling",
            "Exfiltration Over Alternative Protocol",
        ],
        "subtechnique": {"id": ["T1071.004"], "name": ["DNS"]},
    },
}


def event_line(incident: Incident, alert: Alert, now_us: int) -> bytes:
    """The event of an alert as a line of ASCII with its line break.

    `event.id` is the alert's id, which its events share; `event.action` and `@timestamp` tell them
    apart.
    """
    event = _event(incident, alert, now_us)
    return json.dumps(event, separators=(",", ":")).encode("ascii") + b"\n"


def _event(incident: Incident, alert: Alert, now_us: int) -> dict[str, object]:
    evidence = alert.evidence
    record = to_json(alert)
    times = {"start": record["opened_at"], "created": rfc3339(now_us)}
    if alert.recovered_at_us is not None:
        times["end"] = record["recovered_at"]
    return {
        "@timestamp": record["updated_at"],
        "ecs": {"version": ECS_VERSION},
        "message": render.headline(record),
        "event": {
            "kind": "alert",
            "category": ["network", "intrusion_detection"],
            "type": ["info"],
            "module": "geophone",
            "dataset": "geophone.alert",
            "action": alert.state,
            "id": alert.id,
            "severity": SEVERITY_NUMBERS[alert.severity],
            **times,
        },
        "rule": {"name": alert.rule},
        "dns": {"question": {"registered_domain": alert.registered_domain}},
        "network": {"protocol": "dns"},
        "related": {"ip": _addresses(alert)},
        "threat": _THREAT,
        "geophone": {
            "schema": f"geophone.alert/{ALERT_SCHEMA_MAJOR}",
            **totals(alert),
            "incident_id": incident.id,
            "severity": alert.severity,
            "allowed": alert.allowed,
            "measure": alert.measure,
            "value": alert.value,
            "value_lower": record["value_lower"],
            "value_upper": record["value_upper"],
            "value_exact": record["value_exact"],
            "threshold": alert.threshold,
            "window_seconds": alert.window_seconds,
            "exact": evidence.exact,
            "unique_hostnames_lower": evidence.unique_hostnames_lower,
            "unique_hostnames_upper": evidence.unique_hostnames_upper,
            "information_bytes": evidence.information_bytes,
            "unanswered": evidence.unanswered,
            "clients": evidence.clients,
            "clients_exact": evidence.clients_exact,
            "top_clients": [
                {"address": client.address, "queries": client.queries}
                for client in evidence.top_clients
            ],
            # As lists: whoever sends queries chooses the types, and a key per type would fill the
            # mapping of an index.
            "query_types": _named_counts(evidence.query_types),
            "response_codes": _named_counts(evidence.response_codes),
            "first_seen": rfc3339(evidence.first_seen_us),
            "last_seen": rfc3339(evidence.last_seen_us),
            "sample_names": list(evidence.sample_names),
        },
    }


def totals(alert: Alert) -> dict[str, int]:
    """What the published watch said of a domain, under its names."""
    evidence = alert.evidence
    return {
        "total_requests": evidence.queries,
        "unique_hostnames": evidence.unique_hostnames,
        "total_bytes_in": evidence.bytes_in,
        "total_bytes_out": evidence.bytes_out,
        "total_bytes": evidence.bytes_in + evidence.bytes_out,
    }


def _addresses(alert: Alert) -> list[str]:
    """The clients; only what is an address, because that is the field's type in an index."""
    return [c.address for c in alert.evidence.top_clients if _is_address(c.address)]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _named_counts(counts: Mapping[str, int]) -> list[dict[str, object]]:
    return [{"name": name, "count": count} for name, count in counts.items()]
