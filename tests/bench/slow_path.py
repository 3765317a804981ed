"""What the slow path is measured on, DNS over TCP and in fragments: the kernel stops each time."""

import struct
from collections.abc import Iterable, Iterator

from geophone_capture.packets import PacketBlock
from tests.support.dns_messages import RESPONSE, message, name, question
from tests.support.packets import CLIENT, SERVER, Packet, ethernet, ipv4, packet_block, tcp, udp
from tests.support.tcp_traffic import framed

_SYN, _FIN, _ACK = 2, 1, 16
_STEP_US = 30
_BLOCK_PACKETS = 30_000
_PER_CONNECTION = 5
_FRAGMENT_BYTES = 1_480


def connections(exchanges: int) -> list[PacketBlock]:
    """So many queries over TCP and their replies, a few to a connection: all its segments."""
    return _blocks(
        frame
        for first in range(0, exchanges, _PER_CONNECTION)
        for frame in _connection(first, min(_PER_CONNECTION, exchanges - first))
    )


def small_segments(exchanges: int) -> list[PacketBlock]:
    """As `connections`, in segments of 16 bytes of which every two come in the wrong order."""
    return _blocks(
        frame
        for first in range(0, exchanges, _PER_CONNECTION)
        for frame in _connection(first, min(_PER_CONNECTION, exchanges - first), segment_bytes=16)
    )


def fragments(exchanges: int) -> list[PacketBlock]:
    """So many queries over UDP and their replies, of 3,000 bytes, in three fragments."""
    return _blocks(frame for number in range(exchanges) for frame in _large_exchange(number))


def _connection(first: int, count: int, segment_bytes: int = 1_460) -> Iterator[bytes]:
    port = 1_024 + first // _PER_CONNECTION % 60_000
    sent = {True: 1, False: 1}

    def segment(payload: bytes, flags: int, *, from_client: bool, at: int = 0) -> bytes:
        ports = (port, 53) if from_client else (53, port)
        ends = (CLIENT, SERVER) if from_client else (SERVER, CLIENT)
        sequence = sent[from_client] + at
        return ethernet(ipv4(tcp(*ports, payload, sequence=sequence, flags=flags), 6, *ends))

    def said(stream: bytes, *, from_client: bool) -> Iterator[bytes]:
        starts = list(range(0, len(stream), segment_bytes))
        for pair in range(0, len(starts), 2):
            for at in reversed(starts[pair : pair + 2]):
                payload = stream[at : at + segment_bytes]
                yield segment(payload, _ACK, from_client=from_client, at=at)
        sent[from_client] += len(stream)

    yield segment(b"", _SYN, from_client=True, at=-1)
    yield segment(b"", _SYN | _ACK, from_client=False, at=-1)
    for number in range(first, first + count):
        yield from said(framed(_message(number)), from_client=True)
        yield from said(framed(_message(number, RESPONSE)), from_client=False)
    yield segment(b"", _FIN | _ACK, from_client=True)
    yield segment(b"", _FIN | _ACK, from_client=False)


def _large_exchange(number: int) -> Iterator[bytes]:
    port = 1_024 + number % 60_000
    yield ethernet(ipv4(udp(_message(number), port, 53)))
    datagram = udp(_message(number, RESPONSE, trailing=bytes(3_000)), 53, port)
    for start in range(0, len(datagram), _FRAGMENT_BYTES):
        piece = datagram[start : start + _FRAGMENT_BYTES]
        has_more = start + _FRAGMENT_BYTES < len(datagram)
        packet = ipv4(piece, 17, SERVER, CLIENT, fragment=has_more << 13 | start >> 3)
        yield ethernet(packet[:4] + struct.pack("!H", number % 65_536) + packet[6:])


def _message(number: int, flags: int = 0, trailing: bytes = b"") -> bytes:
    owner = name(b"host-%d" % number, b"example", b"com")
    return message([question(owner)], dns_id=number % 65_536, flags=flags, trailing=trailing)


def _blocks(frames: Iterable[bytes]) -> list[PacketBlock]:
    packets = [Packet(frame, number * _STEP_US) for number, frame in enumerate(frames)]
    return [
        packet_block(packets[start : start + _BLOCK_PACKETS])
        for start in range(0, len(packets), _BLOCK_PACKETS)
    ]
