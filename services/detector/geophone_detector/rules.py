"""The rules: what makes the detector open an alert [core]. Rules are data."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from geophone_shared.alerts import SEVERITIES, Severity
from geophone_shared.errors import ConfigError

Measure = Literal["unique_hostnames", "information_bytes"]

SHARING_CLIENTS = 5
"""From this many clients on a domain is rather a service than a tunnel: one step milder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Open an alert when a measure of a domain in a window crosses a threshold.

    Attributes:
        name: how people refer to it.
        measure: distinct hostnames, or the summed length of their sub-domains.
        window_seconds: the sliding window it is measured in.
        threshold: the value to exceed or to reach.
        must_exceed: whether reaching the threshold isn't enough.
        severity: of its alerts, before clients and other rules are considered.
        reason: why this threshold, and which way to move it.
        max_clients: domains that more clients share are left alone; None for no limit.
    """

    name: str
    measure: Measure
    window_seconds: int
    threshold: int
    must_exceed: bool
    severity: Severity
    reason: str
    max_clients: int | None = None

    @property
    def least_value(self) -> int:
        """The smallest value that opens an alert."""
        return self.threshold + self.must_exceed

    @property
    def least_value_not_quiet(self) -> int:
        """The smallest value that isn't below 0.8 of the threshold."""
        return -(-4 * self.threshold // 5)


SHIPPED_RULES = (
    Rule(
        name="unique-hostnames",
        measure="unique_hostnames",
        window_seconds=14_400,
        threshold=200,
        must_exceed=True,
        severity="high",
        reason="Elastic's published watch. Raise it where busy services aren't on the allow list.",
    ),
    Rule(
        name="burst",
        measure="information_bytes",
        window_seconds=600,
        threshold=4_096,
        must_exceed=False,
        severity="high",
        reason="4 kB in 10 minutes: every public tunnel tool passes it within a minute or so."
        " Lower it to catch smaller thefts.",
    ),
    Rule(
        name="information",
        measure="information_bytes",
        window_seconds=14_400,
        threshold=10_080,
        must_exceed=False,
        severity="medium",
        reason="0.7 bytes a second for 4 hours, the slowest rate of ibHH (NDSS 2024).",
    ),
    Rule(
        name="slow",
        measure="information_bytes",
        window_seconds=86_400,
        threshold=24_192,
        must_exceed=False,
        severity="medium",
        reason="0.28 bytes a second for a day (Nadler et al., 2019): low and slow.",
    ),
)


def with_thresholds(rules: tuple[Rule, ...], thresholds: Mapping[str, int]) -> tuple[Rule, ...]:
    """The rules with other thresholds.

    Raises:
        ConfigError: there is no rule of that name, or the threshold isn't positive.
    """
    names = [rule.name for rule in rules]
    for name, threshold in thresholds.items():
        if name not in names:
            raise ConfigError(f"there is no rule {name!r}; the rules are {', '.join(names)}")
        if threshold < 1:
            raise ConfigError(f"the threshold of rule {name!r} has to be at least 1")
    return tuple(
        replace(rule, threshold=thresholds.get(rule.name, rule.threshold)) for rule in rules
    )


def severity_at_opening(rule: Rule, clients: int) -> Severity:
    """The severity of a rule's alert on a domain that so many clients share."""
    step = SEVERITIES.index(rule.severity) - (clients >= SHARING_CLIENTS)
    return SEVERITIES[max(step, 0)]


def raised(severity: Severity) -> Severity:
    """One step more severe, at most high."""
    return SEVERITIES[min(SEVERITIES.index(severity) + 1, len(SEVERITIES) - 1)]
