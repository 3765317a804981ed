from collections.abc import Mapping
from typing import Any

import pytest

from geophone_alerter.outbox import Outbox, ThrottleSettings
from geophone_alerter.parcels import ACCEPTED, Admission, Outcome, Parcel, notifications_of
from geophone_alerter.retries import RetrySchedule
from geophone_shared.alerts import Alert
from geophone_shared.errors import ConfigError
from tests.support.alert_events import (
    HOUR_US,
    MINUTE_US,
    NOW_US,
    OPENED_US,
    SECOND_US,
    create_alert,
    create_notification,
    incident_of,
)

TARGETS = ("a@example.com", "b@example.com")
RETRIES = RetrySchedule(first_seconds=10, longest_seconds=900)
LATER = Outcome("temporary", "recipient", 451)
NEVER = Outcome("permanent", "recipient", 550)


def create_outbox(targets: tuple[str, ...] = TARGETS, **settings: int) -> Outbox:
    return Outbox(targets, ThrottleSettings(**settings), RETRIES)


def add(outbox: Outbox, alert: Alert, position: int = 0, now_us: int = NOW_US) -> Admission:
    return outbox.add(incident_of(alert), alert, position, now_us)


def taken(outbox: Outbox, now_us: int = NOW_US) -> Parcel:
    parcel = outbox.take(now_us)
    assert parcel is not None
    return parcel


def finish(
    outbox: Outbox,
    parcel: Parcel,
    outcome: Outcome | Mapping[str, Outcome] = ACCEPTED,
    now_us: int = NOW_US,
) -> None:
    """What becomes of a parcel: the same for each of its targets, or each its own."""
    outcomes = dict.fromkeys(parcel.targets, outcome) if isinstance(outcome, Outcome) else outcome
    for _, notification in notifications_of(parcel, "email", outcomes, now_us, RETRIES):
        outbox.apply(notification)
    outbox.settle(parcel, now_us, 1.0)


def told(parcel: Parcel) -> list[list[tuple[str, str, str]]]:
    """Domain, rule and state of what a parcel tells, by notice."""
    return [
        [(alert.registered_domain, alert.rule, alert.state) for alert in notice.alerts]
        for notice in parcel.notices
    ]


def test_an_alert_goes_out_at_once_and_once() -> None:
    outbox = create_outbox()
    alert = create_alert()
    assert add(outbox, alert, position=7) == "waits"
    assert outbox.low_position() == 7
    parcel = taken(outbox)
    assert told(parcel) == [[("tunnel.example", "unique-hostnames", "opened")]]
    assert parcel.targets == TARGETS
    assert parcel.message == f"{alert.id}.opened.{OPENED_US}"
    finish(outbox, parcel)
    assert (len(outbox), outbox.take(NOW_US), outbox.next_us(NOW_US)) == (0, None, None)
    assert outbox.low_position() is None


def test_nothing_is_told_of_allowed_domains_and_of_recoveries() -> None:
    outbox = create_outbox()
    assert add(outbox, create_alert(allowed=True)) == "allowed"
    assert add(outbox, create_alert("other.example", state="recovered", after_us=1)) == "recovered"
    assert outbox.take(NOW_US) is None
    assert outbox.counts == {"allowed": 1, "recovered": 1}


def test_one_message_per_domain() -> None:
    outbox = create_outbox()
    add(outbox, create_alert(rule="burst"))
    finish(outbox, taken(outbox))
    assert add(outbox, create_alert(opened_us=OPENED_US + 3 * SECOND_US)) == "throttled"
    assert outbox.take(NOW_US) is None


def test_what_crosses_a_second_rule_while_the_mail_is_on_its_way_is_no_second_mail() -> None:
    outbox = create_outbox()
    add(outbox, create_alert(rule="burst"))
    parcel = taken(outbox)
    assert add(outbox, create_alert(opened_us=OPENED_US + 3 * SECOND_US), position=4) == "waits"
    finish(outbox, parcel)
    assert outbox.low_position() == 4
    assert outbox.take(NOW_US) is None
    assert outbox.counts["throttled"] == 1
    assert len(outbox) == 0


def test_what_happens_while_a_message_waits_joins_it_the_worst_first() -> None:
    outbox = create_outbox()
    first = create_alert(rule="slow", severity="low")
    add(outbox, first, position=1)
    finish(outbox, taken(outbox), LATER)
    add(outbox, create_alert(rule="burst", severity="high", opened_us=OPENED_US + 1), position=2)
    add(outbox, create_alert(rule="slow", severity="low", state="updated", after_us=2), position=3)
    # The message still stands for the first event.
    assert outbox.low_position() == 1
    parcel = taken(outbox, NOW_US + MINUTE_US)
    assert told(parcel) == [
        [("tunnel.example", "burst", "opened"), ("tunnel.example", "slow", "updated")]
    ]


