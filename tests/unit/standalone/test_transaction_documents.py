"""Transactions as documents: Packetbeat's fields, by example."""

import json
from typing import Any

import numpy as np
import pytest

from geophone.transaction_documents import document_line, transaction_document
from geophone_shared.transactions import (
    NOTE_TEXTS,
    ROW,
    SPAN,
    Note,
    Outcome,
    Responses,
    Transactions,
)
from tests.support.dns_messages import OPT_RECORD, RESPONSE, TO_QUESTION, message, record
from tests.support.rows import transactions_from, wire_name

NAME = wire_name(b"nothing", b"elastic", b"co")
START_US = 1_500_000_000_000_000


def a_row(**fields: Any) -> Any:
    """The look-up in Elastic's sample event (elastic/integrations), but for its answer."""
    row = np.zeros(1, ROW)
    values = {
        "time_us": START_US,
        "completed_us": START_US + 58_475,
        "duration_us": 58_475,
        "outcome": Outcome.ANSWERED,
        "transport": 17,
        "client_low": 0xFFFF_C0A8_EE44,
        "server_low": 0xFFFF_0808_0808,
        "client_port": 65_020,
        "server_port": 53,
        "dns_id": 26_187,
        "query_type": 1,
        "query_class": 1,
        "query_flags": 0x0100,
        "response_flags": 0x8183,
        "bytes_in": 36,
        "bytes_out": 121,
        "authorities": 1,
        "domain_offset": 8,
    }
    for field, value in (values | fields).items():
        row[field] = value
    return row[0]


def test_the_sample_event_of_elastic() -> None:
    client = {"ip": "192.168.238.68", "port": 65_020, "bytes": 36}
    server = {"ip": "8.8.8.8", "port": 53, "bytes": 121}
    document: Any = transaction_document(a_row(), NAME, None)
    assert document["network"].pop("community_id").startswith("1:")
    assert document == {
        "@timestamp": "2017-07-14T02:40:00.000000Z",
        "ecs": {"version": "8.17.0"},
        "type": "dns",
        "status": "Error",
        "method": "QUERY",
        "query": "class IN, type A, nothing.elastic.co",
        "resource": "nothing.elastic.co",
        "source": client,
        "destination": server,
        "client": client,
        "server": server,
        "network": {
            "type": "ipv4",
            "transport": "udp",
            "protocol": "dns",
            "bytes": 157,
        },
        "event": {
            "kind": "event",
            "category": ["network"],
            "type": ["connection", "protocol"],
            "dataset": "dns",
            "start": "2017-07-14T02:40:00.000000Z",
            "end": "2017-07-14T02:40:00.058475Z",
            "duration": 58_475_000,
        },
        "related": {"ip": ["192.168.238.68", "8.8.8.8"]},
        "dns": {
            "id": 26_187,
            "type": "answer",
            "op_code": "QUERY",
            "response_code": "NXDOMAIN",
            "header_flags": ["RD", "RA"],
            "flags": {
                "authoritative": False,
                "truncated_response": False,
                "recursion_desired": True,
                "recursion_available": True,
                "authentic_data": False,
                "checking_disabled": False,
            },
            "question": {
                "name": "nothing.elastic.co",
                "type": "A",
                "class": "IN",
                "registered_domain": "elastic.co",
                "top_level_domain": "co",
                "subdomain": "nothing",
                "etld_plus_one": "elastic.co",
            },
            "answers_count": 0,
            "authorities_count": 1,
            "additionals_count": 0,
        },
    }


def test_a_flow_has_one_community_id_in_both_directions() -> None:
    # An example of the specification (github.com/corelight/community-id-spec):
    # 128.232.110.120:34855 and 66.35.250.204:80.
    ends = {"client_low": 0xFFFF_80E8_6E78, "server_low": 0xFFFF_4223_FACC}
    ports = {"client_port": 34_855, "server_port": 80, "transport": 6}
    document: Any = transaction_document(a_row(**ends, **ports), NAME, None)
    turned = {"server_low": ends["client_low"], "client_low": ends["server_low"]}
    turned |= {"client_port": 80, "server_port": 34_855, "transport": 6}
    other: Any = transaction_document(a_row(**turned), NAME, None)
    assert document["network"]["community_id"] == "1:LQU9qZlK+B5F3KDmev6m5PMibrg="
    assert other["network"]["community_id"] == "1:LQU9qZlK+B5F3KDmev6m5PMibrg="
    assert document["network"]["transport"] == "tcp"


