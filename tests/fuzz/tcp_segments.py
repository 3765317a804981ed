"""Any TCP segments: bounds hold, counts add up, and no message is longer than it may be.

An input is segments, each of a head of seven bytes and of payload: which connection and end, flags,
how much later, where in the stream, how many bytes the capture cut, how many of payload follow.
"""

import struct

from geophone_capture.tcp_events import ACK, FIN, SYN, Event, Segment, TcpMessage
from geophone_capture.tcp_streams import TcpStreams
from tests.fuzz.target import Target
from tests.support.tcp_traffic import framed, query, reply

_HEAD = struct.Struct("!BBBHBB")
_MEMORY_BYTES, _CONNECTIONS = 8_000, 3
_ENDS = (bytes(15) + b"\1", bytes(15) + b"\2")
_FAR, _FARTHEST = 0xFFF0, (1 << 20, -(1 << 20), (1 << 20) + 1, 1 << 31, -1, 0)


def fuzz_one(data: bytes) -> None:
    streams = TcpStreams(
        memory_bytes=_MEMORY_BYTES,
        most_connections=_CONNECTIONS,
        waiting_bytes=1_500,
        idle_us=60,
        gap_us=30,
    )
    counts = streams.counts
    events: list[Event] = []
    time_us = at = given = in_bytes = 0
    while at + _HEAD.size <= len(data):
        which, flags, later, place, cut_bytes, size = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        payload = data[at : at + size]
        at += size
        time_us += (later % 16) ** 2 - 2
        in_bytes += len(payload)
        given += 1
        segment = _segment(which, flags, place, payload, len(payload) + cut_bytes)
        found = streams.add(time_us, segment)
        events += found
        assert streams.held_bytes <= _MEMORY_BYTES
        assert streams.open <= _CONNECTIONS
    events += streams.close()
    assert streams.held_bytes == streams.open == 0
    assert counts.segments == given
    ended = counts.closed + counts.expired + counts.dropped + counts.unfinished
    assert counts.connections == ended
    messages = [event for event in events if isinstance(event, TcpMessage)]
    assert counts.messages == len(messages)
    assert sum(len(each.payload) for each in messages) <= in_bytes
    assert all(14 <= each.wire_bytes <= 65_537 for each in messages)
    assert all(len(each.payload) <= each.wire_bytes - 2 for each in messages)


def _segment(which: int, flags: int, place: int, payload: bytes, wire_bytes: int) -> Segment:
    ends = [(_ENDS[0], 40_000 + (which >> 1 & 3)), (_ENDS[1], 53)]
    if which & 1:
        ends.reverse()
    (source, source_port), (destination, destination_port) = ends
    offset = place if place < _FAR else _FARTHEST[place % len(_FARTHEST)]
    return Segment(
        source=source,
        destination=destination,
        source_port=53 if which & 0x40 else source_port,
        destination_port=destination_port,
        sequence=(2**32 - 50 + offset) % 2**32,
        flags=flags,
        payload=payload,
        wire_bytes=wire_bytes,
        acknowledgement=None if which & 0x08 else (2**32 - 50 + 40 * (which >> 4)) % 2**32,
    )


def segment_seeds() -> list[bytes]:
    """Connections that open, ask, answer and end, in order and not, and other protocols."""

    def part(place: int, payload: bytes = b"", *, which: int = 0, flags: int = ACK) -> bytes:
        return _HEAD.pack(which, flags, 2, place, 0, len(payload)) + payload

    ask, tell = framed(query(1), query(2)), framed(reply(1), reply(2))
    opening = part(0, flags=SYN) + part(0, which=1, flags=SYN | ACK)
    closing = part(1 + len(ask), flags=FIN | ACK) + part(1 + len(tell), which=1, flags=FIN | ACK)
    pieces = [part(1 + at, ask[at : at + 9]) for at in range(0, len(ask), 9)]
    return [
        opening + part(1, ask) + part(1, tell, which=1) + closing,
        opening + b"".join(reversed(pieces)) + part(1, tell[:-4], which=1) + closing,
        b"".join(pieces[2:]) + part(100, ask) + part(100, tell, which=1),
        opening + b"".join(pieces[::2]) + part(1, tell, which=0x31) + b"".join(pieces[1::2]),
        opening + part(1, b"SSH-2.0-OpenSSH_9.2p1\r\n") + part(24, ask),
        opening + part(1, ask) + part(1, b"\0\0", which=1) + part(3, b"\0\4abcd", which=1),
        b"".join(part(1, ask[:30], which=2 * number) for number in range(4)),
        opening + part(1, ask) + opening + part(_FAR, ask) + part(_FAR + 2, ask),
        _HEAD.pack(0, SYN, 2, 0, 0, 0)
        + _HEAD.pack(0, ACK, 2, 1, 40, 30)
        + ask[:30]
        + part(71, ask),
        b"",
    ]


TARGET = Target(
    fuzz_one, segment_seeds, words=(framed(query(1)), framed(reply(1))[:30], b"\0\x0c", b"\0\0")
)
