import ipaddress
import struct

import pytest

from geophone_capture.encapsulations import ALL, NONE, Encapsulation
from geophone_capture.live.bpf import RET_K, Instruction, Program
from geophone_capture.live.filters import program_for
from geophone_capture.live.options import LiveOptions
from tests.support import bpf_interpreter
from tests.support.packets import (
    ARP,
    IPV6,
    authentication,
    ethernet,
    extension,
    fragment_header,
    ipv4,
    ipv6,
    tcp,
    udp,
)
from tests.support.socket_filters import kernel_accepts

_RESOLVERS = tuple(
    ipaddress.ip_address(text).packed
    for text in (
        "9.9.9.9", "8.8.8.8", "1.1.1.1",
        "2620:fe::fe", "2620:fe::9", "2001:4860:4860::8888", "2001:4860:4860::8844",
    )
)  # fmt: skip
_OPTIONS = LiveOptions(resolvers=_RESOLVERS)

_DNS_4 = ipv4(udp(b"q" * 30))
_DNS_6 = ipv6(udp(b"q" * 30))
_QUERY_OUT = udp(b"q", 40_000, 53)
_ANSWER = udp(b"a", 53, 40_000)
_WEB = tcp(40_000, 80)
_SYN = struct.pack("!HHIIHHHH", 40_000, 443, 1, 0, 0x5002, 8_192, 0, 0)
_SYN_BACK = struct.pack("!HHIIHHHH", 443, 40_000, 1, 2, 0x5012, 8_192, 0, 0)
_HTTPS_DATA = tcp(40_000, 443, b"data")
_QUIC = udp(b"\xc3\0\0\0\1rest", 40_000, 443)
_QUIC_SHORT = udp(b"\x43rest", 40_000, 443)

PASSED = {
    "query": ethernet(ipv4(_QUERY_OUT)),
    "answer": ethernet(ipv4(_ANSWER)),
    "query 6": ethernet(ipv6(_QUERY_OUT), IPV6),
    "answer 6": ethernet(ipv6(_ANSWER), IPV6),
    "tcp": ethernet(ipv4(tcp(40_000, 53), 6)),
    "tcp back": ethernet(ipv4(tcp(53, 40_000), 6)),
    "tcp 6": ethernet(ipv6(tcp(40_000, 53), 6), IPV6),
    "options": ethernet(ipv4(_QUERY_OUT, options=bytes(40))),
    "one tag": ethernet(_DNS_4, tags=[0x8100]),
    "two tags": ethernet(_DNS_4, tags=[0x88A8, 0x8100]),
    "two tags 6": ethernet(_DNS_6, IPV6, tags=[0x9100, 0x8100]),
    "first fragment": ethernet(ipv4(_QUERY_OUT, fragment=0x2000)),
    "later fragment": ethernet(ipv4(b"anything", fragment=0x2001)),
    "last fragment of TCP": ethernet(ipv4(b"anything", 6, fragment=0x00B9)),
    "fragment 6": ethernet(ipv6(fragment_header(17, more=True) + _QUERY_OUT, 44), IPV6),
    "later fragment 6": ethernet(ipv6(fragment_header(17, 5) + b"anything", 44), IPV6),
    "fragment 6 of more headers": ethernet(ipv6(fragment_header(60) + extension(17), 44), IPV6),
    "hop by hop": ethernet(ipv6(extension(17) + _WEB, 0), IPV6),
    "authentication": ethernet(ipv6(authentication(17) + _QUERY_OUT, 51), IPV6),
    "DNS over TLS": ethernet(ipv4(tcp(40_000, 853), 6)),
    "DNS over QUIC": ethernet(ipv6(udp(b"q", 853, 40_000)), IPV6),
    "DoH begins": ethernet(ipv4(_SYN, 6, destination="9.9.9.9")),
    "DoH is answered": ethernet(ipv4(_SYN_BACK, 6, source="1.1.1.1")),
    "DoH begins 6": ethernet(ipv6(_SYN, 6, destination="2620:fe::9"), IPV6),
    "DoH is answered 6": ethernet(ipv6(_SYN_BACK, 6, source="2001:4860:4860::8844"), IPV6),
    "QUIC begins": ethernet(ipv4(_QUIC, destination="8.8.8.8")),
    "QUIC begins 6": ethernet(ipv6(_QUIC, destination="2001:4860:4860::8888"), IPV6),
    "QUIC with options": ethernet(ipv4(_QUIC, destination="8.8.8.8", options=bytes(8))),
}  # fmt: skip

