"""Which response belongs to which query: flow, id and question."""

import pytest

from geophone_capture.reasons import Reason
from geophone_shared.transactions import Note, Outcome
from tests.support.decoded_rows import create_decoder, decode_packets
from tests.support.dns_messages import (
    QUERY,
    RESPONSE,
    ROOT,
    TXT,
    message,
    name,
    question,
)
from tests.support.packets import (
    CLIENT,
    SERVER,
    Packet,
    ethernet,
    ipv4,
    udp,
)
from tests.support.scenes import (
    ASK,
    ASK_OTHER,
    ENDED,
    OTHER,
    WWW,
    lines,
    query,
    response,
    us,
)

pytestmark = pytest.mark.kernels


@pytest.mark.parametrize(
    ("asked", "answered", "is_same"),
    [
        (WWW, WWW, True),
        (WWW, name(b"wWw", b"EXAMPLE"), True),
        (name(b"[@z`{"), name(b"[@Z`{"), True),
        (name(b"[z"), name(b"{z"), False),  # 32 apart, but no letters
        (name(b"@"), name(b"`"), False),
        (name(b"`"), name(b"@"), False),
        (name(b"{"), name(b"["), False),
        (name(b"\xc3\xa4"), name(b"\xe3\x84"), False),
        (WWW, OTHER, False),
        (WWW, name(b"www"), False),
        (WWW, name(b"www", b"example", b"com"), False),
        (name(b"www.example"), WWW, False),
        (ROOT, ROOT, True),
    ],
)
def test_a_response_belongs_to_its_question(asked: bytes, answered: bytes, is_same: bool) -> None:
    answer = message([question(answered)], flags=RESPONSE)
    found = lines([query(0, payload=message([question(asked)])), response(1, payload=answer)])
    if is_same:
        assert found == [(1, "ANSWERED", 1, Note(0))]
    else:
        assert found == [
            (1, "UNSOLICITED", 1, Note.NO_QUERY | Note.QUESTION_DIFFERS),
            (1, "UNANSWERED", 1, ENDED),
        ]


@pytest.mark.parametrize("answered", [question(WWW, TXT), question(WWW, 1, 3)])
def test_type_and_class_are_part_of_the_question(answered: bytes) -> None:
    found = lines([query(0), response(1, payload=message([answered], flags=RESPONSE))])
    assert [line[1] for line in found] == ["UNSOLICITED", "UNANSWERED"]


def test_the_response_to_come_still_finds_its_query_after_one_that_differs() -> None:
    other = message([ASK_OTHER], flags=RESPONSE)
    assert [line[1] for line in lines([query(0), response(1, payload=other), response(2)])] == [
        "UNSOLICITED",
        "ANSWERED",
    ]


def test_a_response_without_a_question() -> None:
    refused = message([], flags=0x8185)
    decoder = create_decoder()
    packets = [query(0), response(1, payload=refused), response(2, payload=refused)]
    (row,) = decode_packets(decoder, packets)
    assert (row.outcome, row.name, row.query_type) == (Outcome.ANSWERED, WWW[:-1], 1)
    assert row.response_flags == 0x8185
    counts = decoder.counts()
    assert counts[Reason.RESPONSE] == 1
    assert counts[Reason.NO_QUESTION] == 1  # nothing says what the second one answers


FLOW = {"source": CLIENT, "destination": SERVER, "ports": (40_000, 53), "dns_id": 1}


@pytest.mark.parametrize(
    "difference",
    [
        {"source": "10.0.2.31"},
        {"destination": "10.0.2.21"},
        {"ports": (40_001, 53)},
        {"ports": (40_000, 5353)},
        {"dns_id": 2},
        {"dns_id": 0x0101},
    ],
)
def test_every_part_of_the_key_counts(difference: dict[str, object]) -> None:
    def asked(at: float, **flow: object) -> Packet:
        payload = message([ASK], dns_id=int(str(flow["dns_id"])))
        ports = flow["ports"]
        assert isinstance(ports, tuple)
        datagram = udp(payload, *ports)
        ends = str(flow["source"]), str(flow["destination"])
        return Packet(ethernet(ipv4(datagram, 17, *ends)), us(at))

    packets = [asked(0, **FLOW), asked(1, **{**FLOW, **difference}), response(2)]
    rows = decode_packets(create_decoder((53, 5353)), packets)
    assert [(row.time_us, row.outcome.name) for row in rows] == [
        (us(0), "ANSWERED"),
        (us(1), "UNANSWERED"),
    ]


def test_the_client_is_who_asks_whatever_the_ports() -> None:
    asked = Packet(ethernet(ipv4(udp(message([ASK]), 53, 53))), us(0))
    from_server = udp(message([ASK], flags=RESPONSE), 53, 53)
    answered = Packet(ethernet(ipv4(from_server, 17, SERVER, CLIENT)), us(1))
    (row,) = decode_packets(create_decoder(), [asked, answered])
    assert row.outcome == Outcome.ANSWERED
    assert row.client.address[-4:] == bytes([10, 0, 2, 30])
    reflected = Packet(ethernet(ipv4(udp(message([ASK]), 53, 40_000))), us(0))
    (row,) = decode_packets(create_decoder(), [reflected])
    assert (row.client.port, row.server.port) == (53, 40_000)


def test_a_query_flag_decides_what_a_message_is() -> None:
    decoder = create_decoder()
    decode_packets(decoder, [query(0, payload=message([ASK], flags=0x7FFF))])
    assert decoder.counts()[Reason.QUERY] == 1
    decoder = create_decoder()
    decode_packets(decoder, [query(0, payload=message([ASK], flags=QUERY | 0x8000))])
    assert decoder.counts()[Reason.RESPONSE] == 1
