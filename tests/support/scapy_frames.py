"""Frames of every encapsulation, made by scapy: another reading of the same standards."""

from collections.abc import Callable

from scapy.compat import raw
from scapy.contrib.erspan import ERSPAN_II, ERSPAN_III, ERSPAN_PlatformSpecific
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.contrib.mpls import MPLS
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import IP, TCP, UDP, fragment
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    fragment6,
)
from scapy.layers.l2 import GRE, Dot1AD, Dot1Q, Ether
from scapy.layers.ppp import PPP, PPPoE
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw

Build = Callable[[Packet], Packet]

OUTER = {4: IP(src="172.16.0.1", dst="172.16.0.2"), 6: IPv6(src="fd00::1", dst="fd00::2")}
NAME = b"scapy.example"
ENDS = {4: ("192.0.2.1", "192.0.2.53"), 6: ("2001:db8::1", "2001:db8::53")}


def _ether(packet: Packet) -> Packet:
    return Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet


def _protocol(packet: Packet) -> int:
    return 4 if isinstance(packet, IP) else 41


def _type(packet: Packet) -> int:
    return 0x0800 if isinstance(packet, IP) else 0x86DD


def over(version: int, protocol: int) -> Packet:
    """An outer IP header."""
    outer = OUTER[version].copy()
    if version == 4:
        outer.proto = protocol
    else:
        outer.nh = protocol
    return outer


ON_LINKS: dict[str, Build] = {
    "Ethernet": _ether,
    "802.1Q": lambda packet: _ether(Dot1Q(vlan=7, type=_type(packet)) / packet),
    "QinQ": lambda packet: _ether(Dot1AD(vlan=7) / Dot1Q(vlan=8, type=_type(packet)) / packet),
    "MPLS": lambda packet: _ether(MPLS(label=16, s=0) / MPLS(label=17, s=1) / packet),
    "MPLS pseudowire": lambda packet: _ether(MPLS(label=16, s=1) / Raw(bytes(4)) / _ether(packet)),
    "PPPoE": lambda packet: _ether(
        PPPoE(sessionid=9) / PPP(proto=0x21 if isinstance(packet, IP) else 0x57) / packet
    ),
}
"""What lies right on Ethernet; from an IP packet to a frame."""

ON_IP: dict[str, Callable[[int, Packet], Packet]] = {
    "IP in IP": lambda version, packet: over(version, _protocol(packet)) / packet,
    "GRE": lambda version, packet: over(version, 47) / GRE(proto=_type(packet)) / packet,
    "GRE, all fields": lambda version, packet: (
        over(version, 47)
        / GRE(proto=_type(packet), chksum_present=1, key_present=1, key=7, seqnum_present=1)
        / packet
    ),
    "NVGRE": lambda version, packet: (
        over(version, 47) / GRE(proto=0x6558, key_present=1, key=7) / _ether(packet)
    ),
    "ERSPAN I": lambda version, packet: over(version, 47) / GRE(proto=0x88BE) / _ether(packet),
    "ERSPAN II": lambda version, packet: (
        over(version, 47)
        / GRE(proto=0x88BE, seqnum_present=1)
        / ERSPAN_II(session_id=3)
        / _ether(packet)
    ),
    "ERSPAN III": lambda version, packet: (
        over(version, 47)
        / GRE(proto=0x22EB, seqnum_present=1)
        / ERSPAN_III(session_id=3, o=0)
        / _ether(packet)
    ),
    "ERSPAN III, platform": lambda version, packet: (
        over(version, 47)
        / GRE(proto=0x22EB, seqnum_present=1)
        / ERSPAN_III(session_id=3, o=1)
        / ERSPAN_PlatformSpecific()
        / _ether(packet)
    ),
    "VXLAN": lambda version, packet: (
        OUTER[version] / UDP(sport=5_000, dport=4789) / VXLAN(vni=7) / _ether(packet)
    ),
    "GENEVE": lambda version, packet: (
        OUTER[version] / UDP(sport=5_000, dport=6081) / GENEVE(vni=7) / _ether(packet)
    ),
    "GENEVE, no Ethernet": lambda version, packet: (
        OUTER[version] / UDP(sport=5_000, dport=6081) / GENEVE(proto=_type(packet)) / packet
    ),
    "GTP-U": lambda version, packet: (
        OUTER[version] / UDP(sport=2152, dport=2152) / GTP_U_Header(teid=9) / packet
    ),
    "GTP-U, 5G": lambda version, packet: (
        OUTER[version]
        / UDP(sport=2152, dport=2152)
        / GTP_U_Header(teid=9, E=1, next_ex=0x85)
        / GTPPDUSessionContainer(type=1, QFI=3)
        / packet
    ),
}
"""What lies on IP; from the outer version and the inner packet to a packet."""

TEREDO = "Teredo"


def inner_packet(version: int, *, is_response: bool, over_tcp: bool = False) -> Packet:
    """A query for `NAME` with id 7, or its response."""
    client, server = ENDS[version]
    source, destination, ports = client, server, (40_000, 53)
    if is_response:
        source, destination, ports = server, client, (53, 40_000)
    network = (IP if version == 4 else IPv6)(src=source, dst=destination)
    message = DNS(id=7, rd=1, qr=int(is_response), qd=DNSQR(qname=NAME, qtype="TXT"))
    if over_tcp:
        return network / TCP(sport=ports[0], dport=ports[1], flags="PA", seq=101) / message
    return network / UDP(sport=ports[0], dport=ports[1]) / message


def raw_frame(packet: Packet) -> bytes:
    """An IP packet in an Ethernet frame."""
    return raw(_ether(packet))


def in_fragments(packet: Packet) -> list[bytes]:
    """Frames with the fragments of an IP packet."""
    if isinstance(packet, IP):
        pieces = fragment(packet, fragsize=1_000)  # type: ignore[no-untyped-call]
    else:
        network, transport = packet.copy(), packet.payload
        network.remove_payload()
        whole = network / IPv6ExtHdrFragment(id=9) / transport
        pieces = fragment6(whole, 1_280)  # type: ignore[no-untyped-call]
    return [raw_frame(piece) for piece in pieces]


def frames(name: str, inner: int, outer: int) -> list[bytes]:
    """A query and its response in an encapsulation of the tables."""
    found = []
    for is_response in (False, True):
        packet = inner_packet(inner, is_response=is_response)
        if name in ON_LINKS:
            found.append(raw(ON_LINKS[name](packet)))
        elif name == TEREDO:
            carrier = OUTER[4] / UDP(sport=5_000, dport=3544)
            found.append(raw(_ether(carrier / Raw(raw(packet)))))
        else:
            found.append(raw(_ether(ON_IP[name](outer, packet))))
    return found


def with_extension_headers() -> list[bytes]:
    """Likewise, plain, behind extension headers."""
    found = []
    for is_response in (False, True):
        packet = inner_packet(6, is_response=is_response)
        datagram = packet[UDP].copy()
        packet.remove_payload()
        packet /= IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / datagram
        found.append(raw(_ether(packet)))
    return found


CASES = [
    *((name, inner, 4) for name in ON_LINKS for inner in (4, 6)),
    *((name, inner, outer) for name in ON_IP for inner in (4, 6) for outer in (4, 6)),
    (TEREDO, 6, 4),
]
"""Encapsulation, inner and outer version."""