REJECTED = {
    "nothing": b"\0",
    "cut before the ports": ethernet(ipv4(_QUERY_OUT))[:36],
    "ARP": ethernet(bytes(28), ARP),
    "three tags": ethernet(_DNS_4, tags=[0x88A8, 0x8100, 0x8100]),
    "web": ethernet(ipv4(_WEB, 6)),
    "web 6": ethernet(ipv6(_WEB, 6), IPV6),
    "web, tagged": ethernet(ipv4(_WEB, 6), tags=[0x8100]),
    "web, with a port in its options": ethernet(ipv4(_WEB, 6, options=struct.pack("!HH", 53, 53))),
    "ICMP": ethernet(ipv4(struct.pack("!HH", 53, 53), 1)),
    "ICMP 6": ethernet(ipv6(struct.pack("!HH", 53, 53), 58), IPV6),
    "SCTP": ethernet(ipv4(struct.pack("!HH", 53, 53) + bytes(8), 132)),
    "later fragment of ICMP": ethernet(ipv4(b"anything", 1, fragment=0x0001)),
    "first fragment of another port": ethernet(ipv4(udp(b"", 1, 2), fragment=0x2000)),
    "first fragment of another port 6": ethernet(
        ipv6(fragment_header(6, more=True) + _WEB, 44), IPV6
    ),
    "HTTPS to somebody": ethernet(ipv4(_SYN, 6, destination="9.9.9.10")),
    "HTTPS to somebody 6": ethernet(ipv6(_SYN, 6, destination="2620:fe::8"), IPV6),
    "HTTPS to somebody of the same net": ethernet(
        ipv6(_SYN, 6, destination="2001:4860:4861::8888"), IPV6
    ),
    "DoH goes on": ethernet(ipv4(_HTTPS_DATA, 6, destination="9.9.9.9")),
    "QUIC goes on": ethernet(ipv4(_QUIC_SHORT, destination="9.9.9.9")),
    "web to a resolver": ethernet(ipv4(_WEB, 6, destination="9.9.9.9")),
    "MPLS": ethernet(struct.pack("!I", 0x0100) + _DNS_4, 0x8847),
    "PPPoE": ethernet(struct.pack("!BBHHH", 0x11, 0, 1, 2, 0x21) + _DNS_4, 0x8864),
    "GRE": ethernet(ipv4(b"\0\0\x08\0" + _DNS_4, 47)),
    "IP in IP": ethernet(ipv4(_DNS_4, 4)),
    "VXLAN": ethernet(ipv4(udp(bytes(8) + ethernet(_DNS_4), 1, 4789))),
}  # fmt: skip

_INNER_6 = ipv6(_QUERY_OUT)
_LABEL, _LAST_LABEL = struct.pack("!I", 0x0000_1040), struct.pack("!I", 0x0000_1140)


def _pppoe(payload: bytes, protocol: int) -> bytes:
    return struct.pack("!BBHHH", 0x11, 0, 1, 2 + len(payload), protocol) + payload


ENCAPSULATED = {
    "MPLS": (Encapsulation.MPLS, ethernet(_LAST_LABEL + _DNS_4, 0x8847)),
    "MPLS with labels": (Encapsulation.MPLS, ethernet(_LABEL * 3 + _LAST_LABEL + _DNS_6, 0x8848)),
    "MPLS with many labels": (Encapsulation.MPLS, ethernet(_LABEL * 9 + _LAST_LABEL, 0x8847)),
    "pseudowire": (Encapsulation.MPLS, ethernet(_LAST_LABEL + bytes(4) + ethernet(_DNS_4), 0x8847)),
    "PPPoE": (Encapsulation.PPPOE, ethernet(_pppoe(_DNS_4, 0x21), 0x8864)),
    "PPPoE 6": (Encapsulation.PPPOE, ethernet(_pppoe(_INNER_6, 0x57), 0x8864, tags=[0x8100])),
    "GRE": (Encapsulation.GRE, ethernet(ipv4(b"\0\0\x08\0" + _DNS_4, 47))),
    "GRE 6": (Encapsulation.GRE, ethernet(ipv6(b"\0\0\x08\0" + _DNS_4, 47), IPV6)),
    "GRE fragment": (Encapsulation.GRE, ethernet(ipv4(b"anything", 47, fragment=1))),
    "4 in 4": (Encapsulation.IP_IN_IP, ethernet(ipv4(_DNS_4, 4))),
    "6 in 4": (Encapsulation.IP_IN_IP, ethernet(ipv4(_INNER_6, 41))),
    "4 in 6": (Encapsulation.IP_IN_IP, ethernet(ipv6(_DNS_4, 4), IPV6)),
    "6 in 6": (Encapsulation.IP_IN_IP, ethernet(ipv6(_INNER_6, 41), IPV6)),
    "VXLAN": (Encapsulation.VXLAN, ethernet(ipv4(udp(bytes(8) + ethernet(_DNS_4), 9, 4789)))),
    "GENEVE": (Encapsulation.GENEVE, ethernet(ipv6(udp(bytes(8), 9, 6081)), IPV6)),
    "Teredo": (Encapsulation.TEREDO, ethernet(ipv4(udp(_INNER_6, 3544, 9)))),
    "GTP-U": (Encapsulation.GTP_U, ethernet(ipv4(udp(bytes(8) + _DNS_4, 2152, 2152)))),
}
"""Name → what lets it through, and the frame."""


