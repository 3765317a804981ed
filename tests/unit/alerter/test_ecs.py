import json
from dataclasses import replace
from typing import Any

import pytest

from geophone_alerter.ecs import event_line
from geophone_shared.alerts import Alert
from geophone_shared.summaries import ClientQueries
from tests.support.alert_events import NOW_US, create_alert, incident_of
from tests.support.golden import ALERT
from tests.support.hostile_names import FORGED_TEXTS, HOSTILE_DOMAINS


def event(alert: Alert) -> dict[str, Any]:
    line = event_line(incident_of(alert), alert, NOW_US)
    parsed: dict[str, Any] = json.loads(line)
    return parsed


def test_the_names_of_the_schema() -> None:
    assert event(ALERT) == {
        "@timestamp": "2023-11-14T22:14:40.500000Z",
        "ecs": {"version": "8.17.0"},
        "message": "tunnel.example: 402 different hostnames in 4 h"
        " (rule unique-hostnames, threshold 200)",
        "event": {
            "kind": "alert",
            "category": ["network", "intrusion_detection"],
            "type": ["info"],
            "module": "geophone",
            "dataset": "geophone.alert",
            "action": "updated",
            "id": ALERT.id,
            "severity": 73,
            "start": "2023-11-14T22:13:40.500000Z",
            "created": "2025-06-15T15:06:40.000000Z",
        },
        "rule": {"name": "unique-hostnames"},
        "dns": {"question": {"registered_domain": "tunnel.example"}},
        "network": {"protocol": "dns"},
        "related": {"ip": ["192.0.2.30", "2001:db8::1e"]},
        "threat": {
            "framework": "MITRE ATT&CK",
            "tactic": {
                "id": ["TA0011", "TA0010"],
                "name": ["Command and Control", "Exfiltration"],
            },
            "technique": {
                "id": ["T1071", "T1572", "T1048"],
                "name": [
                    "Application Layer Protocol",
                    "Protocol Tunneling",
                    "Exfiltration Over Alternative Protocol",
                ],
                "subtechnique": {"id": ["T1071.004"], "name": ["DNS"]},
            },
        },
        "geophone": {
            "schema": "geophone.alert/1",
            "total_requests": 201,
            "unique_hostnames": 201,
            "total_bytes_in": 14_070,
            "total_bytes_out": 31_155,
            "total_bytes": 45_225,
            "incident_id": incident_of(ALERT).id,
            "severity": "high",
            "allowed": False,
            "measure": "unique_hostnames",
            "value": 402,
            "value_lower": 402,
            "value_upper": 402,
            "value_exact": True,
            "threshold": 200,
            "window_seconds": 14_400,
            "exact": True,
            "unique_hostnames_lower": 201,
            "unique_hostnames_upper": 201,
            "information_bytes": 6_432,
            "unanswered": 7,
            "clients": 2,
            "clients_exact": True,
            "top_clients": [
                {"address": "192.0.2.30", "queries": 150},
                {"address": "2001:db8::1e", "queries": 51},
            ],
            "query_types": [
                {"name": "NULL", "count": 190},
                {"name": "TXT", "count": 10},
                {"name": "TYPE65399", "count": 1},
            ],
            "response_codes": [
                {"name": "NOERROR", "count": 180},
                {"name": "NXDOMAIN", "count": 14},
            ],
            "first_seen": "2023-11-14T22:13:20.000000Z",
            "last_seen": "2023-11-14T22:13:40.499250Z",
            "sample_names": list(ALERT.evidence.sample_names),
        },
    }


def test_an_event_that_is_over_has_an_end() -> None:
    recovered = event(create_alert(state="recovered", after_us=5_000_000))
    assert recovered["event"]["action"] == "recovered"
    assert recovered["event"]["end"] == recovered["@timestamp"] == "2023-11-14T22:13:25.000000Z"


def test_an_allowed_domain_is_marked() -> None:
    allowed = event(create_alert(allowed=True))
    assert allowed["geophone"]["allowed"] is True
    assert "on the allow list" in allowed["message"]


def test_what_is_no_address_is_not_in_a_field_of_addresses() -> None:
    clients = (ClientQueries("192.0.2.1", 2), ClientQueries("<script>", 1))
    alert = replace(ALERT, evidence=replace(ALERT.evidence, top_clients=clients))
    assert event(alert)["related"]["ip"] == ["192.0.2.1"]
    assert event(alert)["geophone"]["top_clients"][1]["address"] == "<script>"


@pytest.mark.parametrize("text", HOSTILE_DOMAINS + FORGED_TEXTS)
def test_hostile_text_stays_within_its_line_and_its_field(text: str) -> None:
    alert = replace(
        create_alert(text),
        rule=text,
        measure=text,
        evidence=replace(ALERT.evidence, sample_names=(text,)),
    )
    line = event_line(incident_of(alert), alert, NOW_US)
    assert line.isascii()
    assert line.decode("ascii")[:-1].isprintable()
    assert line.endswith(b"}\n")
    parsed = json.loads(line)
    assert parsed["dns"]["question"]["registered_domain"] == text
    assert parsed["rule"]["name"] == text
    assert parsed["geophone"]["sample_names"] == [text]
    assert set(parsed) == set(event(ALERT))
