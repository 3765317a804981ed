"""Streams of packets as they are, in encapsulations, in fragments, and over TCP."""

import struct
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from hypothesis import strategies as st

from tests.support.encapsulations import (
    CONTROL_WORD,
    ETHERNET_IN,
    MPLS,
    PPPOE,
    erspan_2,
    erspan_3,
    geneve,
    gre,
    gtp_u,
    mpls,
    pppoe,
    teredo,
    vxlan,
)
from tests.support.packet_streams import packet_streams
from tests.support.packets import IPV4, IPV6, Packet, ethernet, fragment_header, ipv4, ipv6, tcp

_OUTER = ("172.16.0.1", "172.16.0.2")
_OUTER_6 = ("fd00::1", "fd00::2")
_UDP, _TCP, _FRAGMENT = 17, 6, 44


class Carried(NamedTuple):
    """A packet, and how it came.

    Attributes:
        plain: as the model of transactions knows it.
        packets: what the decoder gets in its place.
    """

    plain: Packet
    packets: Sequence[Packet]


def ip_packet(frame: bytes) -> bytes:
    """The IP packet in an Ethernet frame, without padding."""
    packet = frame[14:]
    if packet[0] >> 4 == 4:
        return packet[: int.from_bytes(packet[2:4])]
    return packet[: 40 + int.from_bytes(packet[4:6])]


