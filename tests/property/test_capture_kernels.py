"""Capture's kernels against plain models and dnspython, and on bytes of any kind."""

import dns.exception
import dns.flags
import dns.message
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from geophone_capture.reasons import Reason
from geophone_shared.transactions import Note, Outcome
from tests.support.carried_streams import Carried, carried_streams
from tests.support.decoded import decode
from tests.support.decoded_rows import create_decoder, decode_packets
from tests.support.dns_messages import mutated, structured_messages
from tests.support.located import Datagram, look_at
from tests.support.message_model import Message, read_message
from tests.support.packet_streams import START_US, packet_streams
from tests.support.packets import Packet, ethernet, ipv4, udp
from tests.support.transaction_model import TransactionModel

pytestmark = pytest.mark.kernels

MALFORMED = Note.MALFORMED_QUERY_RECORDS | Note.MALFORMED_RESPONSE_RECORDS

MORE = settings(max_examples=4 * settings().max_examples)
any_messages = structured_messages() | mutated(structured_messages())


@MORE
@given(wire=any_messages)
def test_messages_are_decoded_as_dnspython_does(wire: bytes) -> None:
    found, expected = decode(wire), read_message(wire, len(wire))
    event(expected.name if isinstance(expected, Reason) else "decoded")
    if found == Reason.NAME_TOO_LONG:
        # dnspython looks at the length last, and may have found another fault before.
        assert isinstance(expected, Reason)
    else:
        assert found == expected


@MORE
@given(wire=any_messages)
def test_edns_is_found_where_dnspython_finds_it(wire: bytes) -> None:
    try:
        expected = dns.message.from_wire(wire, keyring=False, ignore_trailing=True)
    except dns.exception.DNSException:
        return
    event("parsed")
    found = decode(wire)
    if not expected.question and not expected.flags & dns.flags.QR:
        assert found == Reason.NO_QUESTION
        return
    assert isinstance(found, Message)
    assert found.has_edns == (expected.edns >= 0)
    assert not found.notes & MALFORMED
    try:
        dns.message.from_wire(wire, keyring=False)
    except dns.message.TrailingJunk:
        assert Note.TRAILING_BYTES in found.notes
    else:
        assert Note.TRAILING_BYTES not in found.notes


@given(data=st.data(), wire=any_messages)
def test_messages_that_the_capture_cut(data: st.DataObject, wire: bytes) -> None:
    captured = wire[: data.draw(st.integers(0, len(wire)))]
    found, expected = decode(captured, len(wire)), read_message(captured, len(wire))
    if found == Reason.NAME_TOO_LONG:
        assert isinstance(expected, Reason)
    else:
        assert found == expected


@MORE
@given(
    packets=packet_streams(),
    capacity=st.sampled_from([1, 2, 3, 1_000]),
    rows_at_a_time=st.sampled_from([1, 2, 3, 1_000]),
    at_once=st.sampled_from([1, 3, 1_000]),
)
def test_transactions_are_those_of_the_model(
    packets: list[Packet], capacity: int, rows_at_a_time: int, at_once: int
) -> None:
    model = TransactionModel(pending_capacity=capacity)
    for packet in packets:
        model.look_at(packet)
    model.close()
    decoder = create_decoder((53,), capacity, rows_at_a_time)
    rows = decode_packets(decoder, packets, at_once)

    assert rows == model.rows
    assert decoder.counts() == {reason: model.counts[reason] for reason in Reason}
    assert sum(decoder.counts().values()) == decoder.packets == len(packets)
    assert decoder.evicted == model.evicted
    assert decoder.clock_us == model.clock_us
    assert decoder.first_us == min(packet.time_us for packet in packets)
    assert decoder.last_us == max(packet.time_us for packet in packets)
    completed_us = [row.completed_us for row in rows]
    assert completed_us == sorted(completed_us)
    with_query = sum(row.outcome != Outcome.UNSOLICITED for row in rows)
    assert with_query == decoder.counts()[Reason.QUERY]
    with_response = sum(row.outcome != Outcome.UNANSWERED for row in rows)
    assert with_response == decoder.counts()[Reason.RESPONSE]
    for row in rows:
        event(row.outcome.name)
        event(row.notes.name or "no note")


