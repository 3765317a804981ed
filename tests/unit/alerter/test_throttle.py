import pytest

from geophone_alerter.throttle import Throttle
from geophone_shared.alerts import Severity
from tests.support.alert_events import HOUR_US, NOW_US, create_alert, create_notification

WINDOW_US = 4 * HOUR_US


def told(severity: Severity = "medium", value: int = 201) -> Throttle:
    """A throttle that knows of one message, told now, of the rule `unique-hostnames`."""
    throttle = Throttle(WINDOW_US)
    throttle.apply(create_notification(create_alert(severity=severity, value=value)))
    return throttle


def test_a_domain_that_nobody_heard_of_is_due() -> None:
    assert Throttle(WINDOW_US).is_due(create_alert(), NOW_US)


@pytest.mark.parametrize(
    ("after_us", "is_due"),
    [(0, False), (WINDOW_US - 1, False), (WINDOW_US, True), (-WINDOW_US, True), (-HOUR_US, False)],
)
def test_once_per_window(after_us: int, is_due: bool) -> None:
    again = create_alert(severity="medium", rule="burst")
    assert told().is_due(again, NOW_US + after_us) is is_due


def test_the_case_of_a_domain_does_not_matter() -> None:
    assert not told().is_due(create_alert("TUNNEL.example", severity="low"), NOW_US)


@pytest.mark.parametrize(
    ("severity", "is_due"), [("low", False), ("medium", False), ("high", True)]
)
def test_a_higher_severity_is_due(severity: Severity, is_due: bool) -> None:
    assert told("medium").is_due(create_alert(severity=severity, rule="burst"), NOW_US) is is_due


@pytest.mark.parametrize(("value", "is_due"), [(401, False), (402, True), (1_000, True)])
def test_a_doubled_value_is_due(value: int, is_due: bool) -> None:
    updated = create_alert(severity="medium", state="updated", value=value, after_us=1)
    assert told("medium", 201).is_due(updated, NOW_US) is is_due


def test_values_of_different_rules_are_not_compared() -> None:
    burst = create_alert(rule="burst", severity="medium", value=1_000_000)
    assert not told("medium", 201).is_due(burst, NOW_US)


def test_nothing_doubles_to_nothing() -> None:
    assert not told("medium", 0).is_due(create_alert(severity="medium", value=0), NOW_US)


def test_the_highest_severity_of_the_window_counts_not_the_last_one() -> None:
    throttle = told("high")
    doubled = create_alert(severity="low", value=402)
    throttle.apply(create_notification(doubled, at_us=NOW_US + 3 * HOUR_US))
    high = create_alert(severity="high", rule="burst")
    assert not throttle.is_due(high, NOW_US + 3 * HOUR_US)
    # An hour later the mail that said `high` is four hours old.
    assert throttle.is_due(high, NOW_US + 4 * HOUR_US)
    low = create_alert(severity="low", rule="burst")
    assert not throttle.is_due(low, NOW_US + 4 * HOUR_US)


def test_what_was_refused_was_not_heard() -> None:
    throttle = Throttle(WINDOW_US)
    throttle.apply(create_notification(create_alert(), result="refused"))
    assert throttle.is_due(create_alert(), NOW_US)


def test_it_is_bounded() -> None:
    throttle = Throttle(WINDOW_US, most_domains=1)
    for domain in ("a.example", "b.example"):
        throttle.apply(create_notification(create_alert(domain)))
    assert throttle.is_due(create_alert("a.example"), NOW_US)
    assert not throttle.is_due(create_alert("b.example"), NOW_US)
    assert throttle.forgotten == 1
