"""Kernel: from a frame to its network header: link types, VLAN tags, MPLS and PPPoE."""

from geophone_capture.encapsulations import Encapsulation
from geophone_capture.reasons import Reason
from geophone_shared.jit import Array, inner_kernel
from geophone_shared.kernels.octets import be16, octet

IPV4 = 0x0800
IPV6 = 0x86DD
ETHERNET = 0x6558
"""EtherType of a whole Ethernet frame inside of something else: transparent Ethernet bridging."""

_ENCAPSULATED = int(Reason.ENCAPSULATED)
_UNKNOWN_LINK_TYPE = int(Reason.UNKNOWN_LINK_TYPE)
_BAD_LINK_HEADER = int(Reason.BAD_LINK_HEADER)

_LOOK_INTO_MPLS = int(Encapsulation.MPLS)
_LOOK_INTO_PPPOE = int(Encapsulation.PPPOE)

_MAX_VLAN_TAGS = 2  # QinQ, IEEE 802.1ad
_MAX_LABELS = 16  # routers push a handful (RFC 3032 §2.1 sets no limit)
_MAX_SHIMS = 8  # tags, label stacks, sessions and inner Ethernet headers on the way to IP

_MPLS, _MPLS_UPSTREAM = 0x8847, 0x8848  # RFC 5332 §3
_PPPOE_SESSION = 0x8864
_ARP = 0x0806


@inner_kernel
def link_header(buffer: Array, start: int, end: int, link: int) -> tuple[int, int]:
    """Where a frame's first header ends, and the EtherType of what follows.

    (-reason, 0) where there is none; `BAD_LINK_HEADER` where the frame ends too early.
    """
    at = start
    if link == 1:  # Ethernet
        if end - at < 14:
            return -_BAD_LINK_HEADER, 0
        return at + 14, be16(buffer, at + 12)
    if link == 113:  # Linux cooked v1
        if end - at < 16:
            return -_BAD_LINK_HEADER, 0
        return at + 16, be16(buffer, at + 14)
    if link == 276:  # Linux cooked v2
        if end - at < 20:
            return -_BAD_LINK_HEADER, 0
        return at + 20, be16(buffer, at)
    if link == 101 or link == 12 or link == 14 or link == 228 or link == 229:  # raw IP
        if end - at < 1:
            return -_BAD_LINK_HEADER, 0
        return at, (IPV6 if octet(buffer, at) >> 4 == 6 else IPV4)
    if link == 0 or link == 108:  # null (byte order of the host) and loop (big-endian)
        if end - at < 4:
            return -_BAD_LINK_HEADER, 0
        family = octet(buffer, at) | octet(buffer, at + 3)
        ethertype = 0
        if octet(buffer, at + 1) == 0 and octet(buffer, at + 2) == 0:
            if family == 2:
                ethertype = IPV4
            elif family == 10 or family == 24 or family == 28 or family == 30:
                ethertype = IPV6  # AF_INET6 of Linux, NetBSD, FreeBSD, Darwin
        return at + 4, ethertype
    return -_UNKNOWN_LINK_TYPE, 0