def test_answers_are_in_it_where_the_response_was_kept() -> None:
    response = message(
        answers=[record(TO_QUESTION)], additionals=[OPT_RECORD, record(TO_QUESTION)], flags=RESPONSE
    )
    row = a_row(response_flags=0x8180, answers=1, authorities=0, additionals=2)
    document: Any = transaction_document(row, NAME, response)
    a = {"name": "www.example.com", "type": "A", "class": "IN", "ttl": "0", "data": "127.0.0.1"}
    assert document["status"] == "OK"
    assert document["related"] == {"ip": ["192.168.238.68", "8.8.8.8", "127.0.0.1"]}
    dns = document["dns"]
    assert (dns["answers"], dns["additionals"], "authorities" in dns) == ([a], [a], False)
    assert (dns["answers_count"], dns["additionals_count"]) == (1, 1)
    assert dns["resolved_ip"] == ["127.0.0.1"]
    assert dns["opt"] == {"version": "0", "do": False, "udp_size": 4_096, "ext_rcode": "NOERROR"}
    assert "error" not in document
    without: Any = transaction_document(row, NAME, None)
    assert "additionals_count" not in without["dns"], "an OPT record may be among them"
    assert "answers" not in without["dns"]


def test_a_code_that_is_longer_than_the_header() -> None:
    opt = record(b"\0", 41, b"", record_class=1_232).replace(bytes(6), b"\1\0\x80\0\0\0", 1)
    row = a_row(response_flags=0x8180, additionals=1)
    document: Any = transaction_document(row, NAME, message(additionals=[opt], flags=RESPONSE))
    assert document["dns"]["response_code"] == "BADVERS"
    assert document["dns"]["header_flags"] == ["RD", "RA", "DO"]
    assert document["status"] == "OK", "as Packetbeat: by the header"


def test_a_query_without_a_response() -> None:
    row = a_row(
        outcome=Outcome.UNANSWERED,
        duration_us=-1,
        response_flags=0,
        bytes_out=0,
        authorities=0,
        notes=Note.NO_RESPONSE,
    )
    document: Any = transaction_document(row, NAME, None)
    assert document["dns"]["type"] == "query"
    assert document["dns"]["header_flags"] == ["RD"]
    assert document["status"] == "Error"
    assert document["error"] == {"message": NOTE_TEXTS[Note.NO_RESPONSE]}
    assert "bytes" not in document["destination"]
    assert document["network"]["bytes"] == document["source"]["bytes"] == 36
    assert document["event"].keys().isdisjoint({"end", "duration"})


def test_a_response_without_a_query() -> None:
    row = a_row(
        outcome=Outcome.UNSOLICITED,
        duration_us=-1,
        query_flags=0,
        bytes_in=0,
        client_high=0x20010DB8_00000000,
        client_low=1,
        notes=Note.NO_QUERY | Note.QUESTION_DIFFERS,
    )
    document: Any = transaction_document(row, NAME, None)
    assert document["dns"]["type"] == "answer"
    assert document["status"] == "Error"
    assert document["error"]["message"] == [
        NOTE_TEXTS[Note.NO_QUERY],
        NOTE_TEXTS[Note.QUESTION_DIFFERS],
    ]
    assert "bytes" not in document["source"]
    assert (document["source"]["ip"], document["network"]["type"]) == ("2001:db8::1", "ipv6")
    assert document["event"].keys().isdisjoint({"start", "duration"})


@pytest.mark.parametrize(
    ("notes", "told"),
    [
        (Note(0), NOTE_TEXTS[Note.MALFORMED_RESPONSE_RECORDS]),
        (Note.MALFORMED_RESPONSE_RECORDS, NOTE_TEXTS[Note.MALFORMED_RESPONSE_RECORDS]),
        (Note.CUT_BY_SNAPLEN, NOTE_TEXTS[Note.CUT_BY_SNAPLEN]),
    ],
)
def test_what_is_missing_of_a_response_is_told_once(notes: Note, told: str) -> None:
    response = message(answers=[record(TO_QUESTION)], flags=RESPONSE)[:-1]
    document: Any = transaction_document(a_row(notes=notes, answers=1), NAME, response)
    assert document["error"] == {"message": told}


@pytest.mark.parametrize(
    ("name", "offset", "parts"),
    [
        (b"", 0, {}),
        (wire_name(b"wpad"), 0, {"registered_domain": "wpad", "etld_plus_one": "wpad"}),
        (
            wire_name(b"a.\xff", b"b", b"c"),
            4,
            {
                "registered_domain": "b.c",
                "etld_plus_one": "b.c",
                "top_level_domain": "c",
                "subdomain": r"a\046\255",
            },
        ),
    ],
)
def test_parts_of_a_name(name: bytes, offset: int, parts: dict[str, str]) -> None:
    document: Any = transaction_document(a_row(domain_offset=offset), name, None)
    question = document["dns"]["question"]
    assert {key: question[key] for key in question.keys() - {"name", "type", "class"}} == parts


def test_a_line() -> None:
    rows = np.array([a_row(), a_row()], ROW)
    response = message(answers=[record(TO_QUESTION)], flags=RESPONSE)
    spans = np.array([(0, -1), (2, len(response))], SPAN)
    octets = np.frombuffer(b"ab" + response, np.uint8)
    made = transactions_from(rows, [NAME, NAME])
    kept = Transactions(made.rows, made.names, Responses(spans, octets))
    for row, raw in ((0, None), (1, response)):
        line = document_line(kept, row)
        assert line.endswith("}\n")
        assert json.loads(line) == transaction_document(rows[row], NAME, raw)
