import pytest

from geophone_detector.rules import SHIPPED_RULES, raised, severity_at_opening, with_thresholds
from geophone_shared.alerts import Severity
from geophone_shared.errors import ConfigError
from tests.support.window_driver import create_rule


def test_the_shipped_rules_are_those_of_the_design() -> None:
    assert [
        (
            rule.name,
            rule.measure,
            rule.window_seconds,
            rule.threshold,
            rule.least_value,
            rule.severity,
            rule.max_clients,
        )
        for rule in SHIPPED_RULES
    ] == [
        ("unique-hostnames", "unique_hostnames", 14_400, 200, 201, "high", None),
        ("burst", "information_bytes", 600, 4_096, 4_096, "high", None),
        ("information", "information_bytes", 14_400, 10_080, 10_080, "medium", None),
        ("slow", "information_bytes", 86_400, 24_192, 24_192, "medium", None),
    ]
    assert all(rule.reason for rule in SHIPPED_RULES)


def test_the_slow_rules_thresholds_are_their_rates() -> None:
    """0.7 and 0.28 bytes a second, over the window."""
    information, slow = SHIPPED_RULES[2:]
    assert information.threshold * 10 == 7 * information.window_seconds
    assert slow.threshold * 100 == 28 * slow.window_seconds


@pytest.mark.parametrize(
    ("threshold", "least_not_quiet"),
    [(1, 1), (2, 2), (3, 3), (4, 4), (5, 4), (6, 5), (10, 8), (200, 160), (4_096, 3_277)],
)
def test_a_value_is_quiet_below_eight_tenths_of_the_threshold(
    threshold: int, least_not_quiet: int
) -> None:
    rule = create_rule(threshold=threshold)
    assert rule.least_value_not_quiet == least_not_quiet
    assert least_not_quiet >= 0.8 * threshold > least_not_quiet - 1


@pytest.mark.parametrize("must_exceed", [False, True])
def test_a_value_that_opens_an_alert_is_not_quiet(*, must_exceed: bool) -> None:
    for threshold in range(1, 500):
        rule = create_rule(threshold=threshold, must_exceed=must_exceed)
        assert rule.least_value == threshold + must_exceed
        assert rule.least_value_not_quiet <= rule.least_value


def test_thresholds_are_replaced_by_name_and_nothing_else_is() -> None:
    rules = with_thresholds(SHIPPED_RULES, {"burst": 1_000})
    assert rules[1].threshold == 1_000
    assert rules[1].reason == SHIPPED_RULES[1].reason
    assert (rules[0], *rules[2:]) == (SHIPPED_RULES[0], *SHIPPED_RULES[2:])
    assert SHIPPED_RULES[1].threshold == 4_096
    assert with_thresholds(SHIPPED_RULES, {}) == SHIPPED_RULES


def test_an_unknown_rule_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(
        ConfigError,
        match="no rule 'brust'; the rules are unique-hostnames, burst, information, slow",
    ):
        with_thresholds(SHIPPED_RULES, {"brust": 1})


@pytest.mark.parametrize("threshold", [0, -1])
def test_a_threshold_below_one_is_refused(threshold: int) -> None:
    with pytest.raises(ConfigError, match="'slow' has to be at least 1"):
        with_thresholds(SHIPPED_RULES, {"slow": threshold})


@pytest.mark.parametrize(
    ("severity", "clients", "expected"),
    [
        ("high", 0, "high"),
        ("high", 4, "high"),
        ("high", 5, "medium"),
        ("high", 5_000, "medium"),
        ("medium", 5, "low"),
        ("low", 5, "low"),
    ],
)
def test_five_clients_make_a_rule_one_step_milder(
    severity: Severity, clients: int, expected: Severity
) -> None:
    assert severity_at_opening(create_rule(severity=severity), clients) == expected


def test_severity_rises_one_step_at_a_time_to_high() -> None:
    assert [raised("low"), raised("medium"), raised("high")] == ["medium", "high", "high"]
