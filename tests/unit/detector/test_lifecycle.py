"""One alert's decisions, without tables: values and times in, events out."""

import pytest

from geophone_detector.kernels.layout import NEVER
from geophone_detector.lifecycle import OpenAlert
from geophone_shared.summaries import DomainSummary
from tests.support.detector_rows import MINUTE_US, NOON_US, SECOND_US
from tests.support.window_driver import create_rule

EVIDENCE = DomainSummary(
    registered_domain="pirate.sea",
    window_seconds=600,
    unique_hostnames=10,
    unique_hostnames_lower=10,
    unique_hostnames_upper=10,
    exact=True,
    information_bytes=30,
    queries=10,
    unanswered=0,
    bytes_in=400,
    bytes_out=1_000,
    clients=1,
    clients_exact=True,
    top_clients=(),
    query_types={},
    response_codes={},
    first_seen_us=NOON_US,
    last_seen_us=NOON_US,
    sample_names=(),
    allowed=False,
)


@pytest.fixture
def alert() -> OpenAlert:
    """Opened at noon, with 10 names."""
    rule = create_rule(window_seconds=600, threshold=10, severity="low")
    alert = OpenAlert(rule, NOON_US, "low", EVIDENCE)
    alert.event("opened", 10, NOON_US)
    return alert


def test_an_alert_is_watched_for_twice_of_what_was_said(alert: OpenAlert) -> None:
    assert alert.next_value_to_look_at(10) == 20
    assert alert.next_value_to_look_at(19) == 20
    # What has doubled waits for an edge.
    assert alert.next_value_to_look_at(20) == NEVER
    assert alert.look_at_edge(20, NOON_US + MINUTE_US) is not None
    assert alert.next_value_to_look_at(20) == 40


def test_a_quiet_alert_is_watched_for_its_return(alert: OpenAlert) -> None:
    assert alert.look_at_edge(7, NOON_US + MINUTE_US) is None
    assert alert.next_value_to_look_at(7) == 8
    assert alert.look_at_row(8, NOON_US + MINUTE_US + 1) is None
    assert alert.next_value_to_look_at(8) == 20


@pytest.mark.parametrize(("seconds", "is_due"), [(59, False), (60, True)])
def test_an_update_is_due_a_minute_after_the_last_event(
    alert: OpenAlert, *, seconds: int, is_due: bool
) -> None:
    event = alert.update(20, NOON_US + seconds * SECOND_US)
    assert (event is not None) == is_due


def test_a_rise_in_severity_is_news_once(alert: OpenAlert) -> None:
    alert.raise_severity()
    alert.raise_severity()
    event = alert.update(10, NOON_US + MINUTE_US)
    assert event is not None
    assert event.severity == "medium"
    assert alert.update(10, NOON_US + 2 * MINUTE_US) is None


def test_recovery_goes_before_an_update(alert: OpenAlert) -> None:
    assert alert.look_at_edge(0, NOON_US + MINUTE_US) is None
    alert.raise_severity()
    event = alert.look_at_edge(0, NOON_US + 11 * MINUTE_US)
    assert event is not None
    assert (event.state, event.severity) == ("recovered", "medium")
    assert event.recovered_at_us == event.updated_at_us == NOON_US + 11 * MINUTE_US


def test_a_value_below_the_threshold_is_no_double_of_a_smaller_one(alert: OpenAlert) -> None:
    alert.event("updated", 0, NOON_US)
    assert alert.update(0, NOON_US + MINUTE_US) is None
    assert alert.update(19, NOON_US + MINUTE_US) is None
    assert alert.update(20, NOON_US + MINUTE_US) is not None
