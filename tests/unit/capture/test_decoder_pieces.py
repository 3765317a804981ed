"""Messages over TCP and in fragments, and what isn't DNS: scenes as literals."""

import struct

import pytest

from geophone_capture.encapsulations import NONE
from geophone_capture.reasons import Reason
from geophone_shared.transactions import Note, Outcome
from tests.support.carried_streams import fragments_of, in_frame
from tests.support.decoded_rows import create_decoder, decode_packets
from tests.support.dns_messages import OPT_RECORD, RESPONSE, ROOT, TXT, message, record
from tests.support.encapsulations import vxlan
from tests.support.packets import CLIENT, CLIENT_6, SERVER, Packet, ethernet, ipv4, ipv6, tcp, udp
from tests.support.scenes import ASK, START_US, WWW, arp, query, response, us

pytestmark = pytest.mark.kernels

ASKED, ANSWERED = message([ASK]), message([ASK], flags=RESPONSE)
SYN, SYN_ACK, FIN, RST = 0x02, 0x12, 0x11, 0x04


def framed(*messages: bytes) -> bytes:
    """RFC 1035 §4.2.2."""
    return b"".join(struct.pack("!H", len(each)) + each for each in messages)


def up(at: float, sequence: int, payload: bytes = b"", flags: int = 0x18) -> Packet:
    """A segment from the client."""
    segment = tcp(40_000, 53, payload, sequence=sequence, flags=flags)
    return Packet(in_frame(ipv4(segment, 6)), us(at))


def down(at: float, sequence: int, payload: bytes = b"", flags: int = 0x18) -> Packet:
    """A segment from the server."""
    segment = tcp(53, 40_000, payload, sequence=sequence, flags=flags)
    return Packet(in_frame(ipv4(segment, 6, SERVER, CLIENT)), us(at))


OPENED = [up(0, 100, flags=SYN), down(0, 500, flags=SYN_ACK), up(0, 101, flags=0x10)]


def test_a_query_and_its_response_over_tcp() -> None:
    decoder = create_decoder()
    long = message([ASK], [record(ROOT, TXT, bytes(600))], flags=RESPONSE)
    rows = decode_packets(
        decoder, [*OPENED, up(1, 101, framed(ASKED)), down(1.5, 501, framed(long))]
    )
    (row,) = rows
    assert (row.outcome, row.transport, row.name) == (Outcome.ANSWERED, 6, WWW[:-1])
    assert (row.client.port, row.server.port) == (40_000, 53)
    assert (row.time_us, row.completed_us, row.duration_us) == (us(1), us(1.5), 500_000)
    # With the two bytes of the length; and that there is no EDNS is odd over UDP alone.
    assert (row.bytes_in, row.bytes_out, row.notes) == (len(ASKED) + 2, len(long) + 2, Note(0))
    assert {reason: n for reason, n in decoder.counts().items() if n} == {Reason.TCP_SEGMENT: 5}
    assert decoder.counts_of_streams()[Reason.QUERY] == 1
    assert decoder.counts_of_streams()[Reason.RESPONSE] == 1


def test_edns_is_no_matter_over_tcp() -> None:
    with_edns = message([ASK], [], [], [OPT_RECORD])
    packets = [*OPENED, up(1, 101, framed(with_edns)), down(2, 501, framed(ANSWERED))]
    (row,) = decode_packets(create_decoder(), packets)
    assert row.notes == Note(0)


def test_udp_and_tcp_are_different_flows() -> None:
    rows = decode_packets(
        create_decoder(), [*OPENED, query(1), up(1, 101, framed(ASKED)), response(2)]
    )
    assert [(row.transport, row.outcome.name) for row in rows] == [
        (17, "ANSWERED"),
        (6, "UNANSWERED"),
    ]


def test_many_messages_in_a_segment_complete_in_their_order() -> None:
    asked = [message([ASK], dns_id=number) for number in range(7)]
    answers = [message([ASK], dns_id=number, flags=RESPONSE) for number in (3, 1, 6, 0)]
    decoder = create_decoder((53,), 10_000, 2)  # two rows at a time
    packets = [*OPENED, up(1, 101, framed(*asked)), down(2, 501, framed(*answers))]
    rows = decode_packets(decoder, packets)
    assert [row.dns_id for row in rows] == [3, 1, 6, 0, 2, 4, 5]
    assert [row.outcome.name for row in rows] == ["ANSWERED"] * 4 + ["UNANSWERED"] * 3
    assert {row.completed_us for row in rows} == {us(2)}


def test_a_message_stands_where_its_last_segment_does() -> None:
    whole = framed(ASKED)
    packets = [
        *OPENED,
        up(1, 101, whole[:5]),
        query(2, 7),
        up(3, 106, whole[5:]),
        response(4, 7),
        down(5, 501, framed(ANSWERED)),
    ]
    rows = decode_packets(create_decoder(), packets)
    assert [(row.transport, row.time_us) for row in rows] == [(17, us(2)), (6, us(3))]


FAILURES = [
    (Note.REPLY_UNDECODABLE, framed(ANSWERED[:12] + b"\x80" * 8), b""),
    (Note.REPLY_EMPTY, b"\0\0", b""),
    (Note.REPLY_LENGTH_UNEXPECTED, b"\0\5hello", b""),
    (Note.REPLY_INCOMPLETE, framed(ANSWERED)[:-3], b""),
]


