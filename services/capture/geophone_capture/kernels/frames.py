"""Kernel: from a captured frame to the payload of its UDP datagram.

Link types Ethernet, Linux cooked v1 and v2, raw IP, null and loop; 802.1Q and QinQ; IPv4 with
options; IPv6 with extension headers. Everything else is given its reason.
"""

import numpy as np

from geophone_capture.reasons import Reason
from geophone_shared.jit import Array, inner_kernel, kernel
from geophone_shared.kernels.octets import be16, be64, octet

FLOW = np.dtype(
    [
        ("source_high", "u8"),
        ("source_low", "u8"),
        ("destination_high", "u8"),
        ("destination_low", "u8"),
        ("source_port", "i8"),
        ("destination_port", "i8"),
        ("start", "i8"),
        ("end", "i8"),
        ("wire_bytes", "i8"),
    ]
)
"""A datagram: its endpoints, and its payload `buffer[start:end]` of `wire_bytes` before any cut."""

LOCATED = -1
"""The answer of `locate_datagram` where there is a datagram on a DNS port."""

_ARP = int(Reason.ARP)
_ICMP = int(Reason.ICMP)
_OTHER_PORT = int(Reason.OTHER_PORT)
_OTHER_PROTOCOL = int(Reason.OTHER_PROTOCOL)
_OTHER_ETHERTYPE = int(Reason.OTHER_ETHERTYPE)
_TCP = int(Reason.TCP)
_IP_FRAGMENT = int(Reason.IP_FRAGMENT)
_ENCAPSULATED = int(Reason.ENCAPSULATED)
_UNKNOWN_LINK_TYPE = int(Reason.UNKNOWN_LINK_TYPE)
_CUT_BY_SNAPLEN = int(Reason.CUT_BY_SNAPLEN)
_BAD_LINK_HEADER = int(Reason.BAD_LINK_HEADER)
_BAD_IP_HEADER = int(Reason.BAD_IP_HEADER)
_BAD_UDP_LENGTH = int(Reason.BAD_UDP_LENGTH)

_MAX_VLAN_TAGS = 2  # QinQ, IEEE 802.1ad
_MAX_EXTENSION_HEADERS = 8  # RFC 8200 §4.1 lists seven that may stand in one packet
_MAPPED = np.uint64(0x0000FFFF00000000)  # ::ffff:0:0/96, RFC 4291 §2.5.5.2


@kernel
def network_header(buffer: Array, start: int, end: int, link: int) -> tuple[int, int]:
    """Where the network header starts, and its EtherType; (-reason, 0) where there is none."""
    at = start
    if link == 1:  # Ethernet
        if end - at < 14:
            return -_BAD_LINK_HEADER, 0
        ethertype = be16(buffer, at + 12)
        at += 14
    elif link == 113:  # Linux cooked v1
        if end - at < 16:
            return -_BAD_LINK_HEADER, 0
        ethertype = be16(buffer, at + 14)
        at += 16
    elif link == 276:  # Linux cooked v2
        if end - at < 20:
            return -_BAD_LINK_HEADER, 0
        ethertype = be16(buffer, at)
        at += 20
    elif link == 101 or link == 12 or link == 14 or link == 228 or link == 229:  # raw IP
        if end - at < 1:
            return -_BAD_LINK_HEADER, 0
        version = octet(buffer, at) >> 4
        ethertype = 0x86DD if version == 6 else 0x0800
    elif link == 0 or link == 108:  # null (byte order of the host) and loop (big-endian)
        if end - at < 4:
            return -_BAD_LINK_HEADER, 0
        family = octet(buffer, at) | octet(buffer, at + 3)
        ethertype = 0
        if octet(buffer, at + 1) == 0 and octet(buffer, at + 2) == 0:
            if family == 2:
                ethertype = 0x0800
            elif family == 10 or family == 24 or family == 28 or family == 30:
                ethertype = 0x86DD  # AF_INET6 of Linux, NetBSD, FreeBSD, Darwin
        at += 4
    else:
        return -_UNKNOWN_LINK_TYPE, 0
    tags = 0
    while ethertype == 0x8100 or ethertype == 0x88A8 or ethertype == 0x9100:
        if tags == _MAX_VLAN_TAGS:
            return -_ENCAPSULATED, 0
        if end - at < 4:
            return -_BAD_LINK_HEADER, 0
        ethertype = be16(buffer, at + 2)
        at += 4
        tags += 1
    return at, ethertype


