"""The life of an alert: opened, updated while it grows, recovered [core].

This module decides; it knows no tables. Values come in, alerts go out.
"""

from dataclasses import dataclass

from geophone_detector.kernels.layout import NEVER
from geophone_detector.rules import Rule, raised
from geophone_shared.alerts import Alert, AlertState, Severity, alert_id
from geophone_shared.summaries import DomainSummary

UPDATE_INTERVAL_US = 60_000_000
"""An alert is updated at most once a minute."""
QUIET_US = 600_000_000
"""How long a value has to stay below 0.8 of its threshold until the alert has recovered."""


@dataclass(slots=True)
class OpenAlert:
    """An alert that hasn't recovered.

    Attributes:
        rule: the rule that was crossed.
        opened_at_us: completion time of the crossing row.
        severity: how bad it is now.
        evidence: frozen at the crossing.
        reported_value: the value in the last event.
        reported_severity: the severity in the last event.
        reported_at_us: when that was.
        is_raised: whether a second rule has made it one step more severe.
        quiet_since_us: the pane edge since which the value is below 0.8 of the threshold.
    """

    rule: Rule
    opened_at_us: int
    severity: Severity
    evidence: DomainSummary
    reported_value: int = 0
    reported_severity: Severity = "low"
    reported_at_us: int = 0
    is_raised: bool = False
    quiet_since_us: int | None = None

    def raise_severity(self) -> None:
        """A second rule agrees: one step more severe, once."""
        if not self.is_raised:
            self.is_raised = True
            self.severity = raised(self.severity)

    def event(self, state: AlertState, value: int, at_us: int) -> Alert:
        """The record of an event; what it says is then what has been reported."""
        self.reported_value = value
        self.reported_severity = self.severity
        self.reported_at_us = at_us
        return Alert(
            id=alert_id(self.rule.name, self.evidence.registered_domain, self.opened_at_us),
            state=state,
            rule=self.rule.name,
            severity=self.severity,
            registered_domain=self.evidence.registered_domain,
            opened_at_us=self.opened_at_us,
            updated_at_us=at_us,
            recovered_at_us=at_us if state == "recovered" else None,
            window_seconds=self.rule.window_seconds,
            measure=self.rule.measure,
            value=value,
            threshold=self.rule.threshold,
            allowed=self.evidence.allowed,
            evidence=self.evidence,
        )

    def update(self, value: int, at_us: int) -> Alert | None:
        """The event that the value has doubled or the severity has risen, where it is due."""
        has_news = self._has_doubled(value) or self.severity != self.reported_severity
        if not has_news or at_us - self.reported_at_us < UPDATE_INTERVAL_US:
            return None
        return self.event("updated", value, at_us)

    def look_at_edge(self, value: int, edge_us: int) -> Alert | None:
        """At a pane edge, after names have left: the alert has recovered, or an update is due."""
        if value >= self.rule.least_value_not_quiet:
            self.quiet_since_us = None
        elif self.quiet_since_us is None:
            self.quiet_since_us = edge_us
        elif edge_us - self.quiet_since_us >= QUIET_US:
            return self.event("recovered", value, edge_us)
        return self.update(value, edge_us)

    def look_at_row(self, value: int, at_us: int) -> Alert | None:
        """After a row that reached a watched value."""
        if value >= self.rule.least_value_not_quiet:
            self.quiet_since_us = None
        return self.update(value, at_us)

    def next_value_to_look_at(self, value: int) -> int:
        """The value at which a row matters again. What has to wait a minute is seen at an edge."""
        doubled = NEVER if self._has_doubled(value) else self._doubled_value
        if self.quiet_since_us is None:
            return doubled
        return min(doubled, self.rule.least_value_not_quiet)

    def _has_doubled(self, value: int) -> bool:
        return value >= self._doubled_value

    @property
    def _doubled_value(self) -> int:
        # What was reported may have fallen below the threshold; to double that is no news.
        return 2 * max(self.reported_value, self.rule.least_value)