@pytest.mark.parametrize(("note", "reply", "rest"), FAILURES)
def test_a_reply_that_cannot_be_used_completes_its_query(
    note: Note, reply: bytes, rest: bytes
) -> None:
    ended = down(3, 501 + len(reply), rest, flags=FIN)
    packets = [*OPENED, up(1, 101, framed(ASKED)), down(2, 501, reply), ended, arp(4)]
    (row,) = decode_packets(create_decoder(), packets)
    assert (row.outcome, row.notes, row.duration_us) == (Outcome.UNANSWERED, note, -1)
    assert row.bytes_out == 0
    assert row.completed_us == us(3 if note == Note.REPLY_INCOMPLETE else 2)


def test_a_reply_that_cannot_be_used_and_has_no_query() -> None:
    decoder = create_decoder()
    assert (
        decode_packets(decoder, [*OPENED, down(2, 501, framed(ANSWERED[:12] + b"\x80" * 8))]) == []
    )
    assert decoder.counts_of_streams()[Reason.BAD_LABEL_TYPE] == 1


def test_what_a_connection_still_owes_comes_at_the_end() -> None:
    packets = [*OPENED, up(1, 101, framed(ASKED)), down(2, 501, framed(ANSWERED)[:9])]
    (row,) = decode_packets(create_decoder(), packets)
    assert row.notes == Note.REPLY_INCOMPLETE
    assert row.completed_us == us(2)


BIG = message([ASK], [record(ROOT, TXT, bytes(900))], flags=RESPONSE)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_a_response_in_fragments(order: tuple[int, ...]) -> None:
    for ask, whole in (
        (query(0), ipv4(udp(BIG, 53, 40_000), 17, SERVER, CLIENT)),
        (
            Packet(in_frame(ipv6(udp(ASKED))), us(0)),
            ipv6(udp(BIG, 53, 40_000), 17, "2001:db8::20", CLIENT_6),
        ),
    ):
        pieces = [in_frame(piece) for piece in fragments_of(whole, 7, [40, 80])]
        times = (1, 2, 3)
        packets = [Packet(pieces[n], us(at)) for at, n in zip(times, order, strict=True)]
        decoder = create_decoder()
        (row,) = decode_packets(decoder, [ask, *packets])
        assert (row.outcome, row.bytes_out, row.completed_us) == (
            Outcome.ANSWERED,
            len(BIG),
            us(3),
        )
        counts = {reason: n for reason, n in decoder.counts().items() if n}
        assert counts == {Reason.QUERY: 1, Reason.RESPONSE: 1, Reason.IP_FRAGMENT: 2}


def test_a_tunnel_in_fragments_and_fragments_in_a_tunnel() -> None:
    inner = ipv4(udp(BIG, 53, 40_000), 17, SERVER, CLIENT)
    around = fragments_of(ipv4(vxlan(in_frame(inner)), 17, "172.16.0.1", "172.16.0.2"), 3, [50])
    inside = [
        ipv4(vxlan(in_frame(piece)), 17, "172.16.0.1", "172.16.0.2")
        for piece in fragments_of(inner, 4, [50])
    ]
    for pieces in (around, inside):
        packets = [Packet(in_frame(piece), us(1)) for piece in pieces]
        (row,) = decode_packets(create_decoder(), [query(0), *packets])
        assert row.outcome == Outcome.ANSWERED
        decoder = create_decoder(encapsulations=NONE)
        decode_packets(decoder, packets)
        assert decoder.counts()[Reason.ENCAPSULATED] >= 1
        assert sum(decoder.counts().values()) == len(packets)


def test_fragments_in_fragments_are_not_followed_for_ever() -> None:
    packet = ipv4(udp(ANSWERED, 53, 40_000), 17, SERVER, CLIENT)
    frames: list[bytes] = []
    for depth in range(1, 7):
        first, last = fragments_of(packet, depth, [1])
        frames.insert(0, in_frame(first))
        packet = ipv4(last, 4, "172.16.0.1", f"172.16.0.{depth}")
    packets = [Packet(frame, us(1)) for frame in [*frames, in_frame(packet)]]
    decoder = create_decoder()
    decode_packets(decoder, packets)
    assert sum(decoder.counts().values()) == len(packets) == 7
    assert decoder.counts()[Reason.ENCAPSULATED] == 1


def test_what_is_no_dns_is_counted_for_its_client() -> None:
    raw = b"\x10\xd1\x9e\x10" + b"\xff" * 96  # as iodine sends it when it may
    packets = [
        query(0),
        query(1, payload=raw),
        response(2, payload=raw),
        query(3, payload=b"short"),
        Packet(ethernet(ipv4(udp(raw), 17, "10.9.9.9", SERVER)), us(4)),
        query(5).cut(50),  # too little was captured to tell
        response(6, 9, payload=message([], flags=RESPONSE, dns_id=9)),  # DNS, if a pointless one
        response(7, 9, payload=message([], flags=RESPONSE, dns_id=9, trailing=raw)),
    ]
    decoder = create_decoder()
    decode_packets(decoder, packets)
    found = [(str(each.address), *each[1:]) for each in decoder.foreign_clients()]
    assert found == [(CLIENT, 4, 100 + 100 + 5 + 112, 0), ("10.9.9.9", 1, 100, 0)]


def test_a_connection_that_is_no_dns_is_counted_for_its_client() -> None:
    request = b"GET / HTTP/1.1\r\nHost: example\r\n\r\n"
    packets = [*OPENED, up(1, 101, request), down(2, 501, b"HTTP/1.1 200 OK\r\n\r\n" + bytes(90))]
    decoder = create_decoder()
    assert decode_packets(decoder, packets) == []
    (client,) = decoder.foreign_clients()
    assert str(client.address) == CLIENT
    assert client.bytes == decoder.tcp_counts.not_dns_bytes > len(request)
    assert decoder.first_us == START_US
