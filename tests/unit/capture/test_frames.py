"""Where the datagram lies in a frame, or the reason why there is none: literals for each layer."""

import ipaddress

import pytest

from geophone_capture.encapsulations import NONE
from geophone_capture.reasons import Reason
from geophone_capture.resolvers import resolver_addresses
from tests.support.located import Datagram, Found, Fragment, Segment, look_at
from tests.support.packets import (
    ARP,
    CLIENT,
    CLIENT_6,
    ETHERNET,
    IPV4,
    IPV6,
    LINUX_COOKED,
    LINUX_COOKED_2,
    LOOP,
    NULL,
    RAW_IP,
    SERVER,
    SERVER_6,
    Packet,
    authentication,
    ethernet,
    extension,
    fragment_header,
    ipv4,
    ipv6,
    linux_cooked,
    linux_cooked_2,
    null,
    tcp,
    udp,
)

pytestmark = pytest.mark.kernels

PAYLOAD = b"any bytes at all"
DATAGRAM = udp(PAYLOAD)
PACKET_4 = ipv4(DATAGRAM)
PACKET_6 = ipv6(DATAGRAM)
FROM_4 = Datagram(CLIENT, SERVER, 40_000, 53, PAYLOAD, len(PAYLOAD))
FROM_6 = Datagram(CLIENT_6, SERVER_6, 40_000, 53, PAYLOAD, len(PAYLOAD))


@pytest.mark.parametrize(
    ("link", "frame", "expected"),
    [
        (ETHERNET, ethernet(PACKET_4), FROM_4),
        (ETHERNET, ethernet(PACKET_6, IPV6), FROM_6),
        (ETHERNET, ethernet(PACKET_4, tags=[0x8100]), FROM_4),
        (ETHERNET, ethernet(PACKET_4, tags=[0x88A8, 0x8100]), FROM_4),
        (ETHERNET, ethernet(PACKET_6, IPV6, tags=[0x9100, 0x8100]), FROM_6),
        (ETHERNET, ethernet(PACKET_4, tags=[0x88A8, 0x8100, 0x8100]), Reason.ENCAPSULATED),
        (LINUX_COOKED, linux_cooked(PACKET_4), FROM_4),
        (LINUX_COOKED, linux_cooked(PACKET_6, IPV6), FROM_6),
        (LINUX_COOKED_2, linux_cooked_2(PACKET_4), FROM_4),
        (LINUX_COOKED_2, linux_cooked_2(PACKET_6, IPV6), FROM_6),
        *((link, PACKET_4, FROM_4) for link in (12, 14, RAW_IP, 228)),
        *((link, PACKET_6, FROM_6) for link in (12, 14, RAW_IP, 229)),
        *((link, null(PACKET_4, 2, order), FROM_4) for link in (NULL, LOOP) for order in "<>"),
        *((NULL, null(PACKET_6, family, "<"), FROM_6) for family in (10, 24, 28, 30)),
        *((LOOP, null(PACKET_6, family, ">"), FROM_6) for family in (10, 24, 28, 30)),
        (NULL, null(PACKET_4, 7), Reason.OTHER_ETHERTYPE),
        (NULL, null(PACKET_4, 0x0102), Reason.OTHER_ETHERTYPE),
        (RAW_IP, b"\x50" + PACKET_4[1:], Reason.BAD_IP_HEADER),
        *(
            (link, ethernet(PACKET_4), Reason.UNKNOWN_LINK_TYPE)
            for link in (-1, 105, 147, 2**31 - 1)
        ),
    ],
)
def test_link_types(link: int, frame: bytes, expected: Found) -> None:
    assert look_at(Packet(frame, link=link)) == expected


@pytest.mark.parametrize(
    ("ethertype", "reason"),
    [
        (ARP, Reason.ARP),
        (0x8035, Reason.ARP),  # reverse ARP
        (0x8847, Reason.ENCAPSULATED),  # MPLS
        (0x8848, Reason.ENCAPSULATED),
        (0x8864, Reason.ENCAPSULATED),  # PPPoE
        (0x8863, Reason.OTHER_ETHERTYPE),  # its discovery
        (0x88CC, Reason.OTHER_ETHERTYPE),  # LLDP
        (0x0026, Reason.OTHER_ETHERTYPE),  # a length: IEEE 802.3
    ],
)
def test_ethertypes(ethertype: int, reason: Reason) -> None:
    assert look_at(Packet(ethernet(PACKET_4, ethertype)), encapsulations=NONE) == reason


