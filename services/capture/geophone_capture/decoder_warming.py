"""Has kernels compiled before packets wait for them [core]."""

import struct

import numpy as np

from geophone_capture.decoder import TransactionDecoder
from geophone_capture.packets import PACKET, PacketBlock
from geophone_shared.hashing import SecretKey

_RAW_IP = 101
_SYN_ACK, _ACK = 0x12, 0x10
_NO_NAME = struct.pack("!HHHHHHH", 13, 1, 0x8180, 1, 0, 0, 0) + b"\x80"
"""A message with its length, and a label that none is."""
_NOT_DNS = bytes(16)
"""What can't be messages with their lengths."""


def compile_kernels() -> None:
    """Compile all that `TransactionDecoder` uses, or load it from the cache.

    Most is done by any packet, but what comes of TCP connections would be left to the first of
    them, in the middle of the traffic.
    """
    decoder = TransactionDecoder(SecretKey.derived_from(b"warming"), (53,), 2, 2)
    segments = [
        _segment(0, _SYN_ACK),
        _segment(1, _ACK, _NO_NAME),
        _segment(1 + len(_NO_NAME), _ACK, _NOT_DNS),
    ]
    packets = np.zeros(len(segments), PACKET)
    packets["offset"] = np.cumsum([0, *map(len, segments[:-1])])
    packets["captured"] = packets["original"] = [len(segment) for segment in segments]
    packets["link"] = _RAW_IP
    block = PacketBlock(np.frombuffer(bytearray(b"".join(segments)), np.uint8), packets)
    for transactions in (*decoder.feed(block), *decoder.advance(0), *decoder.close()):
        assert not transactions.rows.size  # noqa: S101 - nothing of it is a transaction


def _segment(sequence: int, flags: int, payload: bytes = b"") -> bytes:
    """A TCP segment from port 53 in an IPv4 packet."""
    tcp = struct.pack("!HHIIHHHH", 53, 1, sequence, 0, 5 << 12 | flags, 0, 0, 0) + payload
    return struct.pack("!BBHIBBHII", 0x45, 0, 20 + len(tcp), 0, 64, 6, 0, 1, 2) + tcp
