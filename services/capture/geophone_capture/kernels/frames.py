"""Kernel: from a captured frame to the DNS that its innermost packet carries.

A packet inside of a packet is walked into by a loop (docs/adr/0015), so what is carried counts
wherever it is found, and what can't be walked into is given its reason. Nothing is put together
here: a TCP segment or an IP fragment is described, for others to do so.
"""

import numpy as np

from geophone_capture.encapsulations import Encapsulation
from geophone_capture.kernels.flows import FIN, RST, SYN, TCP, UDP, Sought
from geophone_capture.kernels.ip_headers import ipv4_header, ipv6_header, is_extension
from geophone_capture.kernels.links import IPV4, IPV6, link_header, network_header
from geophone_capture.kernels.tunnels import in_gre, in_udp_tunnel, tunnel_over_udp
from geophone_capture.reasons import Reason
from geophone_shared.jit import Array, inner_kernel, int64, kernel
from geophone_shared.kernels.octets import be16, octet

LOCATED = -1
"""The answer of `locate_datagram` where there is a datagram on a DNS port."""

PIECE = -2
"""Likewise where there is a TCP segment on a DNS port or a fragment in which DNS may be."""

_TUNNELLED = -3

_ARP = int(Reason.ARP)
_ICMP = int(Reason.ICMP)
_OTHER_PORT = int(Reason.OTHER_PORT)
_OTHER_PROTOCOL = int(Reason.OTHER_PROTOCOL)
_OTHER_ETHERTYPE = int(Reason.OTHER_ETHERTYPE)
_MULTICAST_DNS = int(Reason.MULTICAST_DNS)
_LLMNR = int(Reason.LLMNR)
_NETBIOS = int(Reason.NETBIOS)
_DNS_OVER_TLS = int(Reason.DNS_OVER_TLS)
_DNS_OVER_HTTPS = int(Reason.DNS_OVER_HTTPS)
_TCP_SEGMENT = int(Reason.TCP_SEGMENT)
_ENCAPSULATED = int(Reason.ENCAPSULATED)
_CUT_BY_SNAPLEN = int(Reason.CUT_BY_SNAPLEN)
_BAD_LINK_HEADER = int(Reason.BAD_LINK_HEADER)
_BAD_IP_HEADER = int(Reason.BAD_IP_HEADER)
_BAD_TCP_HEADER = int(Reason.BAD_TCP_HEADER)
_BAD_UDP_LENGTH = int(Reason.BAD_UDP_LENGTH)

_LOOK_INTO_GRE = int(Encapsulation.GRE)
_LOOK_INTO_IP_IN_IP = int(Encapsulation.IP_IN_IP)

_MAX_IP_LAYERS = 4  # an overlay over a tunnel over a mirror port has three

_IP_IN_IP, _IPV6_IN_IP, _GRE = 4, 41, 47  # RFC 2003, RFC 4213 and 2473, RFC 2784


@inner_kernel
def _ethertype_reason(ethertype: int) -> int:
    if ethertype == 0x0806 or ethertype == 0x8035:
        return _ARP
    return _OTHER_ETHERTYPE


@inner_kernel
def _protocol_reason(protocol: int, encapsulations: int) -> int:
    """`LOCATED` for an IP protocol in which DNS may be found, the reason of any other."""
    if protocol == UDP or protocol == TCP:
        return LOCATED
    if protocol == 1 or protocol == 58:
        return _ICMP
    if protocol == _IP_IN_IP or protocol == _IPV6_IN_IP:
        return LOCATED if encapsulations & _LOOK_INTO_IP_IN_IP != 0 else _ENCAPSULATED
    if protocol == _GRE:
        return LOCATED if encapsulations & _LOOK_INTO_GRE != 0 else _ENCAPSULATED
    return _OTHER_PROTOCOL


@inner_kernel
def _is_resolver(high: np.uint64, low: np.uint64, resolvers: Array) -> bool:
    """Whether an address is in the sorted list."""
    first, last = int64(0), int64(resolvers.shape[0])
    while first < last:
        middle = (first + last) >> 1
        known_high, known_low = resolvers[middle, 0], resolvers[middle, 1]
        if known_high == high and known_low == low:
            return True
        if known_high < high or (known_high == high and known_low < low):
            first = middle + 1
        else:
            last = middle
    return False