@pytest.mark.parametrize(
    ("link", "header_bytes"), [(ETHERNET, 14), (LINUX_COOKED, 16), (LINUX_COOKED_2, 20), (NULL, 4)]
)
def test_a_frame_shorter_than_its_link_header(link: int, header_bytes: int) -> None:
    frame = bytes(header_bytes - 1)
    assert look_at(Packet(frame, link=link)) == Reason.BAD_LINK_HEADER
    assert look_at(Packet(frame, link=link, original_bytes=90)) == Reason.CUT_BY_SNAPLEN


def test_a_frame_without_any_byte() -> None:
    for link in (NULL, ETHERNET, RAW_IP, LOOP, LINUX_COOKED, LINUX_COOKED_2):
        assert look_at(Packet(b"", link=link)) == Reason.BAD_LINK_HEADER


def test_a_frame_that_ends_inside_of_a_tag() -> None:
    frame = ethernet(b"", tags=[0x88A8, 0x8100])
    assert look_at(Packet(frame[:-1])) == Reason.BAD_LINK_HEADER


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (ipv4(DATAGRAM, options=bytes(4)), FROM_4),
        (ipv4(DATAGRAM, options=bytes(40)), FROM_4),
        (ipv4(DATAGRAM, header_words=4), Reason.BAD_IP_HEADER),
        (ipv4(DATAGRAM, header_words=15), Reason.BAD_IP_HEADER),  # reaches past the packet
        (ipv4(DATAGRAM, version=5), Reason.BAD_IP_HEADER),
        (ipv4(DATAGRAM, total_bytes=0), FROM_4),  # segmentation offload
        (ipv4(DATAGRAM, total_bytes=19), Reason.BAD_IP_HEADER),
        (ipv4(DATAGRAM, total_bytes=len(PACKET_4) + 1), Reason.BAD_IP_HEADER),
        (ipv4(DATAGRAM, total_bytes=20), Reason.BAD_IP_HEADER),  # no room for ports
        (ipv4(DATAGRAM, total_bytes=24), Reason.BAD_UDP_LENGTH),
        (PACKET_4[:19], Reason.BAD_IP_HEADER),
        (PACKET_4 + bytes(18), FROM_4),  # Ethernet's padding
        (ipv4(udp(b"")) + bytes(18), Datagram(CLIENT, SERVER, 40_000, 53, b"", 0)),
        (ipv4(DATAGRAM, fragment=0x4000), FROM_4),  # don't fragment
        (ipv4(DATAGRAM, fragment=0x8000), FROM_4),  # reserved
    ],
)
def test_ipv4_headers(packet: bytes, expected: Found) -> None:
    assert look_at(Packet(ethernet(packet))) == expected


OTHER = udp(PAYLOAD, 40_000, 123)


def piece_4(
    payload: bytes, protocol: int = 17, offset_bytes: int = 0, *, has_more: bool = True
) -> Fragment:
    return Fragment(4, CLIENT, SERVER, 1, protocol, offset_bytes, has_more, payload, len(payload))


def piece_6(
    payload: bytes, protocol: int = 17, offset_bytes: int = 0, *, has_more: bool = True
) -> Fragment:
    return Fragment(
        6, CLIENT_6, SERVER_6, 1, protocol, offset_bytes, has_more, payload, len(payload)
    )


