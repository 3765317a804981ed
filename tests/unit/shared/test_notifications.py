import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geophone_shared.alerts import SEVERITIES, STATES, alert_id
from geophone_shared.errors import InvalidRecordError
from geophone_shared.json_fields import LARGEST_NUMBER
from geophone_shared.notifications import (
    MOST_NOTIFICATION_BYTES,
    RESULTS,
    AlertEvent,
    Notification,
    decode_notification,
    encode_notification,
    event_of,
    incident_id,
    notification_key,
)
from geophone_shared.timestamps import LATEST_TIME_US
from tests.support.golden import ALERT, NOTIFICATION

CONTRACT = "schema incident registered_domain channel result targets reason message at events"
EVENT_CONTRACT = "id rule state severity updated_at value"
JSON_VALUES: list[Any] = [None, True, -1, 2**63, 1.5, "", "x", [], [1], {}, {"a": "b"}]

_printable = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FFF), max_size=40).filter(
    str.isprintable
)
_times = st.integers(0, LATEST_TIME_US)
_events = st.builds(
    AlertEvent,
    id=_printable,
    rule=_printable,
    state=st.sampled_from(STATES),
    severity=st.sampled_from(SEVERITIES),
    updated_at_us=_times,
    value=st.integers(0, LARGEST_NUMBER),
)
notifications = st.builds(
    Notification,
    incident_id=_printable,
    registered_domain=_printable,
    channel=_printable,
    result=st.sampled_from(RESULTS),
    targets=st.lists(_printable, max_size=3).map(tuple),
    reason=st.none() | _printable,
    message=st.none() | _printable,
    at_us=_times,
    events=st.lists(_events, max_size=3).map(tuple),
)


def golden() -> dict[str, Any]:
    """A copy of the golden notification's JSON that a test may change."""
    copied: dict[str, Any] = json.loads(encode_notification(NOTIFICATION))
    return copied


def reason_of(value: object) -> str:
    with pytest.raises(InvalidRecordError) as raised:
        decode_notification(json.dumps(value).encode())
    return str(raised.value)


@given(notifications)
def test_round_trip(notification: Notification) -> None:
    data = encode_notification(notification)
    assert data.isascii()
    assert decode_notification(data) == notification


def test_fields_of_the_contract_in_their_order() -> None:
    assert list(golden()) == CONTRACT.split()
    assert list(golden()["events"][0]) == EVENT_CONTRACT.split()


def test_the_key_is_the_incident() -> None:
    assert notification_key(NOTIFICATION) == NOTIFICATION.incident_id.encode()


def test_an_event_is_what_an_alert_said_last() -> None:
    assert event_of(ALERT) == NOTIFICATION.events[0]


def test_events_of_an_alert_are_in_order() -> None:
    opened = event_of(replace(ALERT, state="opened"))
    updated = event_of(replace(ALERT, state="updated"))
    recovered = event_of(replace(ALERT, state="recovered"))
    later = event_of(replace(ALERT, state="opened", updated_at_us=ALERT.updated_at_us + 1))
    assert opened.order < updated.order < recovered.order < later.order


class TestIncidentId:
    def test_is_what_the_documentation_says(self) -> None:
        expected = hashlib.blake2b(b"tunnel.example\x001700000000000000", digest_size=16)
        assert incident_id("tunnel.example", 1_700_000_000_000_000) == expected.hexdigest()

    def test_case_of_the_domain_does_not_matter(self) -> None:
        assert incident_id("Tunnel.EXAMPLE", 1) == incident_id("tunnel.example", 1)

    def test_every_part_matters_and_no_alert_shares_it(self) -> None:
        ids = {
            incident_id("a", 1),
            incident_id("a", 2),
            incident_id("b", 1),
            incident_id("a1", 1),
            alert_id("", "a", 1),
            alert_id("a", "", 1),
        }
        assert len(ids) == 6


class TestReader:
    def test_unknown_fields_are_ignored(self) -> None:
        value = golden()
        value["added_later"] = {"a": [1]}
        value["events"][0]["added_later"] = None
        assert decode_notification(json.dumps(value).encode()) == NOTIFICATION

    @pytest.mark.parametrize("name", CONTRACT.split())
    def test_missing_field(self, name: str) -> None:
        value = golden()
        del value[name]
        assert reason_of(value) == "missing_field"

    @pytest.mark.parametrize("name", EVENT_CONTRACT.split())
    def test_missing_field_of_an_event(self, name: str) -> None:
        value = golden()
        del value["events"][0][name]
        assert reason_of(value) == "missing_field"

    @pytest.mark.parametrize("name", CONTRACT.split())
    def test_ill_typed_fields(self, name: str) -> None:
        was = golden()[name]
        for other in JSON_VALUES:
            data = json.dumps(golden() | {name: other}).encode()
            try:
                decode_notification(data)
            except InvalidRecordError as error:
                if str(error) not in {"ill_typed_field", "schema", "json"}:
                    pytest.fail(f"{other!r}: {error}")
            else:
                may_be_null = name in {"reason", "message"}
                assert type(other) is type(was) or (may_be_null and other in {None, "", "x"})

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("result", "acknowledged"),
            ("at", "yesterday"),
            ("incident", "a\nb"),
            ("targets", ["a@b", "c\x1bd"]),
            ("reason", "\u202e"),
        ],
    )
    def test_texts_that_are_refused(self, name: str, text: object) -> None:
        assert reason_of(golden() | {name: text}) == "ill_typed_field"

    @pytest.mark.parametrize(
        ("schema", "reason"),
        [
            ("geophone.notification/2", "newer_schema"),
            ("geophone.notification/0", "schema"),
            ("geophone.notification/1.1", "schema"),
            ("geophone.notification", "schema"),
            ("geophone.alert/1", "schema"),
        ],
    )
    def test_schema(self, schema: str, reason: str) -> None:
        assert reason_of(golden() | {"schema": schema}) == reason

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (b"", "json"),
            (b"[]", "json"),
            (b"\xff", "json"),
            (b"[" * 100_000, "json"),
            (b" " * (MOST_NOTIFICATION_BYTES + 1), "too_large"),
        ],
        ids=range(5),
    )
    def test_bytes_that_are_refused(self, data: bytes, reason: str) -> None:
        with pytest.raises(InvalidRecordError) as raised:
            decode_notification(data)
        assert str(raised.value) == reason

    @given(st.data())
    def test_changed_bytes(self, data: st.DataObject) -> None:
        changed = bytearray(encode_notification(NOTIFICATION))
        for _ in range(data.draw(st.integers(1, 4))):
            changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
        try:
            notification = decode_notification(bytes(changed))
        except InvalidRecordError:
            return
        assert decode_notification(encode_notification(notification)) == notification
