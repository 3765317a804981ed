"""TCP connections: order, gaps, ends, ports used again, other protocols, memory and time."""

import pytest

from geophone_capture.tcp_connection import CONNECTION_COST_BYTES
from geophone_capture.tcp_events import ACK, FIN, SYN, NotDns, ReplyFailed, TcpMessage
from geophone_capture.tcp_framing import BrokenMessage
from geophone_capture.tcp_streams import TcpStreams
from tests.support.dns_messages import RESPONSE, message, name, question
from tests.support.packets import CLIENT, SERVER
from tests.support.tcp_traffic import (
    End,
    ends,
    events_of,
    framed,
    handshake,
    mapped,
    payloads_of,
    query,
    reply,
)

SECOND_US = 1_000_000
LARGE = message([question(name(b"large"))], flags=RESPONSE, trailing=bytes(3_000))


def test_query_and_reply_with_their_ends() -> None:
    client, server = ends()
    streams = TcpStreams()
    events = events_of(
        streams,
        [
            *handshake(client, server),
            client.segment(0, framed(query(1))),
            server.segment(0, framed(reply(1))),
        ],
    )
    here, there = mapped(CLIENT), mapped(SERVER)
    assert events == [
        TcpMessage(query(1), len(query(1)) + 2, here, there, 40_000, 53),
        TcpMessage(reply(1), len(reply(1)) + 2, there, here, 53, 40_000),
    ]
    assert (streams.counts.messages, streams.counts.picked_up) == (2, 0)
    assert streams.held_bytes == CONNECTION_COST_BYTES


def test_out_of_order_segments_are_put_in_order() -> None:
    client, server = ends()
    stream = framed(query(1), query(2), query(3))
    first, *others, last = client.cut(stream, [10] * 8)
    streams = TcpStreams()
    events = events_of(streams, [*handshake(client, server), first, last, *reversed(others)])
    assert payloads_of(events) == [query(1), query(2), query(3)]
    assert (streams.counts.out_of_order, streams.counts.gaps) == (len(others), 0)
    assert streams.held_bytes == CONNECTION_COST_BYTES


def test_repeated_and_overlapping_segments_leave_the_first_copy() -> None:
    client, server = ends()
    stream = framed(query(1), query(2))
    streams = TcpStreams()
    events = events_of(
        streams,
        [
            *handshake(client, server),
            client.segment(0, stream[:30]),
            client.segment(0, b"\xff" * 30),
            client.segment(20, b"\xff" * 10 + stream[30:40]),
            client.segment(50, stream[50:60]),
            client.segment(35, b"\xff" * 5 + stream[40:50] + b"\xff" * 10),
            client.segment(60, stream[60:]),
        ],
    )
    assert payloads_of(events) == [query(1), query(2)]
    assert streams.counts.repeated == 1


@pytest.mark.parametrize("first", [2**32 - 1, 2**32 - 2, 2**32 - 20, 2**31 - 10])
def test_sequence_numbers_wrap_around(first: int) -> None:
    client, server = ends(first, first)
    stream = framed(query(1), query(2), query(3))
    start, *segments = client.cut(stream, [7] * 20)
    streams = TcpStreams()
    events = events_of(streams, [*handshake(client, server), start, *reversed(segments)])
    assert payloads_of(events) == [query(1), query(2), query(3)]


def test_keep_alives_are_nothing_new() -> None:
    client, server = ends()
    stream = framed(query(1))
    streams = TcpStreams()
    keep_alive = client.segment(len(stream) - 1, b"\0")
    segments = [*handshake(client, server), client.segment(0, stream), keep_alive, keep_alive]
    segments.append(client.segment(len(stream), framed(query(2))))
    assert payloads_of(events_of(streams, segments)) == [query(1), query(2)]
    assert streams.counts.repeated == 2


def test_data_in_the_syn_counts() -> None:
    # TCP Fast Open, RFC 7413.
    client, server = ends()
    stream = framed(query(1), query(2))
    streams = TcpStreams()
    segments = [
        client.syn(stream[:40]),
        server.syn(flags=SYN | ACK),
        client.segment(40, stream[40:]),
    ]
    assert payloads_of(events_of(streams, segments)) == [query(1), query(2)]


@pytest.mark.parametrize("is_reply_first", [False, True])
def test_connection_is_picked_up_in_the_middle(is_reply_first: bool) -> None:
    client, server = ends()
    streams = TcpStreams()
    segments = [client.segment(500, framed(query(1))), server.segment(900, framed(reply(1)))]
    if is_reply_first:
        segments.reverse()
    events = events_of(streams, segments)
    assert sorted(payloads_of(events)) == sorted([query(1), reply(1)])
    assert {event.destination_port for event in events if isinstance(event, TcpMessage)} == {
        53,
        40_000,
    }
    assert streams.counts.picked_up == 1


