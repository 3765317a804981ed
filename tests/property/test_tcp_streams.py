"""Any segments of one stream give its messages; whatever comes, bounds hold and counts add up."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from geophone_capture.tcp_events import ACK, FIN, RST, SYN, Event, Segment, TcpMessage
from geophone_capture.tcp_streams import TcpStreams
from tests.support.dns_messages import RESPONSE, message, name, question
from tests.support.tcp_traffic import End, ends, framed, handshake, payloads_of, query, reply

LARGE = message([question(name(b"large"))], flags=RESPONSE, trailing=bytes(300))
MESSAGES = [query(1), query(20), query(300), LARGE, reply(4), message([], flags=RESPONSE)]


@st.composite
def segmented(draw: st.DrawFn) -> tuple[list[bytes], list[Segment]]:
    """Messages, and segments that have all of their bytes: in any order, twice, overlapping."""
    messages = draw(st.lists(st.sampled_from(MESSAGES), min_size=1, max_size=5))
    stream = framed(*messages)
    first = draw(st.integers(0, 2**32 - 1) | st.integers(2**32 - 400, 2**32 - 1))
    client, server = ends(first)
    borders = draw(st.sets(st.integers(1, len(stream) - 1), max_size=12))
    edges = [0, *sorted(borders), len(stream)]
    spans = list(pairwise(edges))
    inside = st.integers(0, len(stream))
    spans += draw(
        st.lists(st.tuples(inside, inside).map(lambda span: (min(span), max(span))), max_size=5)
    )
    segments = [
        client.segment(start, stream[start:end]) for start, end in draw(st.permutations(spans))
    ]
    if draw(st.booleans()):
        segments.insert(draw(st.integers(0, len(segments))), client.fin(len(stream)))
    return messages, [*handshake(client, server), *segments]


@given(segmented())
def test_any_segments_give_the_messages(made: tuple[list[bytes], list[Segment]]) -> None:
    messages, segments = made
    streams = TcpStreams()
    events = [event for number, each in enumerate(segments) for event in streams.add(number, each)]
    assert payloads_of(events) == messages
    assert len(events) == len(messages)
    assert streams.close() == []
    assert streams.counts.gaps == 0


@given(segmented(), st.data())
def test_without_some_segments_there_is_no_message_that_was_not_sent(
    made: tuple[list[bytes], list[Segment]], data: st.DataObject
) -> None:
    messages, segments = made
    kept = [segment for segment in segments[2:] if data.draw(st.booleans())]
    streams = TcpStreams(waiting_bytes=data.draw(st.sampled_from([0, 700, 65_537])))
    events = [event for segment in segments[:2] for event in streams.add(0, segment)]
    events += [event for segment in kept for event in streams.add(1, segment)]
    events += streams.close()
    # Zeros at the end of a large reply are no start of a message; so every one found was sent.
    assert all(payload in messages for payload in payloads_of(events))


@st.composite
def any_segments(draw: st.DrawFn) -> Segment:
    """Segments of a few connections that have little to do with each other."""
    end = draw(st.sampled_from(ends(port=40_000) + ends(port=53)))
    payload = draw(
        st.binary(max_size=60)
        | st.sampled_from([framed(each) for each in MESSAGES])
        | st.sampled_from([framed(LARGE)[:100], framed(query(1), query(2))[5:], b""])
    )
    flags = draw(st.sampled_from([ACK, ACK, ACK, SYN, SYN | ACK, FIN | ACK, RST, 0]))
    offset = draw(st.integers(-2, 400) | st.sampled_from([-(2**21), 2**21, 2**31]))
    return _with_cut(draw, end, offset, payload, flags)


def _with_cut(draw: st.DrawFn, end: End, offset: int, payload: bytes, flags: int) -> Segment:
    cut_bytes = draw(st.just(0) | st.integers(0, 400))
    acknowledgement = draw(st.none() | st.integers(0, 2**32 - 1) | st.integers(900, 9_500))
    return end.segment(
        offset,
        payload,
        flags,
        wire_bytes=len(payload) + cut_bytes,
        acknowledgement=acknowledgement,
    )


@given(
    st.lists(st.tuples(st.integers(-5, 15), any_segments()), max_size=60),
    st.integers(0, 8_000),
    st.integers(1, 3),
)
def test_bounds_hold_and_counts_add_up(
    segments: list[tuple[int, Segment]], memory_bytes: int, most_connections: int
) -> None:
    streams = TcpStreams(
        memory_bytes=memory_bytes,
        most_connections=most_connections,
        waiting_bytes=1_000,
        idle_us=40,
        gap_us=20,
    )
    counts = streams.counts
    events: list[Event] = []
    time_us = 0
    for step_us, segment in segments:
        time_us += step_us
        events += streams.add(time_us, segment)
        assert streams.held_bytes <= memory_bytes
        assert streams.open <= most_connections
    events += streams.close()
    assert (streams.open, streams.held_bytes) == (0, 0)
    ended = counts.closed + counts.expired + counts.dropped + counts.unfinished
    assert counts.connections == ended
    assert counts.segments == len(segments)
    messages = [event for event in events if isinstance(event, TcpMessage)]
    assert counts.messages == len(messages)
    given_bytes = sum(len(segment.payload) for _, segment in segments)
    assert sum(len(each.payload) for each in messages) <= given_bytes
    assert all(12 <= each.wire_bytes - 2 <= 65_535 for each in messages)
    assert all(len(each.payload) <= each.wire_bytes - 2 for each in messages)