@inner_kernel
def _protocol_reason(protocol: int) -> int:
    """`LOCATED` for UDP and TCP, the reason of any other IP protocol."""
    if protocol == 17 or protocol == 6:
        return LOCATED
    if protocol == 1 or protocol == 58:
        return _ICMP
    if protocol == 4 or protocol == 41 or protocol == 47:  # IP in IP, 6in4, GRE
        return _ENCAPSULATED
    return _OTHER_PROTOCOL


@inner_kernel
def _other_port_reason(protocol: int, destination_port: int) -> int:
    """The reason of UDP and TCP between ports that carry no DNS."""
    if protocol == 17 and (
        destination_port == 4789  # VXLAN, RFC 7348
        or destination_port == 6081  # GENEVE, RFC 8926
        or destination_port == 3544  # Teredo, RFC 4380
        or destination_port == 2152  # GTP-U, 3GPP TS 29.281
    ):
        return _ENCAPSULATED
    return _OTHER_PORT


@inner_kernel
def _is_extension(protocol: int) -> bool:
    """Whether an IPv6 extension header follows, of those that can be walked over."""
    is_option = protocol == 0 or protocol == 43 or protocol == 60
    is_mobility = protocol == 135 or protocol == 139 or protocol == 140
    return is_option or is_mobility or protocol == 51 or protocol == 44


@inner_kernel
def _transport(
    buffer: Array,
    start: int,
    end: int,
    wire_end: int,
    protocol: int,
    is_dns_port: Array,
    flow: Array,
) -> int:
    """Look into the transport header: `LOCATED`, with `flow` filled, or a reason.

    `end` is where the captured bytes of the IP packet end, `wire_end` where the packet itself did.
    """
    reason = _protocol_reason(protocol)
    if reason != LOCATED:
        return reason
    if end - start < 4:
        return _CUT_BY_SNAPLEN if end < wire_end else _BAD_IP_HEADER
    source_port = be16(buffer, start)
    destination_port = be16(buffer, start + 2)
    if not (is_dns_port[source_port] or is_dns_port[destination_port]):
        return _other_port_reason(protocol, destination_port)
    if protocol == 6:
        return _TCP
    if end - start < 8:
        return _CUT_BY_SNAPLEN if end < wire_end else _BAD_UDP_LENGTH
    udp_bytes = be16(buffer, start + 4)
    if udp_bytes == 0 and wire_end - start > 65_535:  # jumbogram, RFC 2675 §4
        udp_bytes = wire_end - start
    if udp_bytes < 8 or start + udp_bytes > wire_end:
        return _BAD_UDP_LENGTH
    flow[0]["source_port"] = source_port
    flow[0]["destination_port"] = destination_port
    flow[0]["start"] = start + 8
    flow[0]["end"] = min(end, start + udp_bytes)
    flow[0]["wire_bytes"] = udp_bytes - 8
    return LOCATED


@inner_kernel
def _fragment(
    buffer: Array, start: int, end: int, protocol: int, is_first: bool, is_dns_port: Array
) -> int:
    """The reason of a fragment: only a first one that shows other ports is surely not DNS."""
    reason = _protocol_reason(protocol)
    if reason != LOCATED:
        return reason
    if is_first and end - start >= 4:
        destination_port = be16(buffer, start + 2)
        if not (is_dns_port[be16(buffer, start)] or is_dns_port[destination_port]):
            return _other_port_reason(protocol, destination_port)
    return _IP_FRAGMENT


@inner_kernel
def _ipv4(
    buffer: Array, start: int, end: int, wire_end: int, is_dns_port: Array, flow: Array
) -> int:
    """RFC 791 §3.1."""
    if end - start < 20:
        return _CUT_BY_SNAPLEN if end < wire_end else _BAD_IP_HEADER
    header_bytes = (octet(buffer, start) & 0x0F) * 4
    if octet(buffer, start) >> 4 != 4 or header_bytes < 20:
        return _BAD_IP_HEADER
    total_bytes = be16(buffer, start + 2)
    if total_bytes == 0:  # the sender's network card was to fill it in (segmentation offload)
        total_bytes = wire_end - start
    if total_bytes < header_bytes or start + total_bytes > wire_end:
        return _BAD_IP_HEADER
    wire_end = start + total_bytes
    end = min(end, wire_end)
    payload = start + header_bytes
    if payload > end:
        return _CUT_BY_SNAPLEN
    flow[0]["source_high"] = np.uint64(0)
    flow[0]["destination_high"] = np.uint64(0)
    source = (be16(buffer, start + 12) << 16) | be16(buffer, start + 14)
    destination = (be16(buffer, start + 16) << 16) | be16(buffer, start + 18)
    flow[0]["source_low"] = _MAPPED | np.uint64(source)
    flow[0]["destination_low"] = _MAPPED | np.uint64(destination)
    protocol = octet(buffer, start + 9)
    fragment = be16(buffer, start + 6) & 0x3FFF  # "more fragments" and the offset
    if fragment != 0:
        is_first = (fragment & 0x1FFF) == 0
        return _fragment(buffer, payload, end, protocol, is_first, is_dns_port)
    return _transport(buffer, payload, end, wire_end, protocol, is_dns_port, flow)


