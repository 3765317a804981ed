"""From a `FLOW` that a kernel filled to plain values, and from those back to packets [core]."""

import struct
from typing import Any

import numpy as np

from geophone_capture.fragments import Datagram, Fragment
from geophone_capture.kernels.flows import FLOW, TCP
from geophone_capture.packets import PACKET, PacketBlock
from geophone_capture.tcp_events import Segment
from geophone_shared.jit import Array

_ADDRESS = struct.Struct("!QQ")
_RAW_IP = 101
_NO_PIECE = (0,) * (len(FLOW.names or ()) - 10)
_ROOM_BYTES = 32
"""Behind a message: kernels copy names so many bytes at a time, but near the end of a buffer."""


def is_fragment(flow: Any) -> bool:
    """Whether a piece is an IP fragment; else it is a TCP segment."""
    return bool(flow["has_more"]) or bool(flow["offset_bytes"])


def fragment_of(buffer: Array, flow: Any) -> Fragment:
    """The fragment that a `FLOW` record describes."""
    return Fragment(
        int(flow["ip_version"]),
        _ADDRESS.pack(flow["source_high"], flow["source_low"]),
        _ADDRESS.pack(flow["destination_high"], flow["destination_low"]),
        int(flow["identification"]),
        int(flow["protocol"]),
        int(flow["offset_bytes"]),
        bool(flow["has_more"]),
        buffer[flow["start"] : flow["end"]].tobytes(),
        int(flow["wire_bytes"]),
    )


def segment_of(buffer: Array, flow: Any) -> Segment:
    """The segment that a `FLOW` record describes."""
    (
        *addresses,
        source_port,
        destination_port,
        _,
        start,
        end,
        wire_bytes,
        sequence,
        acknowledgement,
        flags,
        _,
        _,
        _,
        _,
    ) = flow.item()
    source_high, source_low, destination_high, destination_low = addresses
    return Segment(
        _ADDRESS.pack(source_high, source_low),
        _ADDRESS.pack(destination_high, destination_low),
        source_port,
        destination_port,
        sequence,
        flags,
        buffer[start:end].tobytes(),
        wire_bytes,
        acknowledgement,
    )


def block_of_datagram(datagram: Datagram, time_us: int, clock_us: int) -> PacketBlock:
    """A raw IP packet with the datagram that fragments came to; it comes with the last of them."""
    source, destination = datagram.source, datagram.destination
    if datagram.version == 4:  # noqa: PLR2004
        total_bytes = 20 + datagram.wire_bytes
        header = struct.pack("!BBHIBBH", 0x45, 0, total_bytes, 0, 64, datagram.protocol, 0)
        source, destination = source[12:], destination[12:]
    else:
        header = struct.pack("!IHBB", 6 << 28, datagram.wire_bytes, datagram.protocol, 64)
    packet = header + source + destination + datagram.payload
    packets = np.zeros(1, PACKET)
    packets["time_us"] = time_us
    packets["clock_us"] = clock_us
    packets["captured"] = len(packet)
    packets["original"] = len(packet) - len(datagram.payload) + datagram.wire_bytes
    packets["link"] = _RAW_IP
    return PacketBlock(buffer_of(packet), packets)


def halves_of(address: bytes) -> tuple[np.uint64, np.uint64]:
    """The two halves of an address of 16 bytes."""
    high, low = _ADDRESS.unpack(address)
    return np.uint64(high), np.uint64(low)


def buffer_of(octets: bytes) -> Array:
    """A buffer that kernels read fast."""
    return np.frombuffer(bytearray(octets + bytes(_ROOM_BYTES)), np.uint8)


def describe_message(
    flow: Array, source: bytes, destination: bytes, ports: tuple[int, int], sizes: tuple[int, int]
) -> None:
    """Have a `FLOW` describe a message over TCP that lies at the start of a buffer.

    Args:
        flow: one `FLOW`, overwritten.
        source: address of its sender, 16 bytes.
        destination: of its receiver, likewise.
        ports: theirs.
        sizes: how many bytes were captured, and how many there were.
    """
    ends = (*_ADDRESS.unpack(source), *_ADDRESS.unpack(destination), *ports)
    flow[0] = (*ends, TCP, 0, *sizes, *_NO_PIECE)
