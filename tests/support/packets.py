"""Frames for tests, built with `struct` from the wire formats: never with the code under test."""

import ipaddress
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geophone_capture.packets import PACKET, PacketBlock

NULL, ETHERNET, RAW_IP, LOOP, LINUX_COOKED, LINUX_COOKED_2 = 0, 1, 101, 108, 113, 276
"""LINKTYPE_ numbers."""

IPV4, IPV6, ARP = 0x0800, 0x86DD, 0x0806
"""EtherTypes."""

CLIENT, SERVER = "10.0.2.30", "10.0.2.20"
CLIENT_6, SERVER_6 = "2001:db8::30", "2001:db8::20"

_GUARD = b"\xc0\x0c\x3f\xff"
"""Stands between the packets of a block: whoever reads past a packet finds pointers and labels."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One captured packet.

    Attributes:
        frame: what was captured of it.
        time_us: packet time, µs since the epoch.
        clock_us: None for `time_us`; for a clock outlier, that of the next packet.
        original_bytes: its length on the wire; None where nothing was cut.
        link: LINKTYPE_ number.
    """

    frame: bytes
    time_us: int = 0
    clock_us: int | None = None
    original_bytes: int | None = None
    link: int = ETHERNET

    def cut(self, captured_bytes: int) -> "Packet":
        """The same packet, captured with a snap length."""
        frame = self.frame[:captured_bytes]
        return Packet(frame, self.time_us, self.clock_us, len(self.frame), self.link)


def packet_block(packets: Sequence[Packet]) -> PacketBlock:
    """The packets as a source hands them out, with guard bytes around each."""
    buffer = bytearray(_GUARD)
    records = np.zeros(len(packets), PACKET)
    for record, packet in zip(records, packets, strict=True):
        record["offset"] = len(buffer)
        record["time_us"] = packet.time_us
        record["clock_us"] = packet.time_us if packet.clock_us is None else packet.clock_us
        record["captured"] = len(packet.frame)
        original_bytes = packet.original_bytes
        record["original"] = len(packet.frame) if original_bytes is None else original_bytes
        record["link"] = packet.link
        buffer += packet.frame + _GUARD
    return PacketBlock(np.array(buffer), records)


def udp(
    payload: bytes,
    source_port: int = 40_000,
    destination_port: int = 53,
    *,
    length: int | None = None,
) -> bytes:
    """RFC 768; the checksum is left out."""
    length = 8 + len(payload) if length is None else length
    return struct.pack("!4H", source_port, destination_port, length, 0) + payload


def tcp(
    source_port: int,
    destination_port: int,
    payload: bytes = b"",
    *,
    sequence: int = 1,
    flags: int = 0x18,
    header_words: int = 5,
) -> bytes:
    """RFC 9293 §3.1; options are part of `payload`, `flags` are ACK and PSH if none are given."""
    ports = struct.pack("!HH", source_port, destination_port)
    bits = header_words << 12 | flags
    return ports + struct.pack("!IIHHHH", sequence, 1, bits, 8_192, 0, 0) + payload


def ipv4(
    payload: bytes,
    protocol: int = 17,
    source: str = CLIENT,
    destination: str = SERVER,
    *,
    options: bytes = b"",
    header_words: int | None = None,
    total_bytes: int | None = None,
    fragment: int = 0,
    version: int = 4,
) -> bytes:
    """RFC 791 §3.1.

    Args:
        payload: what follows the header.
        protocol: IP protocol number.
        source: address.
        destination: address.
        options: a multiple of four bytes.
        header_words: IHL in place of the right one.
        total_bytes: total length in place of the right one.
        fragment: the 16 bits of flags (0x2000: more fragments) and offset in units of 8 bytes.
        version: in place of 4.
    """
    words = 5 + len(options) // 4 if header_words is None else header_words
    total_bytes = 20 + len(options) + len(payload) if total_bytes is None else total_bytes
    header = struct.pack(
        "!BBHHHBBH", version << 4 | words, 0, total_bytes, 1, fragment, 64, protocol, 0
    )
    addresses = ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address(destination).packed
    return header + addresses + options + payload


def ipv6(
    payload: bytes,
    next_header: int = 17,
    source: str = CLIENT_6,
    destination: str = SERVER_6,
    *,
    payload_bytes: int | None = None,
    version: int = 6,
) -> bytes:
    """RFC 8200 §3; extension headers are part of `payload`."""
    payload_bytes = len(payload) if payload_bytes is None else payload_bytes
    header = struct.pack("!IHBB", version << 28, payload_bytes, next_header, 64)
    addresses = ipaddress.IPv6Address(source).packed + ipaddress.IPv6Address(destination).packed
    return header + addresses + payload


def extension(following: int, body_bytes: int = 6, *, units: int | None = None) -> bytes:
    """An extension header of RFC 8200 §4: the length counts 8 bytes, without the first 8."""
    units = (2 + body_bytes) // 8 - 1 if units is None else units
    return bytes([following, units]) + bytes(body_bytes)


def authentication(following: int, words: int = 4) -> bytes:
    """RFC 4302 §2: the length counts 4 bytes, without the first 8."""
    return bytes([following, words]) + bytes(words * 4 + 6)


def fragment_header(
    following: int, offset: int = 0, *, more: bool = False, reserved: int = 0
) -> bytes:
    """RFC 8200 §4.5; `offset` in units of 8 bytes, `reserved` two bits."""
    return struct.pack("!BBHI", following, 0, offset << 3 | reserved << 1 | int(more), 1)


def ethernet(payload: bytes, ethertype: int = IPV4, tags: Sequence[int] = ()) -> bytes:
    """IEEE 802.3, with a VLAN tag (802.1Q) for each TPID in `tags`."""
    tagged = b"".join(struct.pack("!HH", tpid, 7) for tpid in tags)
    return bytes(12) + tagged + struct.pack("!H", ethertype) + payload


def linux_cooked(payload: bytes, protocol: int = IPV4) -> bytes:
    """LINKTYPE_LINUX_SLL: packet type, ARPHRD_, address, protocol."""
    return struct.pack("!HHH8sH", 0, 1, 6, bytes(8), protocol) + payload


def linux_cooked_2(payload: bytes, protocol: int = IPV4) -> bytes:
    """LINKTYPE_LINUX_SLL2: protocol, reserved, interface, ARPHRD_, packet type, address."""
    return struct.pack("!HHIHBB8s", protocol, 0, 2, 1, 0, 6, bytes(8)) + payload


def null(payload: bytes, family: int = 2, order: str = "<") -> bytes:
    """LINKTYPE_NULL and LINKTYPE_LOOP: the address family in 32 bits."""
    return struct.pack(order + "I", family) + payload