@inner_kernel
def _other_port_reason(
    protocol: int, source_port: int, destination_port: int, resolvers: Array, flow: Array
) -> int:
    """The reason of UDP and TCP between ports that carry no plain unicast DNS."""
    if destination_port == 443:
        high, low = flow[0]["destination_high"], flow[0]["destination_low"]
        return _DNS_OVER_HTTPS if _is_resolver(high, low, resolvers) else _OTHER_PORT
    if source_port == 443:
        high, low = flow[0]["source_high"], flow[0]["source_low"]
        return _DNS_OVER_HTTPS if _is_resolver(high, low, resolvers) else _OTHER_PORT
    if source_port == 853 or destination_port == 853:  # RFC 7858, RFC 9250
        return _DNS_OVER_TLS
    if source_port == 5355 or destination_port == 5355:  # RFC 4795
        return _LLMNR
    if protocol == UDP:
        if source_port == 5353 or destination_port == 5353:  # RFC 6762
            return _MULTICAST_DNS
        if source_port == 137 or destination_port == 137:  # RFC 1002
            return _NETBIOS
        if tunnel_over_udp(source_port, destination_port) != 0:
            return _ENCAPSULATED
    return _OTHER_PORT


@inner_kernel
def _segment(buffer: Array, at: int, end: int, wire_end: int, flow: Array) -> int:
    """Describe a TCP segment (RFC 9293 §3.1); a mere acknowledgement is done with."""
    if end - at < 20:
        return _CUT_BY_SNAPLEN if end < wire_end else _BAD_TCP_HEADER
    header_bytes = (octet(buffer, at + 12) >> 4) * 4
    start = at + header_bytes
    if header_bytes < 20 or start > wire_end:
        return _BAD_TCP_HEADER
    flags = octet(buffer, at + 13)
    if start == wire_end and flags & (FIN | SYN | RST) == 0:
        return _TCP_SEGMENT
    flow[0]["offset_bytes"] = 0
    flow[0]["has_more"] = 0
    flow[0]["sequence"] = (be16(buffer, at + 4) << 16) | be16(buffer, at + 6)
    flow[0]["acknowledgement"] = (be16(buffer, at + 8) << 16) | be16(buffer, at + 10)
    flow[0]["tcp_flags"] = flags
    flow[0]["start"] = min(start, end)
    flow[0]["end"] = end
    flow[0]["wire_bytes"] = wire_end - start
    return PIECE


@inner_kernel
def _transport(
    buffer: Array, at: int, end: int, wire_end: int, protocol: int, sought: Sought, flow: Array
) -> int:
    """Look into the header of UDP or TCP: `LOCATED`, `PIECE`, `_TUNNELLED` or a reason.

    `end` is where the captured bytes of the IP packet end, `wire_end` where the packet itself did.
    """
    if end - at < 4:
        return _CUT_BY_SNAPLEN if end < wire_end else _BAD_IP_HEADER
    source_port = be16(buffer, at)
    destination_port = be16(buffer, at + 2)
    answer = LOCATED
    if not (sought.is_dns_port[source_port] or sought.is_dns_port[destination_port]):
        tunnel = tunnel_over_udp(source_port, destination_port) if protocol == UDP else 0
        if tunnel & sought.encapsulations == 0:
            return _other_port_reason(
                protocol, source_port, destination_port, sought.resolvers, flow
            )
        answer = _TUNNELLED
    flow[0]["source_port"] = source_port
    flow[0]["destination_port"] = destination_port
    flow[0]["protocol"] = protocol
    if protocol == TCP:
        return _segment(buffer, at, end, wire_end, flow)
    if end - at < 8:
        return _CUT_BY_SNAPLEN if end < wire_end else _BAD_UDP_LENGTH
    udp_bytes = be16(buffer, at + 4)
    if udp_bytes == 0 and wire_end - at > 65_535:  # jumbogram, RFC 2675 §4
        udp_bytes = wire_end - at
    if udp_bytes < 8 or at + udp_bytes > wire_end:
        return _BAD_UDP_LENGTH
    flow[0]["start"] = at + 8
    flow[0]["end"] = min(end, at + udp_bytes)
    flow[0]["wire_bytes"] = udp_bytes - 8
    return answer