FROM_53 = udp(PAYLOAD, 53, 40_000)
TO_VXLAN = udp(PAYLOAD, 40_000, 4789)
SEGMENT = tcp(40_000, 53)


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (ipv4(DATAGRAM, fragment=0x2000), piece_4(DATAGRAM)),
        (ipv4(OTHER, fragment=0x2000), Reason.OTHER_PORT),
        (ipv4(FROM_53, fragment=0x2000), piece_4(FROM_53)),
        (ipv4(b"\0\7", fragment=0x2000), piece_4(b"\0\7")),  # its ports aren't all there
        (ipv4(OTHER, fragment=0x2001), piece_4(OTHER, 17, 8)),  # a later one: ports unknown
        (ipv4(OTHER, fragment=0x3FFF), piece_4(OTHER, 17, 65_528)),
        (ipv4(OTHER, fragment=0x0001), piece_4(OTHER, 17, 8, has_more=False)),  # the last
        (ipv4(SEGMENT, 6, fragment=0x2000), piece_4(SEGMENT, 6)),
        (ipv4(tcp(40_000, 80), 6, fragment=0x2000), Reason.OTHER_PORT),
        (ipv4(PAYLOAD, 1, fragment=0x2000), Reason.ICMP),
        (ipv4(PAYLOAD, 50, fragment=0x2000), Reason.OTHER_PROTOCOL),
        (ipv4(PAYLOAD, 0, fragment=0x2000), Reason.OTHER_PROTOCOL),  # no extension header
        # DNS may be in what is put together.
        (ipv4(PAYLOAD, 47, fragment=0x2000), piece_4(PAYLOAD, 47)),
        (ipv4(PAYLOAD, 4, fragment=0x0001), piece_4(PAYLOAD, 4, 8, has_more=False)),
        (ipv4(TO_VXLAN, fragment=0x2000), piece_4(TO_VXLAN)),
        (ipv6(fragment_header(17, more=True) + DATAGRAM, 44), piece_6(DATAGRAM)),
        (ipv6(fragment_header(17, more=True) + OTHER, 44), Reason.OTHER_PORT),
        (ipv6(fragment_header(17, 1) + OTHER, 44), piece_6(OTHER, 17, 8, has_more=False)),
        (ipv6(fragment_header(17, 1, more=True), 44), piece_6(b"", 17, 8)),
        (ipv6(fragment_header(58, 1) + PAYLOAD, 44), Reason.ICMP),
        (ipv6(fragment_header(59, 1) + PAYLOAD, 44), Reason.OTHER_PROTOCOL),
        # What is in pieces may start with more extension headers.
        (
            ipv6(fragment_header(60, more=True) + extension(17) + DATAGRAM, 44),
            piece_6(extension(17) + DATAGRAM, 60),
        ),
        (
            ipv6(extension(44) + fragment_header(135, 1) + PAYLOAD, 60),
            piece_6(PAYLOAD, 135, 8, has_more=False),
        ),
    ],
)
def test_fragments(packet: bytes, expected: Found) -> None:
    ethertype = IPV4 if packet[0] >> 4 == 4 else IPV6
    assert look_at(Packet(ethernet(packet, ethertype))) == expected


@pytest.mark.parametrize(
    "packet",
    [
        ipv4(PAYLOAD, 47, fragment=0x2000),
        ipv4(PAYLOAD, 4, fragment=0x0001),
        ipv4(TO_VXLAN, fragment=0x2000),
    ],
)
def test_fragments_of_what_is_not_looked_into(packet: bytes) -> None:
    assert look_at(Packet(ethernet(packet)), encapsulations=NONE) == Reason.ENCAPSULATED


