"""Calls the kernel that finds the datagram in a frame, and gives its answer as plain values."""

import ipaddress
from dataclasses import dataclass

import numpy as np

from geophone_capture.encapsulations import ALL, Encapsulation
from geophone_capture.kernels.flows import FLOW, TCP, Sought
from geophone_capture.kernels.frames import LOCATED, PIECE, locate_datagram
from geophone_capture.reasons import Reason
from geophone_capture.resolvers import resolver_table
from geophone_shared.jit import Array
from tests.support.packets import Packet, packet_block


@dataclass(frozen=True, slots=True)
class Datagram:
    """What was located; `payload` is what was captured of `wire_bytes`."""

    source: str
    destination: str
    source_port: int
    destination_port: int
    payload: bytes
    wire_bytes: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A TCP segment on a port of DNS."""

    source: str
    destination: str
    source_port: int
    destination_port: int
    sequence: int
    flags: int
    payload: bytes
    wire_bytes: int


@dataclass(frozen=True, slots=True)
class Fragment:
    """An IP fragment in which DNS may be."""

    version: int
    source: str
    destination: str
    identification: int
    protocol: int
    offset_bytes: int
    has_more: bool
    payload: bytes
    wire_bytes: int


Found = Datagram | Segment | Fragment | Reason


def dns_ports(*ports: int) -> Array:
    """The kernel's table of ports that carry DNS."""
    flags = np.zeros(65_536, np.bool_)
    flags[list(ports)] = True
    return flags


def look_at(packet: Packet, *ports: int, encapsulations: Encapsulation = ALL) -> Found:
    """What a frame holds, or the reason why it isn't DNS; `ports` in place of 53."""
    block = packet_block([packet])
    record = block.packets[0]
    flow = np.zeros(1, FLOW)
    answer = locate_datagram(
        block.buffer,
        int(record["offset"]),
        int(record["captured"]),
        int(record["original"]),
        int(record["link"]),
        Sought(dns_ports(*(ports or (53,))), resolver_table(), int(encapsulations)),
        flow,
    )
    if answer not in {LOCATED, PIECE}:
        return Reason(answer)
    found = flow[0]
    source = _address(found["source_high"], found["source_low"])
    destination = _address(found["destination_high"], found["destination_low"])
    ends = (int(found["source_port"]), int(found["destination_port"]))
    payload = block.buffer[int(found["start"]) : int(found["end"])].tobytes()
    wire_bytes = int(found["wire_bytes"])
    if answer == LOCATED:
        return Datagram(source, destination, *ends, payload, wire_bytes)
    if not found["has_more"] and not found["offset_bytes"]:
        assert found["protocol"] == TCP
        sequence, flags = int(found["sequence"]), int(found["tcp_flags"])
        return Segment(source, destination, *ends, sequence, flags, payload, wire_bytes)
    return Fragment(
        int(found["ip_version"]),
        source,
        destination,
        int(found["identification"]),
        int(found["protocol"]),
        int(found["offset_bytes"]),
        bool(found["has_more"]),
        payload,
        wire_bytes,
    )


def _address(high: np.uint64, low: np.uint64) -> str:
    found = ipaddress.IPv6Address(int(high) << 64 | int(low))
    return str(found.ipv4_mapped or found)