def fragments_of(packet: bytes, identification: int, cuts: Sequence[int]) -> list[bytes]:
    """An IP packet without options in fragments; `cuts` are offsets in units of 8 bytes."""
    is_4 = packet[0] >> 4 == 4
    header, payload = (packet[:20], packet[20:]) if is_4 else (packet[:40], packet[40:])
    borders = [0, *sorted({cut * 8 for cut in cuts if 0 < cut * 8 < len(payload)}), len(payload)]
    found = []
    for start, end in pairwise(borders):
        piece, has_more = payload[start:end], end < len(payload)
        if is_4:
            word = has_more << 13 | start // 8
            lengths = struct.pack("!HHH", 20 + len(piece), identification & 0xFFFF, word)
            found.append(header[:2] + lengths + header[8:] + piece)
        else:
            extension = fragment_header(header[6], start // 8, more=has_more)[:4]
            piece = extension + struct.pack("!I", identification) + piece
            sizes = struct.pack("!HB", len(piece), _FRAGMENT)
            found.append(header[:4] + sizes + header[7:] + piece)
    return found


def ethertype_of(packet: bytes) -> int:
    """The EtherType of an IP packet."""
    return IPV4 if packet[0] >> 4 == 4 else IPV6


def in_frame(packet: bytes) -> bytes:
    """An IP packet in an Ethernet frame."""
    return ethernet(packet, ethertype_of(packet))


def _over_4(payload: bytes, protocol: int = _UDP) -> bytes:
    return ethernet(ipv4(payload, protocol, *_OUTER))


def _over_6(payload: bytes, protocol: int = _UDP) -> bytes:
    return ethernet(ipv6(payload, protocol, *_OUTER_6), IPV6)


def _in_ip(packet: bytes) -> bytes:
    return _over_6(packet, 4 if packet[0] >> 4 == 4 else 41)


def _in_teredo(packet: bytes) -> bytes:
    return _over_4(teredo(packet)) if packet[0] >> 4 == 6 else _in_ip(packet)


WRAPPINGS: dict[str, Callable[[bytes], bytes]] = {
    "QinQ": lambda packet: ethernet(packet, ethertype_of(packet), [0x88A8, 0x8100]),
    "MPLS": lambda packet: ethernet(mpls(packet, [16, 17]), MPLS),
    "MPLS pseudowire": lambda packet: ethernet(mpls(CONTROL_WORD + in_frame(packet)), MPLS),
    "PPPoE": lambda packet: ethernet(
        pppoe(packet, 0x0021 if packet[0] >> 4 == 4 else 0x0057), PPPOE
    ),
    "IP in IP": _in_ip,
    "GRE": lambda packet: _over_4(gre(packet, ethertype_of(packet), key=True), 47),
    "NVGRE": lambda packet: _over_6(gre(in_frame(packet), ETHERNET_IN), 47),
    "ERSPAN II": lambda packet: _over_4(erspan_2(in_frame(packet)), 47),
    "ERSPAN III": lambda packet: _over_4(erspan_3(in_frame(packet), subheader=True), 47),
    "VXLAN": lambda packet: _over_6(vxlan(in_frame(packet))),
    "GENEVE": lambda packet: _over_4(geneve(in_frame(packet), options=bytes(8))),
    "Teredo": _in_teredo,
    "GTP-U": lambda packet: _over_4(gtp_u(packet, [bytes(2)])),
}
"""Name → from an IP packet to a frame that carries it."""


@st.composite
def carried_streams(draw: st.DrawFn, most_packets: int = 20) -> list[Carried]:
    """Packets of a file; each whole one comes in one way of many."""
    carried: list[Carried] = []
    for number, packet in enumerate(draw(packet_streams(most_packets))):
        kind = draw(st.integers(0, 9))
        if packet.original_bytes is not None or packet.frame[12:14] == b"\x08\x06" or kind == 0:
            carried.append(Carried(packet, [packet]))
            continue
        inner = ip_packet(packet.frame)
        if kind <= 3:
            carried += [Carried(each, [each]) for each in _over_tcp(packet, inner, number)]
            continue
        frames = [in_frame(inner)]
        if kind >= 6:
            wrap = WRAPPINGS[draw(st.sampled_from(sorted(WRAPPINGS)))]
            frames = [wrap(inner)]
        if kind in {4, 5, 9}:
            # Inside of what carries it, or around.
            cuts = draw(st.lists(st.integers(1, 12), min_size=1, max_size=4))
            is_inside = kind == 9 and draw(st.booleans())
            whole = inner if is_inside or kind != 9 else _innermost(frames[0])
            pieces = fragments_of(whole, number + 1, cuts)
            frames = [wrap(piece) if is_inside else in_frame(piece) for piece in pieces]
        order = draw(st.permutations(frames))
        carried.append(Carried(packet, [_at(packet, frame) for frame in order]))
    return carried


def _innermost(frame: bytes) -> bytes:
    """The IP packet in a frame; of one that isn't in IP itself, one around it."""
    if frame[12:14] in {b"\x08\x00", b"\x86\xdd"}:
        return ip_packet(frame)
    return ip_packet(_over_4(gre(frame, ETHERNET_IN), 47))


def _at(packet: Packet, frame: bytes) -> Packet:
    return Packet(frame, packet.time_us, packet.clock_us)


def _over_tcp(packet: Packet, inner: bytes, number: int) -> list[Packet]:
    """A datagram's message in a segment of a connection of its own."""
    header_bytes = 20 if inner[0] >> 4 == 4 else 40
    source_port, destination_port = struct.unpack_from("!HH", inner, header_bytes)
    message = inner[header_bytes + 8 :]
    if len(message) < 12:
        return [packet]
    sequence = number << 20
    flags = 0x12 if source_port == 53 else 0x02
    segments = [
        tcp(source_port, destination_port, sequence=sequence, flags=flags),
        tcp(
            source_port,
            destination_port,
            len(message).to_bytes(2) + message,
            sequence=sequence + 1,
        ),
    ]
    frames = []
    for segment in segments:
        if header_bytes == 20:
            lengths = struct.pack("!H", 20 + len(segment))
            header = inner[:2] + lengths + inner[4:9] + bytes([_TCP]) + inner[10:20]
        else:
            header = inner[:4] + struct.pack("!HB", len(segment), _TCP) + inner[7:40]
        frames.append(in_frame(header + segment))
    return [_at(packet, frame) for frame in frames]
