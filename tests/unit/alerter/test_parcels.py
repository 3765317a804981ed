import re
from dataclasses import replace

import pytest

from geophone_alerter.parcels import (
    ACCEPTED,
    Outcome,
    digest_key,
    event_key,
    notifications_of,
)
from geophone_alerter.retries import RetrySchedule
from geophone_shared.notifications import event_of
from tests.support.alert_events import (
    NOW_US,
    SECOND_US,
    create_alert,
    create_notice,
    create_parcel,
)
from tests.support.hostile_names import FORGED_TEXTS, HOSTILE_DOMAINS

RETRIES = RetrySchedule(give_up_seconds=60)
TARGETS = ("a@example.com", "b@example.com", "c@example.com")


class TestNames:
    def test_an_event_is_named_by_its_alert_its_state_and_its_time(self) -> None:
        alert = create_alert(state="updated", after_us=7)
        assert event_key(alert) == f"{alert.id}.updated.{alert.updated_at_us}"

    @pytest.mark.parametrize("text", FORGED_TEXTS + HOSTILE_DOMAINS)
    def test_a_forged_id_can_not_put_anything_into_a_header(self, text: str) -> None:
        key = event_key(replace(create_alert(), id=text))
        assert re.fullmatch(r"[0-9a-f]{32}\.opened\.[0-9]+", key)
        assert key != event_key(replace(create_alert(), id=text + "x"))

    def test_a_digest_is_named_by_what_it_tells_in_any_order(self) -> None:
        one = create_notice(create_alert("one.example"), create_alert("one.example", rule="slow"))
        two = create_notice(create_alert("two.example"))
        assert digest_key((one, two)) == digest_key((two, one))
        assert digest_key((one,)) != digest_key((two,))
        assert re.fullmatch(r"digest\.[0-9a-f]{32}", digest_key((one, two)))


class TestNotifications:
    def test_one_record_per_result_and_none_for_what_is_tried_again(self) -> None:
        notice = create_notice(create_alert(), create_alert(rule="slow"))
        parcel = create_parcel(notice, targets=TARGETS)
        outcomes = {
            TARGETS[0]: ACCEPTED,
            TARGETS[1]: Outcome("permanent", "recipient", 550),
            TARGETS[2]: Outcome("temporary", "recipient", 451),
        }
        results = notifications_of(parcel, "email", outcomes, NOW_US, RETRIES)
        assert [found for found, _ in results] == [notice, notice]
        delivered, refused = (notification for _, notification in results)
        assert delivered.incident_id == notice.incident.id
        assert (delivered.result, delivered.targets, delivered.reason) == (
            "delivered",
            TARGETS[:1],
            None,
        )
        assert (refused.result, refused.targets, refused.reason) == (
            "refused",
            TARGETS[1:2],
            "recipient 550",
        )
        assert delivered.message == refused.message == parcel.message
        assert delivered.at_us == NOW_US
        assert delivered.events == tuple(event_of(alert) for alert in notice.alerts)

    def test_what_was_tried_for_too_long_is_refused(self) -> None:
        old = create_notice(create_alert("old.example"), since_us=NOW_US - 60 * SECOND_US)
        new = create_notice(create_alert("new.example"))
        parcel = create_parcel(old, new, targets=TARGETS[:1])
        outcomes = {TARGETS[0]: Outcome("temporary", "timeout")}
        [(notice, record)] = notifications_of(parcel, "email", outcomes, NOW_US, RETRIES)
        assert notice is old
        assert (record.result, record.reason) == ("refused", "expired: timeout")

    def test_an_accepted_one_is_not_too_old(self) -> None:
        old = create_notice(create_alert(), since_us=0)
        parcel = create_parcel(old, targets=TARGETS[:1])
        [(_, record)] = notifications_of(parcel, "log", {TARGETS[0]: ACCEPTED}, NOW_US, RETRIES)
        assert (record.result, record.channel) == ("delivered", "log")
