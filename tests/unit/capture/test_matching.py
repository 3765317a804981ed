"""Which transactions complete, when and in which order: scenes as literals."""

import pytest

from geophone_shared.transactions import Note, Outcome
from tests.support.decoded_rows import Endpoint, Row, create_decoder, decode_packets
from tests.support.dns_messages import (
    OPT_RECORD,
    ROOT,
    TO_QUESTION,
    TXT,
    message,
    name,
    question,
    record,
)
from tests.support.packets import (
    CLIENT_6,
    IPV6,
    SERVER_6,
    Packet,
    ethernet,
    ipv6,
    udp,
)
from tests.support.scenes import (
    ASK,
    ENDED,
    EVICTED,
    GIVEN_UP,
    REUSED,
    WWW,
    Line,
    arp,
    lines,
    query,
    response,
    us,
)

pytestmark = pytest.mark.kernels


def test_every_column_of_an_answered_query() -> None:
    asked = message([ASK], [], [], [OPT_RECORD], dns_id=0xFEDC, flags=0x0110)
    answer = message(
        [question(name(b"WWW", b"example"))],
        [record(TO_QUESTION)] * 3,
        [record(TO_QUESTION)] * 2,
        [OPT_RECORD],
        dns_id=0xFEDC,
        flags=0x8583,
    )
    (row,) = decode_packets(
        create_decoder(), [query(1, payload=asked), response(1.25, payload=answer)]
    )
    assert row == Row(
        client=Endpoint(bytes(10) + bytes([255, 255, 10, 0, 2, 30]), 40_000),
        server=Endpoint(bytes(10) + bytes([255, 255, 10, 0, 2, 20]), 53),
        dns_id=0xFEDC,
        name=b"\3www\7example",  # as it was asked
        query_type=1,
        query_class=1,
        time_us=us(1),
        completed_us=us(1.25),
        duration_us=250_000,
        outcome=Outcome.ANSWERED,
        transport=17,
        query_flags=0x0110,
        response_flags=0x8583,
        bytes_in=len(asked),
        bytes_out=len(answer),
        answers=3,
        authorities=2,
        additionals=1,
        notes=Note(0),
    )


def test_every_column_of_an_unanswered_query() -> None:
    asked = message([question(WWW, 0xFFFE, 3)], flags=0x0910)
    packets = [query(1, payload=asked), arp(2)]
    (row,) = decode_packets(create_decoder(), packets)
    assert row == Row(
        client=Endpoint(bytes(10) + bytes([255, 255, 10, 0, 2, 30]), 40_000),
        server=Endpoint(bytes(10) + bytes([255, 255, 10, 0, 2, 20]), 53),
        dns_id=1,
        name=b"\3www\7example",
        query_type=0xFFFE,
        query_class=3,
        time_us=us(1),
        completed_us=us(2),
        query_flags=0x0910,
        bytes_in=len(asked),
        notes=Note.NO_RESPONSE | Note.INPUT_ENDED,
    )


def test_every_column_of_an_unsolicited_response() -> None:
    answer = message([question(WWW, TXT, 3)], [record(ROOT)], dns_id=7, flags=0x8183)
    datagram = udp(answer, 53, 40_000)
    frame = ethernet(ipv6(datagram, 17, SERVER_6, CLIENT_6), IPV6)
    (row,) = decode_packets(create_decoder(), [Packet(frame, us(1))])
    assert row == Row(
        client=Endpoint(bytes.fromhex("20010db8000000000000000000000030"), 40_000),
        server=Endpoint(bytes.fromhex("20010db8000000000000000000000020"), 53),
        dns_id=7,
        name=b"\3www\7example",
        query_type=TXT,
        query_class=3,
        time_us=us(1),
        completed_us=us(1),
        outcome=Outcome.UNSOLICITED,
        response_flags=0x8183,
        bytes_out=len(answer),
        answers=1,
        notes=Note.NO_QUERY,
    )


def test_a_row_keeps_nothing_of_the_one_that_had_its_place_before() -> None:
    rich = message([ASK], [record(ROOT)], [record(ROOT)], [OPT_RECORD], flags=0x8FFF)
    decoder = create_decoder(rows_at_a_time=1)
    packets = [query(0), response(1, payload=rich), query(2, 2)]
    answered, unanswered = decode_packets(decoder, packets, at_once=1)
    assert answered.response_flags == 0x8FFF
    (alone,) = decode_packets(create_decoder(), [query(2, 2)])
    assert unanswered == alone
    assert unanswered.outcome == Outcome.UNANSWERED