@pytest.mark.parametrize(
    ("payload", "first_header", "expected"),
    [
        *((extension(17) + DATAGRAM, kind, FROM_6) for kind in (0, 43, 60, 135, 139, 140)),
        (extension(17, 22) + DATAGRAM, 0, FROM_6),
        (authentication(17) + DATAGRAM, 51, FROM_6),
        (authentication(17, 0) + DATAGRAM, 51, FROM_6),
        (fragment_header(17) + DATAGRAM, 44, FROM_6),  # an atomic fragment, RFC 6946
        (fragment_header(17, reserved=3) + DATAGRAM, 44, FROM_6),
        (
            extension(43) + extension(44) + fragment_header(51) + authentication(17) + DATAGRAM,
            0,
            FROM_6,
        ),
        (extension(60) * 7 + extension(17) + DATAGRAM, 60, FROM_6),
        (extension(60) * 8 + extension(17) + DATAGRAM, 60, Reason.BAD_IP_HEADER),
        (extension(58) + PAYLOAD, 0, Reason.ICMP),
        (extension(6) + tcp(40_000, 53), 0, Reason.TCP_SEGMENT),
        (extension(17, units=200) + DATAGRAM, 0, Reason.BAD_IP_HEADER),  # longer than the packet
        (extension(17)[:7], 0, Reason.BAD_IP_HEADER),
        (b"", 0, Reason.BAD_IP_HEADER),
        (b"", 17, Reason.BAD_IP_HEADER),
        (b"", 59, Reason.OTHER_PROTOCOL),  # no next header
        (PAYLOAD, 50, Reason.OTHER_PROTOCOL),  # encrypted
    ],
)
def test_ipv6_extension_headers(payload: bytes, first_header: int, expected: Found) -> None:
    assert look_at(Packet(ethernet(ipv6(payload, first_header), IPV6))) == expected


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (ipv6(DATAGRAM, version=4), Reason.BAD_IP_HEADER),
        (PACKET_6[:39], Reason.BAD_IP_HEADER),
        (PACKET_6 + bytes(6), FROM_6),  # padding
        (ipv6(DATAGRAM, payload_bytes=len(DATAGRAM) + 1), Reason.BAD_IP_HEADER),
        (ipv6(DATAGRAM, payload_bytes=7), Reason.BAD_UDP_LENGTH),
        (ipv6(DATAGRAM, payload_bytes=0), FROM_6),  # jumbogram, RFC 2675
        # RFC 2675 §4: no length only above 65,535 bytes
        (ipv6(udp(PAYLOAD, length=0), payload_bytes=0), Reason.BAD_UDP_LENGTH),
    ],
)
def test_ipv6_headers(packet: bytes, expected: Found) -> None:
    assert look_at(Packet(ethernet(packet, IPV6))) == expected


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (0, Reason.BAD_UDP_LENGTH),
        (7, Reason.BAD_UDP_LENGTH),
        (8, Datagram(CLIENT, SERVER, 40_000, 53, b"", 0)),
        (11, Datagram(CLIENT, SERVER, 40_000, 53, PAYLOAD[:3], 3)),
        (len(DATAGRAM) + 1, Reason.BAD_UDP_LENGTH),
        (65_535, Reason.BAD_UDP_LENGTH),
    ],
)
def test_udp_lengths(length: int, expected: Found) -> None:
    assert look_at(Packet(ethernet(ipv4(udp(PAYLOAD, length=length))))) == expected


def test_a_jumbogram_is_as_long_as_its_packet() -> None:
    payload = PAYLOAD + bytes(65_536)
    packet = ethernet(ipv6(udp(payload, length=0), payload_bytes=0), IPV6)
    found = look_at(Packet(packet))
    assert isinstance(found, Datagram)
    assert found.wire_bytes == len(payload)


@pytest.mark.parametrize(
    ("payload", "protocol", "reason"),
    [
        (PAYLOAD, 1, Reason.ICMP),
        (PAYLOAD, 58, Reason.ICMP),
        (PAYLOAD, 4, Reason.ENCAPSULATED),  # IP in IP
        (PAYLOAD, 41, Reason.ENCAPSULATED),  # 6in4
        (PAYLOAD, 47, Reason.ENCAPSULATED),  # GRE
        (PAYLOAD, 2, Reason.OTHER_PROTOCOL),  # IGMP
        (PAYLOAD, 132, Reason.OTHER_PROTOCOL),  # SCTP
        (tcp(40_000, 53), 6, Reason.TCP_SEGMENT),  # merely acknowledges
        (tcp(53, 40_000), 6, Reason.TCP_SEGMENT),
        (tcp(40_000, 443), 6, Reason.OTHER_PORT),
        (tcp(40_000, 5353), 6, Reason.OTHER_PORT),
        (udp(PAYLOAD, 40_000, 443), 17, Reason.OTHER_PORT),
        (udp(PAYLOAD, 5353, 5353), 17, Reason.MULTICAST_DNS),
        (udp(PAYLOAD, 40_000, 5353), 17, Reason.MULTICAST_DNS),
        (udp(PAYLOAD, 5355, 40_000), 17, Reason.LLMNR),
        (tcp(40_000, 5355), 6, Reason.LLMNR),
        (udp(PAYLOAD, 137, 137), 17, Reason.NETBIOS),
        (udp(PAYLOAD, 137, 40_000), 17, Reason.NETBIOS),
        (tcp(40_000, 137), 6, Reason.OTHER_PORT),
        (tcp(40_000, 853), 6, Reason.DNS_OVER_TLS),
        (udp(PAYLOAD, 853, 40_000), 17, Reason.DNS_OVER_TLS),
        *(
            (udp(PAYLOAD, 40_000, port), 17, Reason.ENCAPSULATED)
            for port in (4789, 6081, 3544, 2152)  # VXLAN, GENEVE, Teredo, GTP-U
        ),
        (udp(PAYLOAD, 4789, 40_000), 17, Reason.OTHER_PORT),
        (tcp(40_000, 4789), 6, Reason.OTHER_PORT),
    ],
)
def test_protocols(payload: bytes, protocol: int, reason: Reason) -> None:
    found = look_at(Packet(ethernet(ipv4(payload, protocol))), encapsulations=NONE)
    assert found == reason