def _accepted(program: Program, frames: list[bytes]) -> list[bool]:
    """What the program says on two machines, which have to agree."""
    interpreted = [bpf_interpreter.run(program, frame) > 0 for frame in frames]
    assert kernel_accepts(program, frames) == interpreted
    return interpreted


def test_what_may_hold_dns_or_has_to_be_counted_passes() -> None:
    accepted = _accepted(program_for(1, _OPTIONS), list(PASSED.values()))
    assert [name for name, passes in zip(PASSED, accepted, strict=True) if not passes] == []


def test_the_rest_does_not() -> None:
    accepted = _accepted(program_for(1, _OPTIONS), list(REJECTED.values()))
    assert [name for name, passes in zip(REJECTED, accepted, strict=True) if passes] == []


@pytest.mark.parametrize("name", ENCAPSULATED)
def test_encapsulations_pass_only_where_they_are_switched_on(name: str) -> None:
    switch, frame = ENCAPSULATED[name]
    assert _accepted(program_for(1, LiveOptions(encapsulations=switch)), [frame]) == [True]
    others = LiveOptions(encapsulations=ALL & ~switch)
    assert _accepted(program_for(1, others), [frame]) == [False]


def test_no_dns_under_labels_stays_out() -> None:
    web = [ethernet(_LAST_LABEL + ipv4(_WEB, 6), 0x8847), ethernet(_pppoe(_WEB, 0xC021), 0x8864)]
    assert _accepted(program_for(1, LiveOptions(encapsulations=ALL)), web) == [False, False]


def test_without_a_link_header_packets_start_with_ip() -> None:
    program = program_for(101, _OPTIONS)
    packets = [frame[14:] for frame in PASSED.values() if frame[12:14] == b"\x08\0"]
    packets += [_DNS_6, ipv4(_WEB, 6), ipv6(_WEB, 6), ethernet(_DNS_4), b"\x50" + _DNS_4[1:]]
    assert _accepted(program, packets) == [True] * (len(packets) - 4) + [False] * 4


def test_other_ports_may_be_asked_for() -> None:
    frames = [ethernet(ipv4(udp(b"q", 9, port))) for port in (53, 5_353, 65_535, 1)]
    program = program_for(1, LiveOptions(ports=(5_353, 65_535)))
    assert _accepted(program, frames) == [False, True, True, False]


def test_many_ports_and_resolvers_fit() -> None:
    options = LiveOptions(
        ports=tuple(range(1_000, 1_200)),
        encapsulations=ALL,
        resolvers=tuple(
            ipaddress.ip_address(f"{net}{host:x}").packed
            for net in ("2620:fe::", "2001:4860:4860::", "2606:4700:4700::", "2a10:50c0::")
            for host in range(1, 9)
        ),
    )
    program = program_for(1, options)
    frames = [
        ethernet(ipv4(udp(b"q", 1_199, 9))),
        ethernet(ipv4(udp(b"q", 9, 1_000))),
        ethernet(ipv4(udp(b"q", 9, 1_200))),
        ethernet(ipv6(_QUIC, source="2a10:50c0::8"), IPV6),
        ethernet(ipv6(_QUIC, source="2a10:50c0::9"), IPV6),
    ]
    assert _accepted(program, frames) == [True, True, False, True, False]


def test_a_raw_filter_takes_the_place_of_it() -> None:
    given: Program = (Instruction(RET_K, 0, 0, 1),)
    assert program_for(1, LiveOptions(encapsulations=NONE, raw_filter=given)) == given