@inner_kernel
def _fragment(
    buffer: Array, at: int, end: int, wire_end: int, protocol: int, sought: Sought, flow: Array
) -> int:
    """Describe a fragment; only a first one that shows other ports is surely not DNS."""
    is_unclear = int64(flow[0]["ip_version"]) == 6 and is_extension(protocol)
    if not is_unclear:
        reason = _protocol_reason(protocol, sought.encapsulations)
        if reason != LOCATED:
            return reason
        has_ports = protocol == UDP or protocol == TCP
        if has_ports and flow[0]["offset_bytes"] == 0 and end - at >= 4:
            source_port, destination_port = be16(buffer, at), be16(buffer, at + 2)
            tunnel = tunnel_over_udp(source_port, destination_port) if protocol == UDP else 0
            is_dns = sought.is_dns_port[source_port] or sought.is_dns_port[destination_port]
            if not is_dns and tunnel & sought.encapsulations == 0:
                return _other_port_reason(
                    protocol, source_port, destination_port, sought.resolvers, flow
                )
    flow[0]["protocol"] = protocol
    flow[0]["start"] = at
    flow[0]["end"] = end
    flow[0]["wire_bytes"] = wire_end - at
    return PIECE


@kernel
def locate_datagram(
    buffer: Array,
    start: int,
    captured: int,
    original: int,
    link: int,
    sought: Sought,
    flow: Array,
) -> int:
    """Find what a frame carries on a DNS port, in its innermost packet.

    Args:
        buffer: uint8; the frame is `buffer[start : start + captured]`, inside the buffer.
        start: where the frame starts.
        captured: bytes of it that were kept.
        original: bytes of it on the wire.
        link: LINKTYPE_ number.
        sought: the ports that carry DNS, and what is looked into.
        flow: one `FLOW`, filled where the answer is `LOCATED` or `PIECE`. Of a segment `has_more`
            and `offset_bytes` are 0, of a fragment one of them isn't.

    Returns:
        `LOCATED`, `PIECE`, or the `Reason` why there is neither.
    """
    end = start + captured
    wire_end = start + max(captured, original)
    encapsulations = int64(sought.encapsulations)
    at, ethertype = link_header(buffer, start, end, link)
    for layer in range(_MAX_IP_LAYERS):
        if at >= 0:
            at, ethertype = network_header(buffer, at, end, ethertype, encapsulations)
        if at < 0:
            if at == -_BAD_LINK_HEADER:
                if end < wire_end:
                    return _CUT_BY_SNAPLEN
                return _BAD_LINK_HEADER if layer == 0 else _ENCAPSULATED
            return -at
        if ethertype == IPV4:
            at, end, wire_end, protocol, is_fragment = ipv4_header(buffer, at, end, wire_end, flow)
        elif ethertype == IPV6:
            at, end, wire_end, protocol, is_fragment = ipv6_header(buffer, at, end, wire_end, flow)
        else:
            return _ethertype_reason(ethertype)
        if at < 0:
            return -at
        if is_fragment:
            return _fragment(buffer, at, end, wire_end, protocol, sought, flow)
        reason = _protocol_reason(protocol, encapsulations)
        if reason != LOCATED:
            return reason
        if protocol == _IP_IN_IP:
            ethertype = IPV4
        elif protocol == _IPV6_IN_IP:
            ethertype = IPV6
        elif protocol == _GRE:
            at, ethertype = in_gre(buffer, at, end)
        else:
            answer = _transport(buffer, at, end, wire_end, protocol, sought, flow)
            if answer != _TUNNELLED:
                return answer
            at, end = int64(flow[0]["start"]), int64(flow[0]["end"])
            wire_end = at + int64(flow[0]["wire_bytes"])
            tunnel = tunnel_over_udp(
                int64(flow[0]["source_port"]), int64(flow[0]["destination_port"])
            )
            at, ethertype = in_udp_tunnel(buffer, at, end, tunnel)
    return _ENCAPSULATED