@inner_kernel
def _ipv6(
    buffer: Array, start: int, end: int, wire_end: int, is_dns_port: Array, flow: Array
) -> int:
    """RFC 8200 §3 and §4."""
    if end - start < 40:
        return _CUT_BY_SNAPLEN if end < wire_end else _BAD_IP_HEADER
    if octet(buffer, start) >> 4 != 6:
        return _BAD_IP_HEADER
    payload_bytes = be16(buffer, start + 4)
    if payload_bytes != 0:  # 0: jumbogram, its length is that of the frame
        if start + 40 + payload_bytes > wire_end:
            return _BAD_IP_HEADER
        wire_end = start + 40 + payload_bytes
        end = min(end, wire_end)
    flow[0]["source_high"] = be64(buffer, start + 8)
    flow[0]["source_low"] = be64(buffer, start + 16)
    flow[0]["destination_high"] = be64(buffer, start + 24)
    flow[0]["destination_low"] = be64(buffer, start + 32)
    protocol = octet(buffer, start + 6)
    at = start + 40
    for _ in range(_MAX_EXTENSION_HEADERS + 1):
        if not _is_extension(protocol):
            return _transport(buffer, at, end, wire_end, protocol, is_dns_port, flow)
        if end - at < 8:
            return _CUT_BY_SNAPLEN if end < wire_end else _BAD_IP_HEADER
        following = octet(buffer, at)
        if protocol == 44:
            fragment = be16(buffer, at + 2) & 0xFFF9
            if fragment != 0:  # 0: an atomic fragment, RFC 6946
                if _is_extension(following):
                    return _IP_FRAGMENT
                is_first = (fragment & 0xFFF8) == 0
                return _fragment(buffer, at + 8, end, following, is_first, is_dns_port)
            at += 8
        elif protocol == 51:  # authentication header, RFC 4302: in units of 4 bytes
            at += (octet(buffer, at + 1) + 2) * 4
        else:
            at += (octet(buffer, at + 1) + 1) * 8
        protocol = following
    return _BAD_IP_HEADER


@kernel
def locate_datagram(
    buffer: Array,
    start: int,
    captured: int,
    original: int,
    link: int,
    is_dns_port: Array,
    flow: Array,
) -> int:
    """Find the UDP datagram on a DNS port that a frame carries.

    Args:
        buffer: uint8; the frame is `octet(buffer, start : start + captured)`, inside the buffer.
        start: where the frame starts.
        captured: bytes of it that were kept.
        original: bytes of it on the wire.
        link: LINKTYPE_ number.
        is_dns_port: bool[65536].
        flow: one `FLOW`, filled where the answer is `LOCATED`.

    Returns:
        `LOCATED`, or the `Reason` why there is no such datagram.
    """
    end = start + captured
    wire_end = start + max(captured, original)
    at, ethertype = network_header(buffer, start, end, link)
    if at < 0:
        if at == -_BAD_LINK_HEADER and end < wire_end:
            return _CUT_BY_SNAPLEN
        return -at
    if ethertype == 0x0800:
        return _ipv4(buffer, at, end, wire_end, is_dns_port, flow)
    if ethertype == 0x86DD:
        return _ipv6(buffer, at, end, wire_end, is_dns_port, flow)
    if ethertype == 0x0806 or ethertype == 0x8035:
        return _ARP
    if ethertype == 0x8847 or ethertype == 0x8848 or ethertype == 0x8864:  # MPLS, PPPoE
        return _ENCAPSULATED
    return _OTHER_ETHERTYPE
