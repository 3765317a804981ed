"""The detector: transactions in, alerts out [core]."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from geophone_detector.budgets import EXACT_CAP_NAMES
from geophone_detector.capacities import DEFAULT_CAPACITIES, Capacities
from geophone_detector.kernels.layout import NEVER, PANE_US, WINDOW_SECONDS
from geophone_detector.lifecycle import OpenAlert
from geophone_detector.rules import Rule, severity_at_opening
from geophone_detector.summaries import client_count, summary_now
from geophone_detector.windows import SlidingWindows, Stop
from geophone_shared.alerts import Alert
from geophone_shared.hashing import SecretKey
from geophone_shared.suffixes import SuffixTable
from geophone_shared.transactions import Transactions


class AlertStates(NamedTuple):
    """Which domains have what to do with alerts.

    Attributes:
        refused: crossings without an alert so far.
        open: domain → index of the rule → alert, in the order in which they opened.
        muted: domains that were crossed while no watch was left.
        blocked: domains that were crossed, but by no rule that may open.
    """

    refused: int
    open: Mapping[int, Mapping[int, OpenAlert]]
    muted: tuple[int, ...]
    blocked: tuple[int, ...]


class Detector:
    """Counts the distinct hostnames under every registered domain, and tells when rules cross.

    Its clock is the largest `completed_us` so far: it knows no other time.

    Attributes:
        rules: what it judges by.
        windows: what it has counted.
        alerts_refused: crossings without an alert because too many domains had open ones.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        allow_list: SuffixTable,
        secret: SecretKey,
        exact_cap_names: int = EXACT_CAP_NAMES,
        capacities: Capacities = DEFAULT_CAPACITIES,
    ) -> None:
        self.rules = tuple(rules)
        self.windows = SlidingWindows(rules, allow_list, secret, exact_cap_names, capacities)
        self.alerts_refused = 0
        self._open: dict[int, dict[int, OpenAlert]] = {}
        self._muted: set[int] = set()
        self._blocked: set[int] = set()

    @property
    def alert_states(self) -> AlertStates:
        """For a snapshot."""
        return AlertStates(
            self.alerts_refused, self._open, tuple(self._muted), tuple(self._blocked)
        )

    def restore_alerts(self, states: AlertStates) -> None:
        """Go on from a snapshot's, which fit the windows."""
        self.alerts_refused = states.refused
        self._open = {domain: dict(alerts) for domain, alerts in states.open.items()}
        self._muted = set(states.muted)
        self._blocked = set(states.blocked)

    def observe(self, transactions: Transactions, latest_us: int) -> list[Alert]:
        """Count rows in the order in which they completed.

        Args:
            transactions: the rows.
            latest_us: rows dated later are counted as of this time: a clock that ran ahead
                can't empty the windows.

        Returns:
            What happened to alerts, in order.
        """
        events: list[Alert] = []
        following = 0
        while True:
            following, stop = self.windows.observe(transactions, following, latest_us)
            if stop is Stop.EXHAUSTED:
                return events
            if stop is Stop.PANE_AHEAD:
                events += self._advance_to(self.windows.ahead_pane)
            else:
                completed_us = int(transactions.rows[following - 1]["completed_us"])
                at_us = min(completed_us, latest_us)
                events += self._look_at_row(self.windows.crossed_domain, at_us)

    def advance(self, clock_us: int) -> list[Alert]:
        """Let time pass without a row: a minute mark, or the end of the input."""
        pane = clock_us // PANE_US
        now_pane = self.windows.now_pane
        events = [] if now_pane is not None and pane <= now_pane else self._advance_to(pane)
        return events + self._judge_sketched(clock_us)

    def _advance_to(self, pane: int) -> list[Alert]:
        now_pane = self.windows.now_pane
        if now_pane is None:
            self.windows.advance(pane)
            return []
        events = self._judge_sketched((now_pane + 1) * PANE_US)
        # While an alert is open every edge is looked at, so that it recovers at the right one;
        # nothing stays open for longer than the longest window and the time to recover.
        while now_pane < pane and self._open:
            now_pane += 1
            self.windows.advance(now_pane)
            for domain in list(self._open):
                events += self._look_at_edge(domain, now_pane * PANE_US)
        self.windows.advance(pane)
        self._unmute()
        return events

    def _judge_sketched(self, at_us: int) -> list[Alert]:
        """Look at the domains above the exact cap, of which no row stops the windows."""
        events: list[Alert] = []
        for domain in self.windows.judge_sketched():
            if domain in self._open or self._crossed(domain, {}):
                events += self._look_at_row(domain, at_us)
        return events

    def _unmute(self) -> None:
        """Listen again to domains that were crossed while no watch was left, or by no rule."""
        for domain in self._blocked:
            self.windows.watch(domain, None)
        self._blocked.clear()
        if self._muted and self.windows.has_free_watch:
            for domain in self._muted:
                self.windows.watch(domain, None)
            self._muted.clear()

    def _look_at_row(self, domain: int, at_us: int) -> list[Alert]:
        earlier = self._open.get(domain, {})
        alerts = dict(earlier)
        for index in self._crossed(domain, earlier):
            alerts[index] = self._opened(domain, self.rules[index], at_us)
        if len(alerts) > 1:
            for alert in alerts.values():
                alert.raise_severity()
        if not self._watch(domain, alerts):
            self.alerts_refused += 1
            self._muted.add(domain)
            return []
        events: list[Alert] = []
        for index, alert in alerts.items():
            value = self.windows.value(domain, index)
            if index in earlier:
                event = alert.look_at_row(value, at_us)
            else:
                event = alert.event("opened", value, at_us)
            if event is not None:
                events.append(self._with_bounds(event, domain, index))
        if alerts:
            self._open[domain] = alerts
            self._watch(domain, alerts)
            self._blocked.discard(domain)
        else:
            self._blocked.add(domain)
        return events

    def _with_bounds(self, event: Alert, domain: int, rule: int) -> Alert:
        return replace(event, value_bounds=self.windows.value_bounds(domain, rule))

    def _opened(self, domain: int, rule: Rule, at_us: int) -> OpenAlert:
        clients, _ = client_count(self.windows.tables, domain)
        window = WINDOW_SECONDS.index(rule.window_seconds)
        return OpenAlert(
            rule=rule,
            opened_at_us=at_us,
            severity=severity_at_opening(rule, clients),
            evidence=summary_now(self.windows.tables, domain, window),
        )

    def _look_at_edge(self, domain: int, edge_us: int) -> list[Alert]:
        events: list[Alert] = []
        alerts = self._open[domain]
        for index, alert in list(alerts.items()):
            event = alert.look_at_edge(self.windows.value(domain, index), edge_us)
            if event is not None:
                events.append(self._with_bounds(event, domain, index))
                if event.state == "recovered":
                    del alerts[index]
        if alerts:
            self._watch(domain, alerts)
        else:
            del self._open[domain]
            self.windows.watch(domain, None)
        return events

    def _crossed(self, domain: int, alerts: dict[int, OpenAlert]) -> list[int]:
        """The rules that a domain crosses and that have no alert open."""
        return [
            index
            for index, rule in enumerate(self.rules)
            if index not in alerts
            and self.windows.value(domain, index) >= rule.least_value
            and self._may_open(domain, rule)
        ]

    def _may_open(self, domain: int, rule: Rule) -> bool:
        if rule.max_clients is None:
            return True
        clients, _ = client_count(self.windows.tables, domain)
        return clients <= rule.max_clients

    def _watch(self, domain: int, alerts: dict[int, OpenAlert]) -> bool:
        """Have the windows stop where the next decision about a domain may be due."""
        return self.windows.watch(
            domain,
            [
                alerts[index].next_value_to_look_at(self.windows.value(domain, index))
                if index in alerts
                else (rule.least_value if self._may_open(domain, rule) else NEVER)
                for index, rule in enumerate(self.rules)
            ],
        )