def test_ports_are_a_choice() -> None:
    multicast = Packet(ethernet(ipv4(udp(PAYLOAD, 5353, 5353))))
    assert look_at(multicast) == Reason.MULTICAST_DNS
    found = look_at(multicast, 53, 5353)
    assert found == Datagram(CLIENT, SERVER, 5353, 5353, PAYLOAD, len(PAYLOAD))
    assert look_at(Packet(ethernet(PACKET_4)), 5353) == Reason.OTHER_PORT


def test_a_dns_port_on_either_side_wins_over_a_tunnel_s_port() -> None:
    found = look_at(Packet(ethernet(ipv4(udp(PAYLOAD, 53, 4789)))))
    assert isinstance(found, Datagram)
    assert (found.source_port, found.destination_port) == (53, 4789)


def test_addresses_with_every_bit() -> None:
    high, low = "ffff:0:8000:1::1", "::ffff:ffff:ffff:fffe"
    found = look_at(Packet(ipv6(DATAGRAM, 17, high, low), link=RAW_IP))
    assert isinstance(found, Datagram)
    assert (found.source, found.destination) == (high, str(ipaddress.IPv6Address(low)))
    found = look_at(Packet(ipv4(DATAGRAM, 17, "255.255.255.255", "128.0.0.0"), link=RAW_IP))
    assert isinstance(found, Datagram)
    assert (found.source, found.destination) == ("255.255.255.255", "128.0.0.0")


WHOLE_FRAMES = [
    (ETHERNET, ethernet(ipv4(DATAGRAM, options=bytes(8)), tags=[0x88A8, 0x8100])),
    (ETHERNET, ethernet(PACKET_4 + bytes(6))),
    (LINUX_COOKED, linux_cooked(ipv6(extension(51) + authentication(17) + DATAGRAM, 0), IPV6)),
    (LINUX_COOKED_2, linux_cooked_2(ipv6(fragment_header(17) + DATAGRAM, 44), IPV6)),
    (RAW_IP, PACKET_6),
    (NULL, null(PACKET_4)),
    (ETHERNET, ethernet(ipv6(DATAGRAM, payload_bytes=0), IPV6)),
]


@pytest.mark.parametrize(("link", "frame"), WHOLE_FRAMES)
def test_snap_length_at_every_byte(link: int, frame: bytes) -> None:
    payload = frame.index(PAYLOAD)
    for captured in range(len(frame) + 1):
        found = look_at(Packet(frame, link=link).cut(captured))
        if captured < payload:
            assert found == Reason.CUT_BY_SNAPLEN
        else:
            assert isinstance(found, Datagram)
            assert found.payload == PAYLOAD[: captured - payload]
            assert found.wire_bytes == len(PAYLOAD)


@pytest.mark.parametrize(("link", "frame"), WHOLE_FRAMES)
def test_every_byte_missing_from_a_frame_that_was_not_cut(link: int, frame: bytes) -> None:
    bad = {Reason.BAD_LINK_HEADER, Reason.BAD_IP_HEADER, Reason.BAD_UDP_LENGTH}
    without_padding = frame.index(PAYLOAD) + len(PAYLOAD)
    for captured in range(without_padding):
        assert look_at(Packet(frame[:captured], link=link)) in bad


def test_cut_frames_of_other_traffic_keep_their_reason() -> None:
    arp = Packet(ethernet(bytes(28), ARP)).cut(14)
    assert look_at(arp) == Reason.ARP
    other = Packet(ethernet(ipv4(OTHER))).cut(14 + 20 + 4)
    assert look_at(other) == Reason.OTHER_PORT
    assert look_at(Packet(other.frame[:-1], original_bytes=90)) == Reason.CUT_BY_SNAPLEN
    with_options = Packet(ethernet(ipv4(PAYLOAD, 1, options=bytes(8))))
    assert look_at(with_options.cut(14 + 27)) == Reason.CUT_BY_SNAPLEN
    assert look_at(with_options.cut(14 + 28)) == Reason.ICMP


