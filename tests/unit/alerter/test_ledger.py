from geophone_alerter.ledger import Ledger
from geophone_shared.notifications import event_of
from tests.support.alert_events import create_alert, create_notification

TARGETS = ("a@example.com", "b@example.com")
OPENED = create_alert()
UPDATED = create_alert(state="updated", after_us=5)


def test_nobody_knows_what_was_not_told() -> None:
    assert Ledger(TARGETS).targets_left(event_of(OPENED)) == TARGETS


def test_each_target_is_told_once() -> None:
    ledger = Ledger(TARGETS)
    ledger.apply(create_notification(OPENED, targets=TARGETS[1:]))
    assert ledger.targets_left(event_of(OPENED)) == TARGETS[:1]
    ledger.apply(create_notification(OPENED, targets=TARGETS[:1]))
    assert ledger.targets_left(event_of(OPENED)) == ()


def test_a_target_that_refused_for_good_is_not_asked_again() -> None:
    ledger = Ledger(TARGETS)
    ledger.apply(create_notification(OPENED, targets=TARGETS, result="refused"))
    assert ledger.targets_left(event_of(OPENED)) == ()


def test_a_later_event_covers_the_earlier_ones_and_not_the_other_way_round() -> None:
    ledger = Ledger(TARGETS)
    ledger.apply(create_notification(OPENED, targets=TARGETS))
    assert ledger.targets_left(event_of(UPDATED)) == TARGETS
    ledger.apply(create_notification(UPDATED, targets=TARGETS[:1]))
    assert ledger.targets_left(event_of(OPENED)) == ()
    assert ledger.targets_left(event_of(UPDATED)) == TARGETS[1:]


def test_records_that_come_late_change_nothing() -> None:
    ledger = Ledger(TARGETS)
    ledger.apply(create_notification(UPDATED, targets=TARGETS))
    ledger.apply(create_notification(OPENED, targets=TARGETS[:1]))
    assert ledger.targets_left(event_of(UPDATED)) == ()


def test_a_target_that_was_added_since_is_told_too() -> None:
    ledger = Ledger((*TARGETS, "c@example.com"))
    ledger.apply(create_notification(OPENED, targets=(*TARGETS, "gone@example.com")))
    assert ledger.targets_left(event_of(OPENED)) == ("c@example.com",)


def test_it_is_bounded() -> None:
    ledger = Ledger(TARGETS, most_alerts=2)
    alerts = [create_alert(f"{number}.example") for number in range(3)]
    for alert in alerts:
        ledger.apply(create_notification(alert, targets=TARGETS))
    left = [ledger.targets_left(event_of(alert)) for alert in alerts]
    assert left == [TARGETS, (), ()]
    assert ledger.forgotten == 1