def test_a_message_that_waited_says_that_its_alert_is_over() -> None:
    outbox = create_outbox()
    add(outbox, create_alert())
    add(outbox, create_alert(state="recovered", after_us=1))
    assert told(taken(outbox)) == [[("tunnel.example", "unique-hostnames", "recovered")]]


def test_a_recovery_during_the_attempt_is_no_message_of_its_own() -> None:
    outbox = create_outbox(window_seconds=0)
    add(outbox, create_alert())
    parcel = taken(outbox)
    add(outbox, create_alert(state="recovered", after_us=1))
    finish(outbox, parcel)
    assert outbox.take(NOW_US) is None
    assert len(outbox) == 0


def test_growth_during_the_attempt_is_told_next() -> None:
    outbox = create_outbox()
    add(outbox, create_alert(value=201))
    parcel = taken(outbox)
    add(outbox, create_alert(state="updated", value=402, after_us=MINUTE_US), position=3)
    finish(outbox, parcel)
    assert told(taken(outbox)) == [[("tunnel.example", "unique-hostnames", "updated")]]


@pytest.mark.parametrize(
    ("changes", "admission"),
    [
        ({"value": 402}, "waits"),
        ({"value": 401}, "throttled"),
        ({"severity": "high", "value": 210}, "waits"),
    ],
)
def test_what_gets_worse_is_told_within_the_window(changes: dict[str, Any], admission: str) -> None:
    outbox = create_outbox()
    add(outbox, create_alert(severity="medium"))
    finish(outbox, taken(outbox))
    fields: dict[str, Any] = {
        "severity": "medium",
        "state": "updated",
        "after_us": MINUTE_US,
    } | changes
    assert add(outbox, create_alert(**fields)) == admission


