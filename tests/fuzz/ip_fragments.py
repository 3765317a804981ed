"""Any fragments: bounds hold, counts add up, and nothing comes out that didn't go in.

An input is fragments, each of a head of four bytes and of payload: which datagram, how much later,
where in it, how many bytes of payload follow.
"""

import struct

from geophone_capture.fragments import Fragment, Fragments
from tests.fuzz.target import Target

_HEAD = struct.Struct("!BBBB")
_MEMORY_BYTES, _DATAGRAMS, _TIMEOUT_US = 6_000, 3, 40
_ENDS = (bytes(15) + b"\1", bytes(15) + b"\2")
_FAR_UNITS = 8_180


def fuzz_one(data: bytes) -> None:
    fragments = Fragments(_MEMORY_BYTES, _DATAGRAMS, most_pieces=5, timeout_us=_TIMEOUT_US)
    counts = fragments.counts
    time_us = at = given = out_bytes = in_bytes = 0
    while at + _HEAD.size <= len(data):
        which, around, place, size = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        payload = data[at : at + size]
        at += size
        time_us += (around & 0x0F) ** 2 - 1
        in_bytes += len(payload)
        given += 1
        datagram = fragments.add(time_us, _fragment(which, around, place, size, payload))
        assert fragments.held_bytes <= _MEMORY_BYTES
        assert fragments.waiting <= _DATAGRAMS
        if datagram is not None:
            assert len(datagram.payload) <= datagram.wire_bytes
            out_bytes += len(datagram.payload)
    assert out_bytes <= in_bytes
    fragments.close()
    assert fragments.held_bytes == fragments.waiting == 0
    assert counts.fragments == given
    lost = counts.refused_datagrams + counts.timed_out + counts.memory_dropped + counts.unfinished
    assert counts.datagrams == counts.reassembled + lost


def _fragment(which: int, around: int, place: int, size: int, payload: bytes) -> Fragment:
    units = place & 0x3F if place < 0xF0 else _FAR_UNITS + (place & 0x0F)
    return Fragment(
        version=6 if which & 1 else 4,
        source=_ENDS[which >> 1 & 1],
        destination=_ENDS[which >> 2 & 1],
        identification=which >> 3 & 3,
        protocol=6 if which & 0x20 else 17,
        offset_bytes=8 * units,
        has_more=bool(around & 0x80),
        payload=payload[: len(payload) >> 1] if which & 0x40 else payload,
        wire_bytes=size,
    )


def fragment_seeds() -> list[bytes]:
    """Datagrams in order, in reverse, twice, with overlaps, and in too many pieces."""

    def piece(start: int, payload: bytes, *, which: int = 0, more: int = 0x80) -> bytes:
        return _HEAD.pack(which, more | 1, start, len(payload)) + payload

    def datagram(which: int) -> list[bytes]:
        return [
            piece(0, bytes(16), which=which),
            piece(2, b"\1" * 8, which=which),
            piece(3, b"end", which=which, more=0),
        ]

    return [
        b"".join(datagram(0)),
        b"".join(reversed(datagram(1))),
        b"".join(datagram(0)[:2] * 2 + datagram(0)[2:]),
        b"".join([*datagram(0)[:2], piece(1, bytes(16)), *datagram(0)[2:]]),
        b"".join([*datagram(1)[:2], piece(1, bytes(16), which=1), *datagram(1)[2:]]),
        b"".join(piece(2 * number, bytes(8)) for number in range(10)),
        b"".join(each for which in range(0, 32, 8) for each in datagram(which)[:2]),
        b"".join(datagram(0x40)),
        piece(0xFB, bytes(64), more=0) + piece(0xFF, bytes(64), more=0),
        b"",
    ]


TARGET = Target(fuzz_one, fragment_seeds, words=(b"\0\x81\0\x08", b"\1\x81\1\x10", b"\0\1\2\3"))
