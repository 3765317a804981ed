"""Which domains have alerts, and the most that the report knows of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from geophone_shared.alerts import SEVERITIES


@dataclass(frozen=True, slots=True)
class Finding:
    """A domain with its alerts.

    Attributes:
        registered_domain: the domain.
        alerts: its alerts, the first opened first.
        counted: its row of the top table, or the evidence of its last alert where the table is
            too short for it.
        is_whole_capture: whether `counted` is of the whole capture: it is the row.
    """

    registered_domain: str
    alerts: tuple[Mapping[str, Any], ...]
    counted: Mapping[str, Any]
    is_whole_capture: bool

    @property
    def severity(self) -> str:
        """The highest of its alerts."""
        present = {alert["severity"] for alert in self.alerts}
        return next(severity for severity in reversed(SEVERITIES) if severity in present)


def findings_of(report: Mapping[str, Any], *, allowed: bool) -> list[Finding]:
    """Domains with alerts, on the allow list or not: the severest first, then the earliest."""
    alerts: dict[str, list[Mapping[str, Any]]] = {}
    for alert in sorted(report["alerts"], key=lambda alert: (alert["opened_at"], alert["rule"])):
        if alert["allowed"] is allowed:
            alerts.setdefault(alert["registered_domain"], []).append(alert)
    rows = {row["registered_domain"]: row for row in report["top_domains"]}
    findings = [
        Finding(name, tuple(opened), rows.get(name, opened[-1]["evidence"]), name in rows)
        for name, opened in alerts.items()
    ]
    return sorted(findings, key=lambda finding: -SEVERITIES.index(finding.severity))
