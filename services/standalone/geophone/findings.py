"""Which domains have alerts, and who uses a port of DNS for something else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from geophone_shared.alerts import SEVERITIES

_FOREIGN_PACKETS = 10
"""Broken software sends a few packets that are no DNS; a tunnel sends more."""


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


def foreign_clients_of(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Clients whose use of a port of DNS for what isn't DNS is worth a look, the largest first."""
    clients = report["foreign_clients"]
    return [client for client in clients if client["packets"] >= _FOREIGN_PACKETS]