@MORE
@given(
    stream=carried_streams(),
    capacity=st.sampled_from([1, 2, 1_000]),
    rows_at_a_time=st.sampled_from([1, 2, 3, 1_000]),
    at_once=st.sampled_from([1, 3, 1_000]),
)
def test_transactions_are_the_same_however_they_are_carried(
    stream: list[Carried], capacity: int, rows_at_a_time: int, at_once: int
) -> None:
    model = TransactionModel(pending_capacity=capacity)
    for carried in stream:
        model.look_at(carried.plain)
    model.close()
    decoder = create_decoder((53,), capacity, rows_at_a_time)
    packets = [packet for carried in stream for packet in carried.packets]
    rows = decode_packets(decoder, packets, at_once)

    assert rows == model.rows
    counts = decoder.counts()
    assert sum(counts.values()) == decoder.packets == len(packets)
    for reason in (Reason.QUERY, Reason.RESPONSE, Reason.TCP_SEGMENT, Reason.NO_QUESTION):
        assert counts[reason] == model.counts[reason]
    assert decoder.counts_of_streams() == {
        reason: model.counts_of_streams[reason] for reason in Reason
    }
    assert decoder.clock_us == model.clock_us
    completed_us = [row.completed_us for row in rows]
    assert completed_us == sorted(completed_us)
    for row in rows:
        event(f"{row.transport} {row.outcome.name}")
        event(row.notes.name or "no note")


FRAME_REASONS = set(Reason) - {
    Reason.QUERY,
    Reason.RESPONSE,
    Reason.IP_FRAGMENT,
    Reason.SHORT_MESSAGE,
    Reason.NO_QUESTION,
    Reason.TRUNCATED_MESSAGE,
    Reason.BAD_POINTER,
    Reason.BAD_LABEL_TYPE,
    Reason.NAME_TOO_LONG,
}
LINKS = st.sampled_from([0, 1, 12, 14, 101, 108, 113, 228, 229, 276, -1]) | st.integers(0, 300)


@given(
    data=st.data(),
    stream=packet_streams(3),
    link=LINKS,
    head=st.binary(max_size=30),
    missing_bytes=st.integers(-9, 99),
)
def test_any_frame_has_a_datagram_inside_of_it_or_a_reason(
    data: st.DataObject, stream: list[Packet], link: int, head: bytes, missing_bytes: int
) -> None:
    for packet in stream:
        frame = bytearray(packet.frame)
        at = data.draw(st.integers(0, 60))
        frame[at : at + data.draw(st.integers(0, len(head)))] = head
        original_bytes = len(frame) + missing_bytes
        found = look_at(Packet(bytes(frame), 0, None, original_bytes, link))
        if isinstance(found, Datagram):
            assert 53 in {found.source_port, found.destination_port}
            assert found.payload in bytes(frame)
            assert len(found.payload) <= found.wire_bytes <= max(len(frame), original_bytes)
            assert len(found.payload) == found.wire_bytes or missing_bytes > 0
        elif isinstance(found, Reason):
            assert found in FRAME_REASONS
            assert found != Reason.CUT_BY_SNAPLEN or missing_bytes > 0
        else:
            assert found.payload in bytes(frame)
            assert len(found.payload) <= found.wire_bytes <= max(len(frame), original_bytes)


payloads = st.binary(max_size=40) | st.binary(max_size=700) | mutated(structured_messages())


@given(flood=st.lists(payloads, max_size=60), cut=st.integers(42, 90))
def test_a_flood_of_any_bytes_is_decoded_or_counted(flood: list[bytes], cut: int) -> None:
    frames = [ethernet(ipv4(udp(payload))) for payload in flood]
    packets = [Packet(frame, START_US + index) for index, frame in enumerate(frames)]
    packets += [packet.cut(cut) for packet in packets]
    decoder = create_decoder((53,), 16, 8)
    rows = decode_packets(decoder, packets, 50)
    counts = decoder.counts()
    assert sum(counts.values()) == len(packets)
    assert counts[Reason.QUERY] + counts[Reason.RESPONSE] == len(rows)
    assert {reason for reason in counts if counts[reason]} <= (
        set(Reason) - FRAME_REASONS | {Reason.CUT_BY_SNAPLEN}
    )
    assert all(len(row.name) <= 254 for row in rows)