def test_an_original_length_below_the_captured_one_is_raised_to_it() -> None:
    assert look_at(Packet(ethernet(PACKET_4), original_bytes=10)) == FROM_4


def test_segments() -> None:
    def seen(segment: bytes, packet: bytes | None = None) -> Found:
        return look_at(Packet(ethernet(packet or ipv4(segment, 6))))

    assert seen(tcp(40_000, 53, PAYLOAD)) == Segment(
        CLIENT, SERVER, 40_000, 53, 1, 0x18, PAYLOAD, len(PAYLOAD)
    )
    for flags in (1, 2, 4, 0x12, 0x11, 0x14):  # FIN, SYN, RST, and those that acknowledge
        assert seen(tcp(53, 40_000, sequence=0xFFFFFFFE, flags=flags)) == Segment(
            CLIENT, SERVER, 53, 40_000, 0xFFFFFFFE, flags, b"", 0
        )
    assert seen(tcp(40_000, 53, flags=0xF8)) == Reason.TCP_SEGMENT
    options = tcp(40_000, 53, bytes(8) + PAYLOAD, header_words=7)
    assert seen(options) == Segment(CLIENT, SERVER, 40_000, 53, 1, 0x18, PAYLOAD, len(PAYLOAD))
    padded = ipv4(tcp(40_000, 53), 6) + bytes(6)
    assert seen(b"", padded) == Reason.TCP_SEGMENT
    assert seen(tcp(40_000, 53, PAYLOAD, header_words=4)) == Reason.BAD_TCP_HEADER
    assert seen(tcp(40_000, 53, PAYLOAD, header_words=15)) == Reason.BAD_TCP_HEADER
    assert seen(tcp(40_000, 53)[:19]) == Reason.BAD_TCP_HEADER


def test_segments_that_the_capture_cut() -> None:
    segment = tcp(40_000, 53, bytes(8) + PAYLOAD, header_words=7)
    packet = Packet(ethernet(ipv4(segment, 6)))
    start = 14 + 20 + 28
    for captured in range(len(packet.frame) + 1):
        found = look_at(packet.cut(captured))
        if captured < 14 + 20 + 20:
            assert found == Reason.CUT_BY_SNAPLEN
        else:
            kept = PAYLOAD[: max(captured - start, 0)]
            assert found == Segment(CLIENT, SERVER, 40_000, 53, 1, 0x18, kept, len(PAYLOAD))


def test_https_to_a_known_resolver_may_be_dns() -> None:
    for resolver in map(str, resolver_addresses()):
        for protocol, transport in ((6, tcp(40_000, 443)), (17, udp(PAYLOAD, 40_000, 443))):
            back = transport[2:4] + transport[:2] + transport[4:]
            if ":" in resolver:
                packet = ipv6(transport, protocol, CLIENT_6, resolver)
                answer = ipv6(back, protocol, resolver, CLIENT_6)
            else:
                packet = ipv4(transport, protocol, CLIENT, resolver)
                answer = ipv4(back, protocol, resolver, CLIENT)
            for each in (packet, answer):
                assert look_at(Packet(each, link=RAW_IP)) == Reason.DNS_OVER_HTTPS


@pytest.mark.parametrize(
    "packet",
    [
        ipv4(tcp(40_000, 443), 6, CLIENT, "8.8.8.9"),
        ipv4(tcp(40_000, 443), 6, "8.8.8.8", CLIENT),  # who asks is no matter
        ipv4(tcp(443, 40_000), 6, CLIENT, "8.8.8.8"),
        ipv4(tcp(40_000, 80), 6, CLIENT, "8.8.8.8"),
        ipv4(tcp(40_000, 443), 6, CLIENT, "0.0.0.1"),
        ipv4(tcp(40_000, 443), 6, CLIENT, "255.255.255.255"),
        ipv6(tcp(40_000, 443), 6, CLIENT_6, "2001:4860:4860::8889"),
        ipv6(tcp(40_000, 443), 6, CLIENT_6, "ffff::"),
    ],
)
def test_https_to_anybody_else_is_other_traffic(packet: bytes) -> None:
    assert look_at(Packet(packet, link=RAW_IP)) == Reason.OTHER_PORT