def test_pick_up_inside_of_a_message_waits_for_the_next() -> None:
    client, server = ends()
    stream = framed(LARGE, reply(1))
    streams = TcpStreams()
    segments = server.cut(stream[1_000:], [1_000, len(LARGE) + 2 - 2_000], 1_000)
    events = events_of(streams, segments)
    assert events[-1:] == [
        TcpMessage(reply(1), len(reply(1)) + 2, mapped(SERVER), mapped(CLIENT), 53, 40_000)
    ]
    assert not any(isinstance(event, NotDns) for event in events)
    assert streams.counts.skipped_bytes == len(LARGE) + 2 - 1_000
    assert events_of(streams, [client.segment(0, framed(query(1)))]) != []


def lost(streams: TcpStreams, *, is_acknowledged: bool) -> list[bytes]:
    """Three queries, each in a segment; that of the second isn't captured. All are answered."""
    client, server = ends()
    stream_bytes = reply_bytes = 0
    segments = handshake(client, server)
    for number in (1, 2, 3):
        segment = client.segment(stream_bytes, framed(query(number)))
        stream_bytes += segment.wire_bytes
        if number != 2:
            segments.append(segment)
        acknowledgement = client.first + 1 + stream_bytes if is_acknowledged else None
        answer = server.segment(reply_bytes, framed(reply(number)), acknowledgement=acknowledgement)
        reply_bytes += answer.wire_bytes
        segments.append(answer)
    return payloads_of(events_of(streams, segments))


def test_what_the_receiver_has_is_not_waited_for() -> None:
    streams = TcpStreams()
    assert lost(streams, is_acknowledged=True) == [query(1), reply(1), reply(2), query(3), reply(3)]
    assert streams.counts.gaps == 1


def test_gap_is_given_up_after_a_time() -> None:
    streams = TcpStreams(gap_us=3 * SECOND_US)
    assert lost(streams, is_acknowledged=False) == [query(1), reply(1), reply(2), reply(3)]
    client, _ = ends()
    offset = len(framed(query(1), query(2), query(3)))
    following = framed(query(4), query(5))
    early, late = client.cut(following, [len(framed(query(4)))], offset)
    assert streams.add(2 * SECOND_US, early) == []
    assert payloads_of(streams.add(4 * SECOND_US, late)) == [query(3), query(4), query(5)]
    assert (streams.counts.gaps, streams.held_bytes) == (1, CONNECTION_COST_BYTES)


def test_gap_is_given_up_when_too_much_waits() -> None:
    client, server = ends()
    streams = TcpStreams(waiting_bytes=5_000)
    segments = client.cut(b"".join(framed(query(number)) for number in range(1, 200)), [])
    stream = segments[0].payload
    pieces = client.cut(stream, [1_000] * 20)
    events = events_of(streams, [*handshake(client, server), *pieces[1:]])
    # It goes on with the first message that starts a segment, and holds no more than it may.
    assert streams.counts.gaps == 1
    assert streams.held_bytes <= CONNECTION_COST_BYTES + 1_000
    assert all(isinstance(event, TcpMessage | ReplyFailed) for event in events)


def test_lost_piece_of_a_reply_breaks_it_and_nothing_else() -> None:
    client, server = ends()
    streams = TcpStreams()
    stream = framed(LARGE, reply(2))
    segments = server.cut(stream, [1_000, 1_000, 1_000])
    events = events_of(
        streams,
        [
            *handshake(client, server),
            client.segment(0, framed(query(1), query(2))),
            segments[0],
            *segments[2:],
            server.fin(len(stream)),
            client.fin(len(framed(query(1), query(2)))),
        ],
    )
    events += streams.close()
    assert payloads_of(events) == [query(1), query(2), reply(2)]
    [failed] = [event for event in events if isinstance(event, ReplyFailed)]
    assert failed == ReplyFailed(
        BrokenMessage.INCOMPLETE, mapped(CLIENT), mapped(SERVER), 40_000, 53, dns_id=1
    )


