"""Calls the kernel that finds the datagram in a frame, and gives its answer as plain values."""

import ipaddress
from dataclasses import dataclass

import numpy as np

from geophone_capture.kernels.frames import FLOW, LOCATED, locate_datagram
from geophone_capture.reasons import Reason
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


def dns_ports(*ports: int) -> Array:
    """The kernel's table of ports that carry DNS."""
    flags = np.zeros(65_536, np.bool_)
    flags[list(ports)] = True
    return flags


def look_at(packet: Packet, *ports: int) -> Datagram | Reason:
    """The datagram of a frame, or the reason why there is none; `ports` in place of 53."""
    block = packet_block([packet])
    record = block.packets[0]
    flow = np.zeros(1, FLOW)
    answer = locate_datagram(
        block.buffer,
        int(record["offset"]),
        int(record["captured"]),
        int(record["original"]),
        int(record["link"]),
        dns_ports(*(ports or (53,))),
        flow,
    )
    if answer != LOCATED:
        return Reason(answer)
    found = flow[0]
    return Datagram(
        _address(found["source_high"], found["source_low"]),
        _address(found["destination_high"], found["destination_low"]),
        int(found["source_port"]),
        int(found["destination_port"]),
        block.buffer[int(found["start"]) : int(found["end"])].tobytes(),
        int(found["wire_bytes"]),
    )


def _address(high: np.uint64, low: np.uint64) -> str:
    found = ipaddress.IPv6Address(int(high) << 64 | int(low))
    return str(found.ipv4_mapped or found)
