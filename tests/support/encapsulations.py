"""Encapsulations for tests, built with `struct`, never with the code under test."""

import ipaddress
import struct
from collections.abc import Sequence

from tests.support.packets import IPV4, udp

ETHERNET_IN, MPLS, PPPOE = 0x6558, 0x8847, 0x8864
"""EtherTypes."""

ERSPAN_II, ERSPAN_III = 0x88BE, 0x22EB
"""Their types in GRE; ERSPAN I has that of II."""


def mpls(payload: bytes, labels: Sequence[int] = (16,)) -> bytes:
    """RFC 3032 §2.1; the last label has the bottom-of-stack bit."""
    entries = [label << 12 | 64 for label in labels]
    entries[-1] |= 0x100
    return struct.pack(f"!{len(entries)}I", *entries) + payload


CONTROL_WORD = struct.pack("!I", 7)
"""RFC 4448 §4.6: a sequence number."""


def pppoe(payload: bytes, protocol: int = 0x0021, *, kind: int = 0x1100) -> bytes:
    """RFC 2516 §4 with the protocol of PPP; `kind` is version, type and code."""
    return struct.pack("!HHHH", kind, 9, len(payload) + 2, protocol) + payload


def gre(
    payload: bytes,
    protocol: int = IPV4,
    *,
    checksum: bool = False,
    key: bool = False,
    sequence: bool = False,
    flags: int = 0,
) -> bytes:
    """RFC 2784 and 2890; `flags` are further ones."""
    flags |= checksum << 15 | key << 13 | sequence << 12
    fields = bytes(4) * checksum + b"\0\0\0\7" * key + b"\0\0\0\1" * sequence
    return struct.pack("!HH", flags, protocol) + fields + payload


def erspan_1(frame: bytes) -> bytes:
    """draft-foschiano-erspan-03 §4.1: GRE without a sequence number, and nothing more."""
    return gre(frame, ERSPAN_II)


def erspan_2(frame: bytes) -> bytes:
    """§4.2: a header of eight bytes."""
    return gre(struct.pack("!HHI", 0x1064, 1, 2) + frame, ERSPAN_II, sequence=True)


def erspan_3(payload: bytes, *, frame_type: int = 0, subheader: bool = False) -> bytes:
    """§4.3: a header of twelve bytes, and eight more where the last bit says so."""
    last = frame_type << 10 | int(subheader)
    header = struct.pack("!HHIHH", 0x2064, 1, 12_345, 0, last) + bytes(8) * subheader
    return gre(header + payload, ERSPAN_III, sequence=True)


def vxlan(frame: bytes, *, flags: int = 0x08) -> bytes:
    """RFC 7348 §5, with its UDP header."""
    return udp(struct.pack("!II", flags << 24, 7 << 8) + frame, 50_000, 4789)


def geneve(
    payload: bytes, protocol: int = ETHERNET_IN, *, options: bytes = b"", version: int = 0
) -> bytes:
    """RFC 8926 §3.4, with its UDP header."""
    head = version << 14 | len(options) // 4 << 8
    return udp(struct.pack("!HHI", head, protocol, 7 << 8) + options + payload, 50_000, 6081)


AUTHENTICATION = struct.pack("!BBBB", 0, 1, 3, 5) + b"cli" + b"valve" + bytes(9)
"""RFC 4380 §5.1.1, with a client's identifier and an authentication value."""

ORIGIN = struct.pack("!HH4s", 0, 0xFFFF, bytes(4))


def teredo(packet: bytes, *indications: bytes, ports: tuple[int, int] = (50_000, 3544)) -> bytes:
    """RFC 4380 §5.1.1, with its UDP header."""
    return udp(b"".join(indications) + packet, *ports)


def gtp_u(
    packet: bytes,
    extensions: Sequence[bytes] = (),
    *,
    sequence: bool = False,
    message_type: int = 255,
    version_and_type: int = 3,
) -> bytes:
    """3GPP TS 29.281 §5, with its UDP header. An extension is its content, 4n - 2 bytes."""
    flags = version_and_type << 4 | bool(extensions) << 2 | sequence << 1
    options = b""
    if extensions or sequence:
        kinds = [*([0x85] * len(extensions)), 0]
        options = struct.pack("!HBB", 5, 0, kinds[0])
        for extension, following in zip(extensions, kinds[1:], strict=True):
            options += bytes([(len(extension) + 2) // 4]) + extension + bytes([following])
    content = options + packet
    return udp(struct.pack("!BBHI", flags, message_type, len(content), 9) + content, 2152, 2152)


def address_bytes(address: str) -> bytes:
    """An address in 16 bytes, IPv4 as ::ffff:a.b.c.d."""
    parsed = ipaddress.ip_address(address)
    return parsed.packed if parsed.version == 6 else bytes(10) + b"\xff\xff" + parsed.packed