@pytest.mark.parametrize("ending", ["fin", "rst", "idle", "close", "reuse"])
def test_reply_that_ends_early_names_the_oldest_query(ending: str) -> None:
    client, server = ends()
    streams = TcpStreams(idle_us=30 * SECOND_US)
    queries = framed(query(1), query(2))
    answers = framed(reply(1), reply(2))[:-3]
    segments = [*handshake(client, server), client.segment(0, queries), server.segment(0, answers)]
    events = events_of(streams, segments)
    assert payloads_of(events) == [query(1), query(2), reply(1)]
    match ending:
        case "fin":
            events = streams.add(9, server.fin(len(answers)))
        case "rst":
            events = streams.add(9, server.rst(len(answers)))
        case "idle":
            events = streams.add(31 * SECOND_US, ends(port=40_001)[0].syn())
        case "reuse":
            events = streams.add(9, End(first=77_777).syn())
        case _:
            events = streams.close()
    assert events == [
        ReplyFailed(BrokenMessage.INCOMPLETE, mapped(CLIENT), mapped(SERVER), 40_000, 53, dns_id=2)
    ]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"\0\0", BrokenMessage.ZERO_LENGTH),
        (b"\0\x05hello", BrokenMessage.UNEXPECTED_LENGTH),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", BrokenMessage.UNDECODABLE),
    ],
)
def test_reply_that_is_no_message(answer: bytes, reason: BrokenMessage) -> None:
    client, server = ends()
    streams = TcpStreams()
    segments = [client.segment(0, framed(query(1))), server.segment(0, answer)]
    events = events_of(streams, [*handshake(client, server), *segments])
    here, there = mapped(CLIENT), mapped(SERVER)
    assert events[1:] == [
        ReplyFailed(reason, here, there, 40_000, 53, dns_id=1),
        NotDns(here, len(answer)),
    ]


def test_bad_query_is_no_failed_reply() -> None:
    client, server = ends()
    streams = TcpStreams()
    events = events_of(streams, [*handshake(client, server), client.segment(0, b"\0\0abc")])
    assert events == [NotDns(mapped(CLIENT), 5)]
    assert streams.counts.broken == 1


def test_half_closed_connection_is_answered() -> None:
    client, server = ends()
    streams = TcpStreams()
    stream = framed(query(1))
    answers = [server.segment(0, framed(reply(1)))]
    segments = [*handshake(client, server), client.fin(0, stream), *answers]
    assert payloads_of(events_of(streams, segments)) == [query(1), reply(1)]


def closed(streams: TcpStreams) -> None:
    client, server = ends()
    stream, answers = framed(query(1)), framed(reply(1))
    segments = [*handshake(client, server), client.segment(0, stream)]
    segments += [server.fin(0, answers), client.fin(len(stream))]
    assert payloads_of(events_of(streams, segments)) == [query(1), reply(1)]


def test_closed_connection_knows_what_repeats() -> None:
    streams = TcpStreams()
    closed(streams)
    _, server = ends()
    assert streams.add(10, server.fin(0, framed(reply(1)))) == []
    assert (streams.counts.repeated, streams.counts.connections) == (1, 1)


def test_connection_that_was_reset_knows_what_repeats() -> None:
    client, server = ends()
    streams = TcpStreams()
    stream, answers = framed(query(1)), framed(reply(1))
    segments = [*handshake(client, server), client.segment(0, stream), server.segment(0, answers)]
    segments += [client.rst(len(stream)), server.segment(0, answers), client.rst(len(stream))]
    assert payloads_of(events_of(streams, segments)) == [query(1), reply(1)]
    assert (streams.counts.connections, streams.counts.repeated) == (1, 1)
    # If the other end didn't heed it, it goes on.
    following = client.segment(len(stream), framed(query(2)))
    assert payloads_of(streams.add(9, following)) == [query(2)]


@pytest.mark.parametrize("has_syn", [True, False])
def test_ports_are_used_again(has_syn: bool) -> None:
    streams = TcpStreams()
    closed(streams)
    client, server = ends(500_000, 700_000)
    segments = handshake(client, server) if has_syn else []
    segments += [client.segment(0, framed(query(2))), server.segment(0, framed(reply(2)))]
    assert payloads_of(events_of(streams, segments, 10)) == [query(2), reply(2)]
    assert streams.counts.connections == 2
    assert streams.counts.closed == 1


def test_syn_that_is_repeated_changes_nothing() -> None:
    client, server = ends()
    streams = TcpStreams()
    opening = handshake(client, server)
    segments = [*opening, client.segment(0, framed(query(1))[:9]), *opening]
    segments.append(client.segment(9, framed(query(1))[9:]))
    assert payloads_of(events_of(streams, segments)) == [query(1)]
    assert streams.counts.connections == 1


