import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geophone_shared.alerts import (
    MOST_ALERT_BYTES,
    Alert,
    alert_id,
    decode_alert,
    encode_alert,
    from_json,
    to_json,
)
from geophone_shared.errors import InvalidRecordError
from tests.support.alerts import alerts
from tests.support.golden import ALERT

CONTRACT = (
    "schema id state rule severity registered_domain opened_at updated_at recovered_at"
    " window_seconds measure value value_lower value_upper value_exact threshold allowed evidence"
)
JSON_VALUES: list[Any] = [None, True, -1, 2**63, 1.5, "", "x", [], [1], {}, {"a": "b"}]


def golden() -> dict[str, Any]:
    """A copy of the golden alert's JSON that a test may change."""
    copied: dict[str, Any] = json.loads(encode_alert(ALERT))
    return copied


def reason_of(value: object) -> str:
    with pytest.raises(InvalidRecordError) as raised:
        from_json(value)
    return str(raised.value)


@given(alerts)
def test_round_trip(alert: Alert) -> None:
    assert decode_alert(encode_alert(alert)) == alert


def test_fields_of_the_contract_in_their_order() -> None:
    assert list(to_json(ALERT)) == CONTRACT.split()


def test_a_recovered_alert() -> None:
    recovered = replace(ALERT, state="recovered", recovered_at_us=1_700_000_900_000_000)
    assert to_json(recovered)["recovered_at"] == "2023-11-14T22:28:20.000000Z"
    assert from_json(to_json(recovered)) == recovered


def test_an_estimated_value_comes_with_its_bounds() -> None:
    estimated = replace(ALERT, value=6_500, value_bounds=(6_300, 6_700))
    json_object = to_json(estimated)
    assert (json_object["value_lower"], json_object["value_upper"]) == (6_300, 6_700)
    assert json_object["value_exact"] is False
    assert from_json(json_object) == estimated


def test_an_exact_value_has_no_other_bounds() -> None:
    assert reason_of(to_json(ALERT) | {"value_upper": 403}) == "ill_typed_field"


class TestId:
    def test_is_what_the_documentation_says(self) -> None:
        data = b"burst\x00tunnel.example\x001700000000000000"
        expected = hashlib.blake2b(data, digest_size=16).hexdigest()
        assert alert_id("burst", "tunnel.example", 1_700_000_000_000_000) == expected
        assert len(expected) == 32

    def test_case_of_the_domain_does_not_matter(self) -> None:
        assert alert_id("burst", "Tunnel.EXAMPLE", 1) == alert_id("burst", "tunnel.example", 1)

    def test_every_part_matters(self) -> None:
        parts = [("a", "b", 1), ("ab", "", 1), ("", "ab", 1), ("a", "b", 11), ("a", "b1", 1)]
        assert len({alert_id(*part) for part in parts}) == len(parts)

    def test_parts_can_not_run_together(self) -> None:
        for rule, domain in (("a\0b", "c"), ("a", "b\0c")):
            with pytest.raises(ValueError, match="NUL"):
                alert_id(rule, domain, 1)


class TestReader:
    def test_unknown_fields_are_ignored(self) -> None:
        value = golden()
        value["added_later"] = {"a": [1]}
        value["evidence"]["added_later"] = None
        assert from_json(value) == ALERT

    @pytest.mark.parametrize("name", CONTRACT.split())
    def test_missing_field(self, name: str) -> None:
        value = golden()
        del value[name]
        assert reason_of(value) == "missing_field"

    @pytest.mark.parametrize("name", [name for name in golden()["evidence"] if "total" not in name])
    def test_missing_evidence(self, name: str) -> None:
        value = golden()
        del value["evidence"][name]
        assert reason_of(value) == "missing_field"

    @pytest.mark.parametrize("part", ["", "evidence"])
    def test_ill_typed_fields(self, part: str) -> None:
        good = golden()
        for name, was in (good[part] if part else good).items():
            for other in JSON_VALUES:
                value = golden()
                (value[part] if part else value)[name] = other
                try:
                    read = from_json(value)
                except InvalidRecordError as error:
                    allowed = {"ill_typed_field", "missing_field", "schema"}
                    if str(error) not in allowed:
                        pytest.fail(f"{name} = {other!r}: {error}")
                else:
                    # Then it was of the right type after all, or nobody reads it.
                    is_read = name != "bytes_total"
                    same_kind = type(other) is type(was) or other is None
                    assert same_kind or not is_read
                    assert read != ALERT or not is_read or other == was

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("state", "closed"),
            ("severity", "HIGH"),
            ("opened_at", "yesterday"),
            ("opened_at", "1969-12-31T23:59:59Z"),
            ("registered_domain", "evil.example\r\nBcc: everyone@example.com"),
            ("registered_domain", "evil\x1b[2J.example"),
            ("rule", "\u202egnp.exe"),
            ("measure", "\ud800"),
            ("id", "a" * 1_025),
        ],
    )
    def test_texts_that_are_refused(self, name: str, text: str) -> None:
        assert reason_of(golden() | {name: text}) == "ill_typed_field"

    def test_names_and_keys_in_the_evidence_are_texts_too(self) -> None:
        for name, bad in (
            ("sample_names", ["good.example", "b\nad.example"]),
            ("query_types", {"A\n": 1}),
            ("top_clients", [{"address": "\x00", "queries": 1}]),
        ):
            value = golden()
            value["evidence"][name] = bad
            assert reason_of(value) == "ill_typed_field"

    @pytest.mark.parametrize(
        ("schema", "reason"),
        [
            ("geophone.alert/2", "newer_schema"),
            ("geophone.alert/10", "newer_schema"),
            ("geophone.alert/0", "schema"),
            ("geophone.alert/01", "schema"),
            ("geophone.alert/", "schema"),
            ("geophone.alert/1.1", "schema"),
            ("geophone.replay/1", "schema"),
        ],
    )
    def test_schema(self, schema: str, reason: str) -> None:
        assert reason_of(golden() | {"schema": schema}) == reason

    @pytest.mark.parametrize("value", [None, [], "alert", 1, True])
    def test_not_an_object(self, value: object) -> None:
        assert reason_of(value) == "json"


class TestBytes:
    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (b"", "json"),
            (b"{", "json"),
            (b"[]", "json"),
            (b"\xff\xfe", "json"),
            (b'{"schema": "\xff"}', "json"),
            (b"[" * 100_000, "json"),
            (b'{"schema":' * 20_000, "json"),
            (b'{"value": ' + b"9" * 5_000 + b"}", "json"),
            (b" " * (MOST_ALERT_BYTES + 1), "too_large"),
        ],
        ids=range(9),
    )
    def test_refused(self, data: bytes, reason: str) -> None:
        with pytest.raises(InvalidRecordError) as raised:
            decode_alert(data)
        assert str(raised.value) == reason

    def test_cut_at_every_byte(self) -> None:
        data = encode_alert(ALERT)
        for end in range(len(data)):
            with pytest.raises(InvalidRecordError):
                decode_alert(data[:end])

    @given(st.data())
    def test_changed_bytes(self, data: st.DataObject) -> None:
        changed = bytearray(encode_alert(ALERT))
        for _ in range(data.draw(st.integers(1, 4))):
            changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
        try:
            alert = decode_alert(bytes(changed))
        except InvalidRecordError:
            return
        assert decode_alert(encode_alert(alert)) == alert

    def test_is_ascii(self) -> None:
        assert encode_alert(replace(ALERT, rule="größer")).isascii()
