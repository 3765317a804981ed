"""Records of responses: Packetbeat's fields of each type, and what an attacker may send."""

import struct

import dns.message
import dns.rrset
import pytest

from geophone.resource_records import (
    MOST_RECORDS,
    TOO_MANY_RECORDS,
    UNDECODABLE_DATA,
    Contents,
    decode_response,
)
from tests.support.dns_messages import RESPONSE, ROOT, TO_QUESTION, TXT, A, message, name, record

CNAME, NULL = 5, 10
CHAOS = 3


def decoded(*texts: str) -> Contents:
    """The records of a response with these answers, as dnspython writes it."""
    response = dns.message.Message()
    response.answer = [
        dns.rrset.from_text("x.example.", 60, "IN", *each.split(" ", 1)) for each in texts
    ]
    return decode_response(response.to_wire())


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("A 192.0.2.1", {"data": "192.0.2.1"}),
        ("AAAA 2001:DB8::1", {"data": "2001:db8::1"}),
        ("CNAME y.example.", {"data": "y.example"}),
        ("DNAME y.example.", {"data": "y.example"}),
        ("NS .", {"data": "."}),
        (r"PTR a\.b.\000c.example.", {"data": r"a\046b.\000c.example"}),
        ("MX 10 mx.example.", {"preference": 10, "data": "mx.example"}),
        (
            "SRV 1 2 53 ns.example.",
            {"priority": 1, "weight": 2, "port": 53, "data": "ns.example"},
        ),
        (
            "SOA ns.example. root.example. 1 2 3 4 5",
            {
                "rname": "root.example",
                "serial": 1,
                "refresh": 2,
                "retry": 3,
                "expire": 4,
                "minimum": 5,
                "data": "ns.example",
            },
        ),
        (r'TXT "a b" "\000\255\\" "c"', {"data": r"a b \000\255\092 c"}),
        (
            "DS 20326 8 2 " + "ab" * 32,
            {
                "key_tag": "20326",
                "algorithm": "RSASHA256",
                "digest_type": "SHA256",
                "data": "AB" * 32,
            },
        ),
        (
            "DNSKEY 257 3 13 " + "AAAA" * 30,
            {
                "flags": "257",
                "protocol": "3",
                "algorithm": "ECDSAP256SHA256",
                "data": "AAAA" * 30,
            },
        ),
        (
            "RRSIG A 13 2 300 20260102000000 20260101000000 7 example. " + "AAAA" * 30,
            {
                "type_covered": "A",
                "algorithm": "ECDSAP256SHA256",
                "labels": "2",
                "original_ttl": "300",
                "expiration": "20260102000000",
                "inception": "20260101000000",
                "key_tag": "7",
                "signer_name": "example",
                "data": "AAAA" * 30,
            },
        ),
        ('CAA 0 issue "ca.example"', {"data": '0 issue "ca.example"'}),
        ("TYPE65399 \\# 2 00ff", {"data": "\\# 2 00ff"}),
    ],
)
def test_types(text: str, fields: dict[str, object]) -> None:
    contents = decoded(text)
    (answer,) = contents.answers
    head = {"name": "x.example", "type": text.split(maxsplit=1)[0], "class": "IN", "ttl": "60"}
    assert answer == head | fields
    assert contents.notes == []
    assert contents.is_whole


def test_addresses_of_answers_come_once() -> None:
    contents = decoded("A 192.0.2.1", "AAAA ::1", "A 192.0.2.1", "CNAME y.example.")
    assert contents.addresses == ["192.0.2.1", "::1"]


def test_sections_and_the_opt_record() -> None:
    opt = ROOT + struct.pack("!HHIH", 41, 1_232, 1 << 24 | 2 << 16 | 0x8000, 0)
    wire = message(
        answers=[record(TO_QUESTION)],
        authorities=[record(TO_QUESTION, TXT, b"\1a")],
        additionals=[opt, record(TO_QUESTION), opt],
        flags=RESPONSE,
    )
    contents = decode_response(wire)
    assert [each["type"] for each in contents.answers] == ["A"]
    assert [each["type"] for each in contents.authorities] == ["TXT"]
    assert [each["type"] for each in contents.additionals] == ["A"]
    assert contents.opt == {"version": "2", "do": True, "udp_size": 1_232, "ext_rcode": "BADVERS"}
    assert (contents.opt_records, contents.extended_code) == (2, 1)
    assert contents.addresses == ["127.0.0.1"], "of the answers alone"


@pytest.mark.parametrize(
    ("kind", "data"), [(A, b"abc"), (A, b"abcde"), (TXT, b"\xff1"), (CNAME, b"\xc0\xff")]
)
def test_data_that_is_none_of_its_type_is_shown_as_it_is(kind: int, data: bytes) -> None:
    contents = decode_response(
        message(answers=[record(ROOT, kind, data), record(ROOT)], flags=RESPONSE)
    )
    broken, intact = contents.answers
    assert broken["data"] == f"\\# {len(data)} {data.hex()}"
    assert intact["data"] == "127.0.0.1"
    assert contents.notes == [UNDECODABLE_DATA]
    assert contents.addresses == ["127.0.0.1"]


def test_records_before_one_that_has_no_end() -> None:
    wire = message(answers=[record(ROOT), record(ROOT, rdata_bytes=5)], flags=RESPONSE)
    contents = decode_response(wire)
    assert [each["data"] for each in contents.answers] == ["127.0.0.1"]
    assert not contents.is_whole


@pytest.mark.parametrize("length", range(0, 60, 3))
def test_a_response_that_was_cut(length: int) -> None:
    wire = message(answers=[record(TO_QUESTION)] * 2, flags=RESPONSE)
    contents = decode_response(wire[:length])
    assert not contents.is_whole
    assert len(contents.answers) == (length >= len(wire) - 16)


def test_other_classes_and_types_are_not_asked_of_dnspython() -> None:
    answers = [record(ROOT, A, bytes(4), record_class=CHAOS), record(ROOT, NULL, b"")]
    contents = decode_response(message(answers=answers, flags=RESPONSE))
    assert [each["data"] for each in contents.answers] == ["\\# 4 00000000", "\\# 0"]
    assert contents.answers[0]["class"] == "CH"
    assert contents.addresses == contents.notes == []


def test_more_records_than_are_shown() -> None:
    owner = name(b"\0" * 63, b"\xff" * 63, b"." * 63, b"\\" * 61)
    answers = [record(owner)] + [record(TO_QUESTION)] * MOST_RECORDS
    contents = decode_response(message(answers=answers, flags=RESPONSE))
    assert len(contents.answers) == MOST_RECORDS
    assert contents.notes == [TOO_MANY_RECORDS]
    assert str(contents.answers[0]["name"]).isprintable()