@inner_kernel
def network_header(
    buffer: Array, at: int, end: int, ethertype: int, encapsulations: int
) -> tuple[int, int]:
    """Walk over tags, labels, sessions and inner Ethernet headers.

    Args:
        buffer: uint8.
        at: where what `ethertype` names starts.
        end: where the captured bytes end.
        ethertype: EtherType.
        encapsulations: bit set of `Encapsulation`.

    Returns:
        (where the next header starts, its EtherType: none of those that are walked over), or
        (-reason, 0); `BAD_LINK_HEADER` where the frame ends too early.
    """
    tags = 0
    for _ in range(_MAX_SHIMS + 1):
        if ethertype == IPV4 or ethertype == IPV6:
            return at, ethertype
        if ethertype == 0x8100 or ethertype == 0x88A8 or ethertype == 0x9100:
            if tags == _MAX_VLAN_TAGS:
                return -_ENCAPSULATED, 0
            if end - at < 4:
                return -_BAD_LINK_HEADER, 0
            ethertype = be16(buffer, at + 2)
            at += 4
            tags += 1
        elif ethertype == ETHERNET:
            if end - at < 14:
                return -_BAD_LINK_HEADER, 0
            ethertype = be16(buffer, at + 12)
            at += 14
            tags = 0
        elif ethertype == _MPLS or ethertype == _MPLS_UPSTREAM:
            if encapsulations & _LOOK_INTO_MPLS == 0:
                return -_ENCAPSULATED, 0
            at, ethertype = _below_labels(buffer, at, end)
            if at < 0:
                return at, 0
        elif ethertype == _PPPOE_SESSION:
            if encapsulations & _LOOK_INTO_PPPOE == 0:
                return -_ENCAPSULATED, 0
            at, ethertype = _in_session(buffer, at, end)
            if at < 0:
                return at, 0
        else:
            return at, ethertype
    return -_ENCAPSULATED, 0


@inner_kernel
def _below_labels(buffer: Array, at: int, end: int) -> tuple[int, int]:
    """What lies below an MPLS label stack (RFC 3032): IP, or Ethernet (RFC 4448).

    Nothing says which. An IP packet is told by its version; a frame, with a control word before it
    or without, by an EtherType that makes sense (RFC 8469 tells why nothing better can be done).
    """
    for _ in range(_MAX_LABELS):
        if end - at < 4:
            return -_BAD_LINK_HEADER, 0
        is_last = octet(buffer, at + 2) & 1 != 0
        at += 4
        if not is_last:
            continue
        if end - at < 1:
            return -_BAD_LINK_HEADER, 0
        nibble = octet(buffer, at) >> 4
        if nibble == 4:
            return at, IPV4
        if nibble == 6:
            return at, IPV6
        if nibble == 0 and end - at >= 18 and _is_common(be16(buffer, at + 16)):
            return at + 4, ETHERNET
        if end - at >= 14 and _is_common(be16(buffer, at + 12)):
            return at, ETHERNET
        if end - at < (18 if nibble == 0 else 14):
            return -_BAD_LINK_HEADER, 0
        return -_ENCAPSULATED, 0
    return -_ENCAPSULATED, 0


@inner_kernel
def _is_common(ethertype: int) -> bool:
    """Whether an EtherType is one that customers' frames have."""
    is_ip = ethertype == IPV4 or ethertype == IPV6 or ethertype == _ARP
    is_tag = ethertype == 0x8100 or ethertype == 0x88A8 or ethertype == 0x9100
    return is_ip or is_tag or ethertype == _MPLS or ethertype == _PPPOE_SESSION


@inner_kernel
def _in_session(buffer: Array, at: int, end: int) -> tuple[int, int]:
    """What a PPPoE session (RFC 2516 §4) carries over PPP (RFC 1661 §2)."""
    if end - at < 8:
        return -_BAD_LINK_HEADER, 0
    if octet(buffer, at) != 0x11 or octet(buffer, at + 1) != 0:
        return -_ENCAPSULATED, 0
    protocol = be16(buffer, at + 6)
    at += 8
    if protocol >> 8 == 0x21 or protocol >> 8 == 0x57:  # sent in one byte, RFC 1661 §6.5
        protocol >>= 8
        at -= 1
    if protocol == 0x0021:
        return at, IPV4
    if protocol == 0x0057:
        return at, IPV6
    if protocol == 0x0281 or protocol == 0x0283:
        return at, _MPLS
    # Multilink, encrypted, compressed: there is IP inside, but not to be read.
    if protocol == 0x003D or protocol == 0x0053 or protocol == 0x00FD:
        return -_ENCAPSULATED, 0
    return at, 0