@pytest.mark.parametrize(
    ("packets", "expected"),
    [
        # Ten seconds, to the microsecond.
        ([query(0), arp(9.999_999)], [(1, "UNANSWERED", 9.999_999, ENDED)]),
        ([query(0), arp(10)], [(1, "UNANSWERED", 10, GIVEN_UP)]),
        ([query(0), arp(500)], [(1, "UNANSWERED", 10, GIVEN_UP)]),
        ([query(0), response(9.999_999)], [(1, "ANSWERED", 9.999_999, Note(0))]),
        (
            [query(0), response(10)],
            [(1, "UNANSWERED", 10, GIVEN_UP), (1, "UNSOLICITED", 10, Note.NO_QUERY)],
        ),
        # Rows stand in the order of completion; what waits, in the order of arrival.
        (
            [query(0, 1), query(1, 2), query(2, 3), response(3, 2), arp(11)],
            [
                (2, "ANSWERED", 3, Note(0)),
                (1, "UNANSWERED", 10, GIVEN_UP),
                (3, "UNANSWERED", 11, ENDED),
            ],
        ),
        # A query with the id of a pending one closes it, and waits at the end.
        (
            [query(0, 1), query(1, 2), query(2, 1), response(3, 1), arp(11)],
            [
                (1, "UNANSWERED", 2, REUSED),
                (1, "ANSWERED", 3, Note(0)),
                (2, "UNANSWERED", 11, GIVEN_UP),
            ],
        ),
        (
            [query(0, 1), query(1, 2), query(2, 1), arp(11.5)],
            [
                (1, "UNANSWERED", 2, REUSED),
                (2, "UNANSWERED", 11, GIVEN_UP),
                (1, "UNANSWERED", 11.5, ENDED),
            ],
        ),
        # One response for each query.
        (
            [query(0), response(1), response(2)],
            [(1, "ANSWERED", 1, Note(0)), (1, "UNSOLICITED", 2, Note.NO_QUERY)],
        ),
        ([response(0)], [(1, "UNSOLICITED", 0, Note.NO_QUERY)]),
        ([arp(0), arp(1)], []),
    ],
)
def test_completion(packets: list[Packet], expected: list[Line]) -> None:
    assert lines(packets) == expected


@pytest.mark.parametrize(
    ("packets", "expected"),
    [
        # Captures in pair order: the next pair lies before the one before. The clock stands still.
        (
            [query(100), response(101), query(50), response(50.5)],
            [(1, "ANSWERED", 101, Note(0)), (1, "ANSWERED", 101, Note(0))],
        ),
        (
            [query(100, 1), query(50, 2), response(51, 2), arp(60)],
            [(2, "ANSWERED", 100, Note(0)), (1, "UNANSWERED", 100, ENDED)],
        ),
        # A query of later time at the head keeps those behind it from ageing ...
        (
            [query(100, 1), query(50, 2), arp(99), arp(110)],
            [(1, "UNANSWERED", 110, GIVEN_UP), (2, "UNANSWERED", 110, GIVEN_UP)],
        ),
        # ... but not their responses: later than 10 s is unsolicited, 10 s itself is not.
        (
            [query(100, 1), query(50, 2), response(60, 2)],
            [(2, "ANSWERED", 100, Note(0)), (1, "UNANSWERED", 100, ENDED)],
        ),
        (
            [query(100, 1), query(50, 2), response(60.000_001, 2)],
            [
                (2, "UNSOLICITED", 100, Note.NO_QUERY | Note.LATE_RESPONSE),
                (1, "UNANSWERED", 100, ENDED),
                (2, "UNANSWERED", 100, ENDED),
            ],
        ),
        # A response from before its query took no time.
        ([query(5), response(4)], [(1, "ANSWERED", 5, Note(0))]),
        # A clock outlier ages what waits, and its row counts, but it doesn't move the clock.
        (
            [query(0, 1), query(7_200, 2, clock=1), response(1, 1)],
            [
                (1, "UNANSWERED", 10, GIVEN_UP),
                (1, "UNSOLICITED", 10, Note.NO_QUERY),
                (2, "UNANSWERED", 10, ENDED),
            ],
        ),
        (
            [arp(0), query(7_200, 1, clock=1), response(7_200, 1, clock=1), arp(1), response(2)],
            [(1, "ANSWERED", 0, Note(0)), (1, "UNSOLICITED", 2, Note.NO_QUERY)],
        ),
        # The first packet of all: the clock is that of the packet after it.
        (
            [query(7_200, clock=1), response(1)],
            [(1, "ANSWERED", 1, Note(0))],
        ),
        ([response(7_200, clock=1), arp(1)], [(1, "UNSOLICITED", 1, Note.NO_QUERY)]),
        # At the end, rows that would lie behind the clock are raised to it.
        ([query(100, 1), arp(20)], [(1, "UNANSWERED", 100, ENDED)]),
    ],
)
def test_times_that_jump(packets: list[Packet], expected: list[Line]) -> None:
    assert lines(packets) == expected


def test_a_response_from_before_its_query_has_no_negative_duration() -> None:
    (row,) = decode_packets(create_decoder(), [query(5), response(4)])
    assert (row.time_us, row.duration_us) == (us(5), 0)


def test_a_full_table_closes_the_query_that_has_waited_longest() -> None:
    packets = [query(0, 1), query(1, 2), query(2, 3), response(3, 1), response(4, 2), arp(5)]
    assert lines(packets, pending_capacity=2) == [
        (1, "UNANSWERED", 2, EVICTED),
        (1, "UNSOLICITED", 3, Note.NO_QUERY),
        (2, "ANSWERED", 4, Note(0)),
        (3, "UNANSWERED", 5, ENDED),
    ]
    decoder = create_decoder(pending_capacity=2)
    decode_packets(decoder, packets)
    assert decoder.evicted == 1


def test_a_full_table_closes_none_when_the_id_is_reused() -> None:
    packets = [query(0, 1), query(1, 2), query(2, 2)]
    assert [line[3] for line in lines(packets, pending_capacity=2)] == [REUSED, ENDED, ENDED]