@pytest.mark.parametrize(
    "settings",
    [{"window_seconds": -1}, {"burst": 0}, {"interval_seconds": 0}, {"most_waiting": 0}],
)
def test_numbers_that_make_no_throttle(settings: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        ThrottleSettings(**settings)


class TestFailures:
    def test_a_temporary_one_waits_longer_and_longer(self) -> None:
        outbox = create_outbox()
        add(outbox, create_alert())
        now_us = NOW_US
        for seconds in (10, 20, 40, 80, 160, 320, 640, 900, 900):
            finish(outbox, taken(outbox, now_us), LATER, now_us)
            due_us = now_us + seconds * SECOND_US
            assert outbox.next_us(now_us) == due_us
            assert outbox.take(due_us - 1) is None
            now_us = due_us
        finish(outbox, taken(outbox, now_us), ACCEPTED, now_us)
        assert len(outbox) == 0

    def test_a_permanent_one_is_done_and_does_not_mute_the_domain(self) -> None:
        outbox = create_outbox()
        add(outbox, create_alert())
        finish(outbox, taken(outbox), NEVER)
        assert len(outbox) == 0
        assert add(outbox, create_alert(rule="burst")) == "waits"

    def test_only_who_was_put_off_is_asked_again(self) -> None:
        outbox = create_outbox()
        add(outbox, create_alert())
        finish(outbox, taken(outbox), {TARGETS[0]: ACCEPTED, TARGETS[1]: LATER})
        again = taken(outbox, NOW_US + MINUTE_US)
        assert again.targets == TARGETS[1:]
        finish(outbox, again, {TARGETS[1]: NEVER})
        assert len(outbox) == 0

    def test_an_update_does_not_hide_what_was_told_to_some_only(self) -> None:
        outbox = create_outbox()
        add(outbox, create_alert(value=201), position=1)
        finish(outbox, taken(outbox), {TARGETS[0]: ACCEPTED, TARGETS[1]: LATER})
        grown = create_alert(state="updated", value=250, after_us=1)
        assert add(outbox, grown, position=2) == "throttled"
        again = taken(outbox, NOW_US + MINUTE_US)
        assert again.targets == TARGETS[1:]
        assert told(again) == [[("tunnel.example", "unique-hostnames", "opened")]]
        assert outbox.low_position() == 1

    def test_a_later_message_covers_what_some_lacked(self) -> None:
        outbox = create_outbox()
        add(outbox, create_alert(value=201))
        finish(outbox, taken(outbox), {TARGETS[0]: ACCEPTED, TARGETS[1]: LATER})
        add(outbox, create_alert(state="updated", value=402, after_us=1))
        finish(outbox, taken(outbox))
        assert outbox.take(NOW_US + MINUTE_US) is None
        assert len(outbox) == 0

    def test_but_not_what_else_they_lacked(self) -> None:
        outbox = create_outbox()
        add(outbox, create_alert(value=201))
        add(outbox, create_alert(rule="slow"))
        finish(outbox, taken(outbox), {TARGETS[0]: ACCEPTED, TARGETS[1]: LATER})
        add(outbox, create_alert(state="updated", value=402, after_us=1))
        finish(outbox, taken(outbox))
        for minutes in (1, 2):
            now_us = NOW_US + minutes * MINUTE_US
            again = taken(outbox, now_us)
            assert again.targets == TARGETS[1:]
            finish(outbox, again, LATER, now_us)
        finish(outbox, taken(outbox, NOW_US + HOUR_US))
        assert len(outbox) == 0

    def test_failed_attempts_take_no_token(self) -> None:
        outbox = create_outbox(burst=1)
        add(outbox, create_alert())
        finish(outbox, taken(outbox), LATER)
        assert outbox.take(NOW_US + 10 * SECOND_US) is not None


class TestDigest:
    def test_a_few_domains_get_a_message_each(self) -> None:
        outbox = create_outbox(burst=3)
        for number in range(3):
            add(outbox, create_alert(f"{number}.example"))
        for _ in range(3):
            parcel = taken(outbox)
            assert len(parcel.notices) == 1
            finish(outbox, parcel)
        assert outbox.take(NOW_US) is None

    def test_more_than_there_are_tokens_for_go_together(self) -> None:
        outbox = create_outbox(burst=3)
        for number in range(5):
            add(outbox, create_alert(f"{number}.example"))
        parcel = taken(outbox)
        assert len(parcel.notices) == 5
        assert parcel.message is not None
        assert parcel.message.startswith("digest.")
        finish(outbox, parcel)
        assert len(outbox) == 0
        # A digest is one message: two tokens are left, and all five domains were told.
        assert add(outbox, create_alert("3.example", rule="burst")) == "throttled"
        for number in (5, 6):
            add(outbox, create_alert(f"{number}.example"))
            finish(outbox, taken(outbox))

    def test_without_a_token_it_waits_for_one(self) -> None:
        outbox = create_outbox(burst=1, interval_seconds=300)
        add(outbox, create_alert("a.example"))
        finish(outbox, taken(outbox))
        for domain in ("b.example", "c.example"):
            add(outbox, create_alert(domain))
        assert outbox.take(NOW_US) is None
        token_us = NOW_US + 300 * SECOND_US
        assert outbox.next_us(NOW_US) == token_us
        assert outbox.take(token_us - 1) is None
        assert len(taken(outbox, token_us).notices) == 2

    def test_what_finds_no_room_is_counted_in_the_next_one(self) -> None:
        outbox = create_outbox(most_waiting=2)
        admissions = [add(outbox, create_alert(f"{number}.example")) for number in range(5)]
        assert admissions == ["waits", "waits", *["overflowed"] * 3]
        assert add(outbox, create_alert("0.example", rule="burst")) == "waits"
        parcel = taken(outbox)
        assert (len(parcel.notices), parcel.more) == (2, 3)
        finish(outbox, parcel, LATER)
        assert outbox.overflowed == 3
        parcel = taken(outbox, NOW_US + MINUTE_US)
        finish(outbox, parcel)
        assert (parcel.more, outbox.overflowed, outbox.counts["overflowed"]) == (3, 0, 3)

    def test_one_digest_has_a_bound_too(self) -> None:
        outbox = create_outbox(burst=1, most_waiting=2_000)
        for number in range(1_500):
            add(outbox, create_alert(f"{number}.example"))
        parcel = taken(outbox)
        assert len(parcel.notices) == 1_000
        finish(outbox, parcel)
        assert len(outbox) == 500

    def test_alerts_of_one_domain_have_a_bound(self) -> None:
        outbox = create_outbox()
        admissions = [add(outbox, create_alert(rule=f"rule {number}")) for number in range(12)]
        assert admissions == ["waits"] * 8 + ["overflowed"] * 4


class TestRestart:
    def test_what_was_told_is_not_told_again_even_after_the_window(self) -> None:
        outbox = create_outbox()
        outbox.apply(create_notification(create_alert(), targets=TARGETS))
        assert add(outbox, create_alert(), now_us=NOW_US + 24 * HOUR_US) == "told"
        assert outbox.take(NOW_US + 24 * HOUR_US) is None

    def test_who_was_not_told_still_is(self) -> None:
        outbox = create_outbox()
        outbox.apply(create_notification(create_alert(), targets=TARGETS[:1]))
        assert add(outbox, create_alert()) == "waits"
        assert taken(outbox).targets == TARGETS[1:]

    def test_messages_before_it_count_for_the_rate(self) -> None:
        outbox = create_outbox(burst=2)
        for domain in ("a.example", "b.example", "c.example"):
            outbox.apply(create_notification(create_alert(domain), message="digest.1"))
        outbox.apply(create_notification(create_alert("d.example"), message="d"))
        add(outbox, create_alert("e.example"))
        assert outbox.take(NOW_US) is None


def test_what_was_put_off_does_not_wait_for_a_clock_that_was_set_back() -> None:
    outbox = create_outbox()
    add(outbox, create_alert())
    finish(outbox, taken(outbox), LATER)
    assert outbox.take(NOW_US - MINUTE_US) is None  # not by more than any wait
    earlier_us = NOW_US - HOUR_US
    assert outbox.next_us(earlier_us) == earlier_us
    assert taken(outbox, earlier_us)
