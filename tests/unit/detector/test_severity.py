"""How severe alerts are: the rules that agree, and the clients that share a domain."""

import pytest

from geophone_shared.alerts import Severity
from tests.support.detector_rows import DOMAIN, MINUTE_US, NOON_US, SECOND_US, hosts, row
from tests.support.window_driver import create_detector, create_rule, observe

pytestmark = pytest.mark.kernels

NAMES = create_rule("names", window_seconds=600, threshold=10)
BYTES = create_rule(
    "bytes", "information_bytes", window_seconds=600, threshold=40, severity="medium"
)


def test_a_second_rule_makes_both_alerts_more_severe_once() -> None:
    #   12:00:00                12:01:30
    #   ▲ bytes opened, medium  ▲ names opened, high; bytes updated: high
    mild = create_rule("mild", window_seconds=600, threshold=16, severity="low")
    detector = create_detector([NAMES, mild, BYTES])
    far = [row("f" * 40, DOMAIN, NOON_US)]
    [opened] = observe(detector, far)
    assert (opened.rule, opened.severity) == ("bytes", "medium")
    events = observe(detector, hosts(range(20), NOON_US + 90 * SECOND_US))
    assert [(event.rule, event.state, event.severity) for event in events] == [
        ("bytes", "updated", "high"),
        ("names", "opened", "high"),
        ("mild", "opened", "medium"),
    ]


def test_severity_that_rises_within_a_minute_waits_for_the_edge() -> None:
    detector = create_detector([NAMES, BYTES])
    events = observe(detector, [row("f" * 40, DOMAIN, NOON_US), *hosts(range(9), NOON_US + 1)])
    assert [(event.rule, event.state, event.severity) for event in events] == [
        ("bytes", "opened", "medium"),
        ("names", "opened", "high"),
    ]
    [updated] = detector.advance(NOON_US + MINUTE_US)
    assert (updated.rule, updated.severity) == ("bytes", "high")
    assert detector.advance(NOON_US + 9 * MINUTE_US) == []


def test_two_rules_crossed_by_one_row_are_both_raised() -> None:
    mild = create_rule("mild", window_seconds=600, threshold=10, severity="low")
    detector = create_detector([mild, create_rule("milder", threshold=10, severity="low")])
    events = observe(detector, hosts(range(10), NOON_US))
    assert [(event.rule, event.severity) for event in events] == [
        ("mild", "medium"),
        ("milder", "medium"),
    ]


def test_rules_that_two_domains_cross_raise_neither() -> None:
    detector = create_detector([BYTES])
    rows = [row("f" * 40, f"{name}.example", NOON_US) for name in ("one", "two")]
    assert [event.severity for event in observe(detector, rows)] == ["medium", "medium"]


@pytest.mark.parametrize(
    ("clients", "severity", "expected"),
    [
        (4, "high", "high"),
        (5, "high", "medium"),
        (5, "medium", "low"),
        (5, "low", "low"),
        (10, "high", "medium"),
    ],
)
def test_five_clients_make_an_alert_one_step_milder(
    clients: int, severity: Severity, expected: Severity
) -> None:
    rule = create_rule(threshold=10, severity=severity)
    rows = [
        row(f"h{number}", DOMAIN, NOON_US, client=f"192.0.2.{number % clients}")
        for number in range(10)
    ]
    [alert] = observe(create_detector([rule]), rows)
    assert alert.severity == expected
    assert alert.evidence.clients == clients


@pytest.mark.parametrize(("clients", "opens"), [(2, True), (3, False)])
def test_a_rule_may_leave_domains_alone_that_many_clients_share(
    *, clients: int, opens: bool
) -> None:
    rules = [create_rule(threshold=10, max_clients=2), create_rule("any", threshold=12)]
    rows = [
        row(f"h{number}", DOMAIN, NOON_US, client=f"192.0.2.{number % clients}")
        for number in range(15)
    ]
    detector = create_detector(rules)
    opened = [event.rule for event in observe(detector, rows)]
    assert opened == (["names", "any"] if opens else ["any"])
    # Growing on doesn't make it less shared.
    assert observe(detector, hosts(range(50), NOON_US + 1, prefix="x")) == []
