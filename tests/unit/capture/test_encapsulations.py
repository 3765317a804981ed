"""What encapsulations carry, as literals: each over IPv4 and IPv6, each around both."""

import struct

import pytest

from geophone_capture.encapsulations import ALL, NONE, Encapsulation
from geophone_capture.reasons import Reason
from tests.support.encapsulations import (
    AUTHENTICATION,
    CONTROL_WORD,
    ERSPAN_III,
    ETHERNET_IN,
    MPLS,
    ORIGIN,
    PPPOE,
    erspan_1,
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
from tests.support.located import Datagram, Found, Fragment, Segment, look_at
from tests.support.packets import (
    ARP,
    CLIENT,
    CLIENT_6,
    IPV4,
    IPV6,
    LINUX_COOKED,
    SERVER,
    SERVER_6,
    Packet,
    ethernet,
    extension,
    fragment_header,
    ipv4,
    ipv6,
    linux_cooked,
    tcp,
    udp,
)

pytestmark = pytest.mark.kernels

OUTER = ("172.16.0.1", "172.16.0.2")
OUTER_6 = ("fd00::1", "fd00::2")
PAYLOAD = b"any bytes at all"
DATAGRAM = udp(PAYLOAD)
INNER_4, INNER_6 = ipv4(DATAGRAM), ipv6(DATAGRAM)
FROM_4 = Datagram(CLIENT, SERVER, 40_000, 53, PAYLOAD, len(PAYLOAD))
FROM_6 = Datagram(CLIENT_6, SERVER_6, 40_000, 53, PAYLOAD, len(PAYLOAD))
FRAME_4, FRAME_6 = ethernet(INNER_4), ethernet(INNER_6, IPV6, [0x8100])

GRE, UDP = 47, 17


def over_4(payload: bytes, protocol: int) -> Packet:
    return Packet(ethernet(ipv4(payload, protocol, *OUTER)))


def over_6(payload: bytes, protocol: int) -> Packet:
    return Packet(ethernet(ipv6(payload, protocol, *OUTER_6), IPV6))


def in_link(payload: bytes, ethertype: int) -> Packet:
    return Packet(ethernet(payload, ethertype))


OVER_LINKS = [
    (Encapsulation.MPLS, MPLS, mpls(INNER_4), FROM_4),
    (Encapsulation.MPLS, 0x8848, mpls(INNER_6, [16, 17, 18]), FROM_6),
    (Encapsulation.MPLS, MPLS, mpls(FRAME_4), FROM_4),
    (Encapsulation.MPLS, MPLS, mpls(FRAME_6), FROM_6),
    (Encapsulation.MPLS, MPLS, mpls(CONTROL_WORD + FRAME_4), FROM_4),
    (Encapsulation.MPLS, MPLS, mpls(CONTROL_WORD + FRAME_6), FROM_6),
    (Encapsulation.MPLS, MPLS, mpls(INNER_4, range(16)), FROM_4),
    (Encapsulation.PPPOE, PPPOE, pppoe(INNER_4), FROM_4),
    (Encapsulation.PPPOE, PPPOE, pppoe(INNER_6, 0x0057), FROM_6),
    (Encapsulation.PPPOE, PPPOE, pppoe(b"\x21" + INNER_4)[:6] + b"\x21" + INNER_4, FROM_4),
    (Encapsulation.PPPOE | Encapsulation.MPLS, PPPOE, pppoe(mpls(INNER_4), 0x0281), FROM_4),
]
OVER_IP = [
    (Encapsulation.IP_IN_IP, 4, INNER_4, FROM_4),
    (Encapsulation.IP_IN_IP, 41, INNER_6, FROM_6),
    (Encapsulation.GRE, GRE, gre(INNER_4), FROM_4),
    (Encapsulation.GRE, GRE, gre(INNER_6, IPV6, key=True), FROM_6),
    (Encapsulation.GRE, GRE, gre(INNER_4, checksum=True, sequence=True), FROM_4),
    (Encapsulation.GRE, GRE, gre(INNER_6, IPV6, checksum=True, key=True, sequence=True), FROM_6),
    (Encapsulation.GRE, GRE, gre(FRAME_4, ETHERNET_IN, key=True), FROM_4),  # NVGRE
    (Encapsulation.GRE, GRE, gre(FRAME_6, ETHERNET_IN), FROM_6),
    (Encapsulation.GRE | Encapsulation.MPLS, GRE, gre(mpls(INNER_4), MPLS), FROM_4),
    (Encapsulation.GRE, GRE, erspan_1(FRAME_4), FROM_4),
    (Encapsulation.GRE, GRE, erspan_2(FRAME_6), FROM_6),
    (Encapsulation.GRE, GRE, erspan_3(FRAME_4), FROM_4),
    (Encapsulation.GRE, GRE, erspan_3(FRAME_6, subheader=True), FROM_6),
    (Encapsulation.GRE, GRE, erspan_3(INNER_6, frame_type=2), FROM_6),
    (Encapsulation.VXLAN, UDP, vxlan(FRAME_4), FROM_4),
    (Encapsulation.VXLAN, UDP, vxlan(FRAME_6, flags=0x88), FROM_6),  # with a group policy
    (Encapsulation.GENEVE, UDP, geneve(FRAME_4), FROM_4),
    (Encapsulation.GENEVE, UDP, geneve(FRAME_6, options=bytes(12)), FROM_6),
    (Encapsulation.GENEVE, UDP, geneve(INNER_4, IPV4, options=bytes(252)), FROM_4),
    (Encapsulation.TEREDO, UDP, teredo(INNER_6), FROM_6),
    (Encapsulation.TEREDO, UDP, teredo(INNER_6, AUTHENTICATION), FROM_6),
    (Encapsulation.TEREDO, UDP, teredo(INNER_6, ORIGIN, ports=(3544, 50_000)), FROM_6),
    (Encapsulation.TEREDO, UDP, teredo(INNER_6, AUTHENTICATION, ORIGIN), FROM_6),
    (Encapsulation.GTP_U, UDP, gtp_u(INNER_4), FROM_4),
    (Encapsulation.GTP_U, UDP, gtp_u(INNER_6, sequence=True), FROM_6),
    (Encapsulation.GTP_U, UDP, gtp_u(INNER_4, [bytes(2)]), FROM_4),
    (Encapsulation.GTP_U, UDP, gtp_u(INNER_6, [bytes(2), bytes(6)], sequence=True), FROM_6),
]


@pytest.mark.parametrize(("encapsulation", "ethertype", "payload", "expected"), OVER_LINKS)
def test_over_ethernet(
    encapsulation: Encapsulation, ethertype: int, payload: bytes, expected: Found
) -> None:
    packet = in_link(payload, ethertype)
    assert look_at(packet) == look_at(packet, encapsulations=encapsulation) == expected
    assert look_at(packet, encapsulations=ALL & ~encapsulation) == Reason.ENCAPSULATED
    tagged = Packet(ethernet(payload, ethertype, [0x88A8, 0x8100]))
    assert look_at(tagged) == expected
    cooked = Packet(linux_cooked(payload, ethertype), link=LINUX_COOKED)
    assert look_at(cooked) == expected


@pytest.mark.parametrize(("encapsulation", "protocol", "payload", "expected"), OVER_IP)
def test_over_ip(
    encapsulation: Encapsulation, protocol: int, payload: bytes, expected: Found
) -> None:
    for packet in (over_4(payload, protocol), over_6(payload, protocol)):
        assert look_at(packet) == look_at(packet, encapsulations=encapsulation) == expected
        without = ALL & ~encapsulation
        assert look_at(packet, encapsulations=without) == Reason.ENCAPSULATED
        assert look_at(packet, encapsulations=NONE) == Reason.ENCAPSULATED


@pytest.mark.parametrize(
    ("payload", "protocol", "expected"),
    [
        (gre(ipv4(udp(PAYLOAD, 1, 2))), GRE, Reason.OTHER_PORT),
        (gre(ipv4(PAYLOAD, 1)), GRE, Reason.ICMP),
        (gre(bytes(28), ARP), GRE, Reason.ARP),
        (gre(b"", 0), GRE, Reason.OTHER_ETHERTYPE),  # Cisco's keep-alive
        (vxlan(ethernet(bytes(28), ARP)), UDP, Reason.ARP),
        (vxlan(ethernet(bytes(46), 0x0026)), UDP, Reason.OTHER_ETHERTYPE),
        (vxlan(ethernet(ipv4(udp(PAYLOAD, 5353, 5353)))), UDP, Reason.MULTICAST_DNS),
        (ipv6(b"", 59), 41, Reason.OTHER_PROTOCOL),
        (teredo(ipv6(b"", 59)), UDP, Reason.OTHER_PROTOCOL),  # its bubbles
        (gtp_u(b"", message_type=1), UDP, Reason.OTHER_PORT),  # its echo requests
        (ipv4(DATAGRAM, version=5), 4, Reason.BAD_IP_HEADER),
        (ipv4(DATAGRAM[:4] + b"\xff" * 4), 4, Reason.BAD_UDP_LENGTH),
        (vxlan(ethernet(ipv4(tcp(40_000, 53), 6))), UDP, Reason.TCP_SEGMENT),
        (
            vxlan(ethernet(ipv4(tcp(40_000, 53, PAYLOAD), 6))),
            UDP,
            Segment(CLIENT, SERVER, 40_000, 53, 1, 0x18, PAYLOAD, len(PAYLOAD)),
        ),
        (
            gre(ipv4(DATAGRAM, fragment=0x2000)),
            GRE,
            Fragment(4, CLIENT, SERVER, 1, 17, 0, has_more=True, payload=DATAGRAM, wire_bytes=24),
        ),
        (
            gtp_u(ipv6(fragment_header(17, 1) + PAYLOAD, 44)),
            UDP,
            Fragment(
                6, CLIENT_6, SERVER_6, 1, 17, 8, has_more=False, payload=PAYLOAD, wire_bytes=16
            ),
        ),
    ],
)
def test_what_is_inside_gives_the_reason(payload: bytes, protocol: int, expected: Found) -> None:
    assert look_at(over_4(payload, protocol)) == expected
    assert look_at(over_6(payload, protocol)) == expected


@pytest.mark.parametrize(
    ("payload", "protocol"),
    [
        (gre(INNER_4, flags=0x0001), GRE),  # version 1: PPTP
        (gre(INNER_4, flags=0x4000), GRE),  # source routes
        (erspan_3(FRAME_4, frame_type=1), GRE),
        (gre(bytes(11), ERSPAN_III, sequence=True), GRE),
        (gre(b"")[:3], GRE),
        (vxlan(FRAME_4, flags=0), UDP),
        (udp(b"\x08" + bytes(6), 50_000, 4789), UDP),
        (vxlan(FRAME_4[:13]), UDP),
        (geneve(FRAME_4, version=1), UDP),
        (udp(bytes(7), 50_000, 6081), UDP),
        (teredo(INNER_4), UDP),
        (teredo(b"\0\1"), UDP),
        (teredo(b"", ORIGIN), UDP),
        (teredo(INNER_6, ORIGIN, ORIGIN, ORIGIN), UDP),
        (gtp_u(INNER_4, version_and_type=2), UDP),  # GTP'
        (gtp_u(INNER_4, version_and_type=5), UDP),  # version 2
        (gtp_u(b"\x50" + INNER_4[1:]), UDP),
        (gtp_u(b""), UDP),
        (gtp_u(INNER_4, [bytes(2)] * 9), UDP),
        (udp(struct.pack("!BBHI", 0x34, 255, 8, 9) + b"\0\0\0\x85" + bytes(4), 9, 2152), UDP),
        (udp(struct.pack("!BBHI", 0x34, 255, 5, 9) + b"\0\0\0\x85\2", 9, 2152), UDP),
        (udp(struct.pack("!BBHI", 0x34, 255, 4, 9) + b"\0\0\0", 9, 2152), UDP),
        (udp(b"any bytes", 50_000, 2152), UDP),
        (udp(b"\x30", 50_000, 2152), UDP),
        (ipv4(ipv4(ipv4(ipv4(DATAGRAM), 4), 4), 4), 4),  # five layers
    ],
)
def test_what_cannot_be_walked_into(payload: bytes, protocol: int) -> None:
    assert look_at(over_4(payload, protocol)) == Reason.ENCAPSULATED
    assert look_at(over_6(payload, protocol)) == Reason.ENCAPSULATED


@pytest.mark.parametrize(
    ("payload", "ethertype", "reason"),
    [
        (mpls(INNER_4, range(17)), MPLS, Reason.ENCAPSULATED),
        (mpls(b"\x10" + bytes(60)), MPLS, Reason.ENCAPSULATED),  # an associated channel
        (mpls(b"\x45"), MPLS, Reason.BAD_IP_HEADER),
        (mpls(b""), MPLS, Reason.BAD_LINK_HEADER),
        (mpls(b"")[:3], MPLS, Reason.BAD_LINK_HEADER),
        (mpls(ethernet(PAYLOAD, 0x1234)), MPLS, Reason.ENCAPSULATED),
        (pppoe(INNER_4, kind=0x2100), PPPOE, Reason.ENCAPSULATED),
        (pppoe(INNER_4, kind=0x11A7), PPPOE, Reason.ENCAPSULATED),
        (pppoe(INNER_4, 0x00FD), PPPOE, Reason.ENCAPSULATED),  # compressed, or encrypted
        (pppoe(INNER_4, 0x003D), PPPOE, Reason.ENCAPSULATED),  # multilink
        (pppoe(bytes(8), 0xC021), PPPOE, Reason.OTHER_ETHERTYPE),  # the link's own protocol
        (pppoe(b"")[:7], PPPOE, Reason.BAD_LINK_HEADER),
        (pppoe(ipv4(udp(PAYLOAD, 1, 2))), PPPOE, Reason.OTHER_PORT),
    ],
)
def test_links_that_do_not_carry_dns(payload: bytes, ethertype: int, reason: Reason) -> None:
    assert look_at(in_link(payload, ethertype)) == reason


def test_tags_labels_and_frames_are_not_followed_for_ever() -> None:
    frame = FRAME_4
    for depth in range(2, 6):
        frame = ethernet(mpls(frame), MPLS)
        expected: Found = FROM_4 if 2 * depth - 2 <= 8 else Reason.ENCAPSULATED
        assert look_at(Packet(frame)) == expected


def test_layers_are_counted_however_they_are_mixed() -> None:
    three = ipv6(vxlan(ethernet(ipv4(gre(INNER_6, IPV6), GRE))), UDP, *OUTER_6)
    assert look_at(over_4(three, 41)) == FROM_6
    assert look_at(over_4(gre(ipv4(three, 41)), GRE)) == Reason.ENCAPSULATED


def test_a_packet_that_is_longer_than_what_carries_it() -> None:
    short = vxlan(FRAME_4)
    short = short[:4] + struct.pack("!H", len(short) - 1) + short[6:]
    assert look_at(over_4(short, UDP)) == Reason.BAD_IP_HEADER
    padded = Packet(over_4(gre(INNER_4), GRE).frame + bytes(20))
    assert look_at(padded) == FROM_4


def test_a_dns_port_wins_over_a_tunnel_s_port() -> None:
    inner = vxlan(FRAME_4)
    content = inner[8:]
    found = look_at(over_4(udp(content, 53, 4789), UDP))
    assert isinstance(found, Datagram)
    assert found.payload == content


def test_an_extension_header_before_a_tunnel() -> None:
    packet = ipv6(extension(GRE) + gre(INNER_4), 60, *OUTER_6)
    assert look_at(Packet(ethernet(packet, IPV6))) == FROM_4


CUT = [in_link(payload, ethertype) for _, ethertype, payload, _ in OVER_LINKS] + [
    over(payload, protocol) for _, protocol, payload, _ in OVER_IP for over in (over_4, over_6)
]


@pytest.mark.parametrize("packet", CUT)
def test_snap_length_at_every_byte(packet: Packet) -> None:
    start = packet.frame.index(PAYLOAD)
    for captured in range(len(packet.frame)):
        found = look_at(packet.cut(captured))
        if captured >= start:
            assert isinstance(found, Datagram)
            assert (found.payload, found.wire_bytes) == (PAYLOAD[: captured - start], len(PAYLOAD))
        else:
            assert found == Reason.CUT_BY_SNAPLEN
