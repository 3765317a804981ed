from geophone_alerter.event_queue import EventQueue
from geophone_alerter.parcels import ACCEPTED, Outcome, Parcel, notifications_of
from geophone_alerter.retries import RetrySchedule
from geophone_shared.alerts import Alert
from tests.support.alert_events import (
    NOW_US,
    SECOND_US,
    create_alert,
    create_notification,
    incident_of,
)

RETRIES = RetrySchedule(first_seconds=10)
EVENTS = [
    create_alert(),
    create_alert(allowed=True, rule="slow"),
    create_alert(state="updated", after_us=1),
    create_alert(state="recovered", after_us=2),
]


def create_queue(alerts: list[Alert], most_waiting: int = 10_000) -> EventQueue:
    queue = EventQueue(("file",), RETRIES, most_waiting)
    for position, alert in enumerate(alerts):
        queue.add(incident_of(alert), alert, position, NOW_US)
    return queue


def finish(queue: EventQueue, parcel: Parcel, outcome: Outcome = ACCEPTED) -> None:
    for _, record in notifications_of(parcel, "log", {"file": outcome}, NOW_US, RETRIES):
        queue.apply(record)
    queue.settle(parcel, NOW_US, 1.0)


def test_every_event_is_written_in_order_allowed_and_recovered_ones_too() -> None:
    queue = create_queue(EVENTS)
    parcel = queue.take(NOW_US)
    assert parcel is not None
    assert [notice.alerts for notice in parcel.notices] == [(event,) for event in EVENTS]
    assert (parcel.targets, parcel.message) == (("file",), None)
    finish(queue, parcel)
    assert (len(queue), queue.take(NOW_US), queue.next_us(NOW_US)) == (0, None, None)
    assert queue.low_position() is None


def test_what_fails_stays_first() -> None:
    queue = create_queue(EVENTS)
    parcel = queue.take(NOW_US)
    assert parcel is not None
    finish(queue, parcel, Outcome("temporary", "no_space"))
    assert queue.take(NOW_US + 10 * SECOND_US - 1) is None
    assert queue.next_us(NOW_US) == NOW_US + 10 * SECOND_US
    assert queue.take(NOW_US + 10 * SECOND_US) == parcel
    assert queue.low_position() == 0


def test_what_fails_does_not_wait_for_a_clock_that_was_set_back() -> None:
    queue = create_queue(EVENTS)
    parcel = queue.take(NOW_US)
    assert parcel is not None
    finish(queue, parcel, Outcome("temporary", "no_space"))
    earlier_us = NOW_US - 3_600 * SECOND_US
    assert queue.next_us(earlier_us) == earlier_us
    assert queue.take(earlier_us) == parcel


def test_what_was_written_before_a_restart_is_not_written_again() -> None:
    queue = EventQueue(("file",), RETRIES)
    for event in EVENTS[:2]:
        queue.apply(create_notification(event, channel="log", targets=("file",)))
    admissions = [queue.add(incident_of(event), event, 0, NOW_US) for event in EVENTS]
    assert admissions == ["told", "told", "waits", "waits"]


def test_a_full_one_asks_to_come_back() -> None:
    queue = create_queue(EVENTS[:3], most_waiting=3)
    event = EVENTS[3]
    assert queue.add(incident_of(event), event, 3, NOW_US) == "full"
    parcel = queue.take(NOW_US)
    assert parcel is not None
    finish(queue, parcel)
    assert queue.add(incident_of(event), event, 3, NOW_US) == "waits"
    assert queue.counts == {"waits": 4}


def test_many_go_in_parcels() -> None:
    queue = create_queue([create_alert(f"{number}.example") for number in range(300)])
    sizes = []
    while parcel := queue.take(NOW_US):
        sizes.append(len(parcel.notices))
        finish(queue, parcel)
    assert sizes == [256, 44]