def test_connection_goes_on_after_a_jump_of_its_numbers() -> None:
    # Somebody else's segment, or megabytes that weren't captured.
    client, server = ends()
    streams = TcpStreams()
    segments = [*handshake(client, server), client.segment(0, framed(query(1)))]
    segments += [client.segment(10_000_000, framed(query(2)))]
    segments += [client.segment(10_000_000 + len(framed(query(2))), framed(query(3)))]
    assert payloads_of(events_of(streams, segments)) == [query(1), query(2), query(3)]
    assert streams.counts.gaps == 1


def test_cut_segments_give_cut_messages() -> None:
    client, server = ends()
    streams = TcpStreams()
    stream = framed(LARGE)
    segments = [
        segment._replace(payload=segment.payload[:60])
        for segment in server.cut(stream, [1_000] * 3)
    ]
    events = events_of(streams, [*handshake(client, server), *segments])
    assert events == [
        TcpMessage(LARGE[:58], len(LARGE) + 2, mapped(SERVER), mapped(CLIENT), 53, 40_000)
    ]
    following = server.segment(len(stream), framed(reply(1)))
    assert payloads_of(streams.add(9, following)) == [reply(1)]


def test_segments_without_a_connection_open_none() -> None:
    client, server = ends()
    streams = TcpStreams()
    assert events_of(streams, [client.rst(0), server.fin(0), client.segment(0)]) == []
    assert (streams.open, streams.counts.unrelated, streams.counts.segments) == (0, 3, 3)


def test_server_between_two_dns_ports_is_the_one_that_was_asked() -> None:
    client, server = End(port=53), End(SERVER, 53, CLIENT, 53)
    streams = TcpStreams()
    events = events_of(streams, [*handshake(client, server), server.segment(0, b"\0\0")])
    assert [event for event in events if isinstance(event, ReplyFailed)] != []
    assert all(event.client == mapped(CLIENT) for event in events if isinstance(event, NotDns))


def test_idle_connections_are_forgotten_by_packet_time() -> None:
    streams = TcpStreams(idle_us=30 * SECOND_US)
    for number in range(3):
        client, _ = ends(port=50_000 + number)
        streams.add(number * 10 * SECOND_US, client.segment(0, framed(query(1))))
    assert streams.open == 3
    streams.add(40 * SECOND_US, ends(port=50_002)[0].segment(33, framed(query(2))))
    assert (streams.open, streams.counts.expired) == (1, 2)


def test_longest_idle_give_way_when_memory_is_full() -> None:
    start = framed(LARGE)[:1_000]
    cost_bytes = CONNECTION_COST_BYTES + len(start)
    streams = TcpStreams(memory_bytes=3 * cost_bytes)
    events = []
    for number in range(5):
        _, server = ends(port=50_000 + number)
        events += events_of(streams, [server.syn(flags=SYN | ACK), server.segment(0, start)])
    assert (streams.open, streams.counts.dropped, streams.held_bytes) == (3, 2, 3 * cost_bytes)
    assert [type(event) for event in events] == [ReplyFailed] * 2
    # One that was forgotten is picked up again.
    client, _ = ends(port=50_000)
    assert payloads_of(streams.add(9, client.segment(70, framed(query(3))))) == [query(3)]


def test_longest_idle_give_way_when_there_are_too_many() -> None:
    streams = TcpStreams(most_connections=2)
    for number in range(5):
        streams.add(number, ends(port=50_000 + number)[0].syn())
    assert (streams.open, streams.counts.dropped) == (2, 3)


def test_flood_of_other_bytes_holds_no_memory() -> None:
    client, server = ends()
    streams = TcpStreams()
    events_of(streams, handshake(client, server))
    sent = 0
    for _ in range(200):
        streams.add(1, client.segment(sent, b"\xee" * 1_400))
        sent += 1_400
        assert streams.held_bytes == CONNECTION_COST_BYTES
    assert streams.counts.not_dns_bytes == sent


def test_every_connection_is_counted_once() -> None:
    streams = TcpStreams(idle_us=10 * SECOND_US)
    for number in range(20):
        client, server = ends(port=50_000 + number)
        segments = handshake(client, server)
        if number % 3 == 0:
            segments += [client.fin(0), server.fin(0)]
        elif number % 3 == 1:
            segments += [client.rst(0)]
        events_of(streams, segments, number * SECOND_US)
    streams.close()
    counts = streams.counts
    ended = counts.closed + counts.expired + counts.dropped + counts.unfinished
    assert ended == counts.connections == 20
    assert min(counts.closed, counts.expired, counts.unfinished) > 0
    assert (streams.open, streams.held_bytes) == (0, 0)


def test_flags_are_those_of_the_standard() -> None:
    assert (FIN, SYN, ACK) == (0x01, 0x02, 0x10)
