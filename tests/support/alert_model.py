"""The life of alerts by brute force: every value at every row and edge, from the design alone.

Nothing is skipped here: time passes pane by pane, and each open alert is looked at in each of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from geophone_detector.rules import Rule
from geophone_shared.alerts import SEVERITIES, Alert, AlertState, Severity, alert_id
from tests.support.detector_rows import FAR_US, Row
from tests.support.window_model import PANE_US, WINDOW_PANES, DomainModel, WindowModel

_MINUTE_US = 60_000_000
_QUIET_US = 10 * _MINUTE_US


@dataclass(slots=True)
class _OpenAlert:
    rule: Rule
    severity: Severity
    events: list[Alert] = field(default_factory=list)
    seen: list[tuple[int | None, int]] = field(default_factory=list)
    """(edge or None for a row, value), since the opening."""
    is_raised: bool = False

    def raise_severity(self) -> None:
        step = SEVERITIES.index(self.severity) + (not self.is_raised)
        self.severity = SEVERITIES[min(step, 2)]
        self.is_raised = True

    def has_doubled(self, value: int) -> bool:
        """Against what was said last, or against what opens an alert where that is more."""
        least = self.rule.threshold + self.rule.must_exceed
        return value >= 2 * max(self.events[-1].value, least)

    def quiet_since_us(self) -> int | None:
        """The first edge after which no value seen was 0.8 of the threshold or more."""
        since_us = None
        for edge_us, value in self.seen:
            if not self.is_quiet(value):
                since_us = None
            elif since_us is None:
                since_us = edge_us
        return since_us

    def is_quiet(self, value: int) -> bool:
        return 5 * value < 4 * self.rule.threshold

    def has_turned(self, before: int, after: int) -> bool:
        """Whether a row made the alert news: its value has doubled, or is no longer quiet."""
        doubled = self.has_doubled(after) and not self.has_doubled(before)
        return doubled or (self.is_quiet(before) and not self.is_quiet(after))

    def event(self, state: AlertState, at_us: int, value: int) -> Alert:
        changed = replace(
            self.events[-1],
            state=state,
            severity=self.severity,
            updated_at_us=at_us,
            recovered_at_us=at_us if state == "recovered" else None,
            value=value,
        )
        self.events.append(changed)
        return changed

    def updates(self, at_us: int, value: int) -> list[Alert]:
        last = self.events[-1]
        is_news = self.has_doubled(value) or self.severity != last.severity
        if is_news and at_us - last.updated_at_us >= _MINUTE_US:
            return [self.event("updated", at_us, value)]
        return []


class AlertModel:
    """What a detector with these rules and windows says."""

    def __init__(self, rules: Sequence[Rule], windows: WindowModel) -> None:
        self.windows = windows
        self._rules = rules
        self._open: dict[bytes, dict[str, _OpenAlert]] = {}

    def advance(self, clock_us: int) -> list[Alert]:
        """A minute mark: what happens at every edge up to it."""
        events = []
        for pane in range(self.windows.now_pane + 1, clock_us // PANE_US + 1):
            if not self._open:
                break
            self.windows.advance(pane * PANE_US)
            for key in list(self._open):
                events += self._look_at_edge(key, pane * PANE_US)
        self.windows.advance(clock_us)
        self.windows.let_go(self._open)
        return events

    def add(self, row: Row, latest_us: int = FAR_US) -> list[Alert]:
        """A row: first the edges before it, then what it makes true."""
        at_us = min(row.completed_us, latest_us)
        events = self.advance(at_us)
        values_before = {key: self._values(domain) for key, domain in self.windows.domains.items()}
        domain = self.windows.add(row, latest_us, self._open)
        if domain is None:
            return events
        before = values_before.get(domain.key, dict.fromkeys(self._values(domain), 0))
        after = self._values(domain)
        earlier = dict(self._open.get(domain.key, {}))
        opened = {
            rule.name: self._opened(domain, rule, after[rule.name], at_us)
            for rule in self._rules
            if rule.name not in earlier and self._is_crossed(domain, rule, after[rule.name])
        }
        for name, alert in earlier.items():
            alert.seen.append((None, after[name]))
        if opened:
            self._open[domain.key] = earlier | opened
            if len(self._open[domain.key]) > 1:
                for alert in self._open[domain.key].values():
                    alert.raise_severity()
        # A row that is news to one alert of a domain has all of them looked at.
        if opened or any(
            alert.has_turned(before[name], after[name]) for name, alert in earlier.items()
        ):
            for name, alert in earlier.items():
                events += alert.updates(at_us, after[name])
        return events + [
            alert.event("opened", at_us, after[name]) for name, alert in opened.items()
        ]

    def _look_at_edge(self, key: bytes, edge_us: int) -> list[Alert]:
        events = []
        values = self._values(self.windows.domains[key])
        for name, alert in list(self._open[key].items()):
            alert.seen.append((edge_us, values[name]))
            quiet_since_us = alert.quiet_since_us()
            if quiet_since_us is not None and edge_us - quiet_since_us >= _QUIET_US:
                events.append(alert.event("recovered", edge_us, values[name]))
                del self._open[key][name]
            else:
                events += alert.updates(edge_us, values[name])
        if not self._open[key]:
            del self._open[key]
        return events

    def _values(self, domain: DomainModel) -> dict[str, int]:
        values = {}
        for rule in self._rules:
            names = domain.live_names(self.windows.now_pane, _window(rule))
            is_names = rule.measure == "unique_hostnames"
            values[rule.name] = len(names) if is_names else domain.information_bytes(names)
        return values

    def _is_crossed(self, domain: DomainModel, rule: Rule, value: int) -> bool:
        if rule.max_clients is not None and _clients(domain) > rule.max_clients:
            return False
        return value > rule.threshold if rule.must_exceed else value >= rule.threshold

    def _opened(self, domain: DomainModel, rule: Rule, value: int, at_us: int) -> _OpenAlert:
        evidence = self.windows.now(domain.key, _window(rule))
        step = SEVERITIES.index(rule.severity) - (_clients(domain) >= 5)
        alert = Alert(
            id=alert_id(rule.name, evidence.registered_domain, at_us),
            state="opened",
            rule=rule.name,
            severity=rule.severity,
            registered_domain=evidence.registered_domain,
            opened_at_us=at_us,
            updated_at_us=at_us,
            recovered_at_us=None,
            window_seconds=rule.window_seconds,
            measure=rule.measure,
            value=value,
            threshold=rule.threshold,
            allowed=evidence.allowed,
            evidence=evidence,
        )
        return _OpenAlert(rule, SEVERITIES[max(step, 0)], [alert])


def _window(rule: Rule) -> int:
    return WINDOW_PANES.index(rule.window_seconds // 60)


def _clients(domain: DomainModel) -> int:
    return len({row.client for row in domain.rows})
