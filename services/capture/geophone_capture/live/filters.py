"""Which packets the kernel lets into the ring [core].

The program walks from the link to the ports and no further: what it lets through is what the
decoder may find DNS in, or has to count as not visible. A load past the end of a packet rejects it.
"""

import operator
from collections.abc import Iterable, Sequence
from itertools import groupby

from geophone_capture.encapsulations import Encapsulation
from geophone_capture.live.bpf import (
    ACCEPT_BYTES,
    ADD_K,
    ADD_X,
    AND_K,
    JA,
    JEQ,
    JSET,
    LD_B_ABS,
    LD_B_IND,
    LD_H_ABS,
    LD_H_IND,
    LD_MEM,
    LD_W_IND,
    LDX_IMM,
    LDX_MEM,
    LSH_K,
    RET_K,
    ST,
    STX,
    TAX,
    TXA,
    Label,
    Program,
    Step,
    assemble,
)
from geophone_capture.live.options import LiveOptions

_DNS_OVER_TLS = 853  # RFC 7858; over QUIC: RFC 9250
_HTTPS = 443

_VLAN_TAGS = (0x8100, 0x88A8, 0x9100)
_MOST_VLAN_TAGS = 2
_IPV4, _IPV6 = 0x0800, 0x86DD
_MPLS = (0x8847, 0x8848)
_MOST_MPLS_LABELS = 8
_PPPOE_SESSION = 0x8864
_PPP_IPV4, _PPP_IPV6 = 0x0021, 0x0057  # RFC 1661 §2, RFC 5072 §3

_TCP, _UDP = 6, 17
_IP_IN_IP = (4, 41)
_GRE = 47
_IPV6_FRAGMENT = 44
_IPV6_EXTENSIONS = (0, 43, 51, 60, 135, 139, 140)

_UDP_PORTS = {
    Encapsulation.VXLAN: 4789,
    Encapsulation.GENEVE: 6081,
    Encapsulation.TEREDO: 3544,
    Encapsulation.GTP_U: 2152,
}

_IPV4_BYTES, _IPV6_BYTES = 4, 16
_WORD_BYTES = 4

# The scratch memory. The kernel wants every word written on all ways that lead to where it is read,
# and takes a `ret` for one that leads to what stands behind it.
_NETWORK = 0  # where the IP header starts
_TRANSPORT = 1  # where the UDP or TCP header starts
_PROTOCOL = 2

_Steps = list[Step | Label]


def program_for(link: int, options: LiveOptions) -> Program:
    """The filter program for an interface.

    Args:
        link: LINKTYPE_ number of what it captures: 1 Ethernet, 101 plain IP.
        options: what is asked for.

    Raises:
        ConfigError: it would be too long.
    """
    if options.raw_filter is not None:
        return options.raw_filter
    steps: _Steps = _ethernet(options.encapsulations) if link == 1 else _plain_ip()
    steps += _ipv4(options.encapsulations)
    steps += _ipv6(options.encapsulations)
    steps += _ports(options)
    if options.resolvers:
        steps += _to_resolvers(options.resolvers)
    steps += [Label("reject"), Step(RET_K), Label("accept"), Step(RET_K, ACCEPT_BYTES)]
    return assemble(steps)


def _if_one_of(values: Iterable[int], label: str) -> _Steps:
    """Jump where A is one of `values`."""
    return [Step(JEQ, value, label) for value in values]


def _advance(count: int) -> _Steps:
    """Move X on; A is lost."""
    return [Step(TXA), Step(ADD_K, count), Step(TAX)]


def _ethernet(encapsulations: Encapsulation) -> _Steps:
    """To `ipv4` or `ipv6` with X where that header starts.

    A tag that the card or the kernel took off isn't among the bytes.
    """
    steps: _Steps = [Step(LD_H_ABS, 12), Step(LDX_IMM, 14)]
    for tags in range(_MOST_VLAN_TAGS):
        steps += [
            *_if_one_of(_VLAN_TAGS, f"tag {tags}"),
            Step(JA, yes="network"),
            Label(f"tag {tags}"),
            Step(LD_H_ABS, 16 + 4 * tags),
            Step(LDX_IMM, 18 + 4 * tags),
        ]
    steps += [Label("network"), Step(JEQ, _IPV4, "ipv4"), Step(JEQ, _IPV6, "ipv6")]
    if Encapsulation.MPLS in encapsulations:
        steps += _if_one_of(_MPLS, "mpls")
    if Encapsulation.PPPOE in encapsulations:
        steps.append(Step(JEQ, _PPPOE_SESSION, "pppoe"))
    steps.append(Step(RET_K))
    if Encapsulation.MPLS in encapsulations:
        steps += _mpls()
    if Encapsulation.PPPOE in encapsulations:
        steps += _pppoe()
    return steps


def _mpls() -> _Steps:
    """RFC 3032 §2.1: labels to the bottom of the stack; then the first nibble tells."""
    steps: _Steps = [Label("mpls")]
    for _ in range(_MOST_MPLS_LABELS):
        steps += [Step(LD_B_IND, 2), *_advance_keeping_a(4), Step(JSET, 1, "under labels")]
    return [
        *steps,
        Step(JA, yes="accept"),
        Label("under labels"),
        Step(LD_B_IND, 0),
        Step(AND_K, 0xF0),
        Step(JEQ, 0x40, "ipv4"),
        Step(JEQ, 0x60, "ipv6"),
        Step(JA, yes="accept"),  # a pseudowire: it may carry anything
    ]


def _advance_keeping_a(count: int) -> _Steps:
    return [Step(ST, _PROTOCOL), *_advance(count), Step(LD_MEM, _PROTOCOL)]


def _pppoe() -> _Steps:
    """RFC 2516 §4: six octets, then the number of PPP's protocol."""
    return [
        Label("pppoe"),
        Step(LD_H_IND, 6),
        *_advance_keeping_a(8),
        Step(JEQ, _PPP_IPV4, "ipv4"),
        Step(JEQ, _PPP_IPV6, "ipv6"),
        Step(RET_K),
    ]


def _plain_ip() -> _Steps:
    """As `_ethernet`, where packets start with the IP header."""
    return [
        Step(LDX_IMM, 0),
        Step(LD_B_ABS, 0),
        Step(AND_K, 0xF0),
        Step(JEQ, 0x40, "ipv4"),
        Step(JEQ, 0x60, "ipv6"),
        Step(RET_K),
    ]


def _tunnel_protocols(encapsulations: Encapsulation) -> tuple[int, ...]:
    """IP protocols that are let through whatever is inside."""
    found = _IP_IN_IP if Encapsulation.IP_IN_IP in encapsulations else ()
    return (*found, _GRE) if Encapsulation.GRE in encapsulations else found


def _ipv4(encapsulations: Encapsulation) -> _Steps:
    """RFC 791 §3.1; to `ports` with X where the transport header starts."""
    tunnels = _tunnel_protocols(encapsulations)
    return [
        Label("ipv4"),
        Step(STX, _NETWORK),
        Step(LD_B_IND, 9),
        Step(ST, _PROTOCOL),
        Step(LD_H_IND, 6),
        Step(JSET, 0x1FFF, "later fragment"),
        Step(LD_MEM, _PROTOCOL),
        *_if_one_of(tunnels, "accept"),
        *_if_one_of((_UDP, _TCP), "options"),
        Step(RET_K),
        Label("later fragment"),  # of whatever ports: only the first one tells them
        Step(LD_MEM, _PROTOCOL),
        *_if_one_of((_UDP, _TCP, *tunnels), "accept"),
        Step(RET_K),
        Label("options"),
        Step(LD_B_IND, 0),
        Step(AND_K, 0x0F),
        Step(LSH_K, 2),
        Step(ADD_X),
        Step(TAX),
        Step(JA, yes="ports"),
    ]


def _ipv6(encapsulations: Encapsulation) -> _Steps:
    """RFC 8200 §3; as `_ipv4`. What other extension headers hide is let through."""
    return [
        Label("ipv6"),
        Step(STX, _NETWORK),
        Step(LD_B_IND, 6),
        *_advance_keeping_a(40),
        *_if_one_of((_UDP, _TCP), "ports"),
        Step(JEQ, _IPV6_FRAGMENT, "ipv6 fragment"),
        *_if_one_of((*_IPV6_EXTENSIONS, *_tunnel_protocols(encapsulations)), "accept"),
        Step(RET_K),
        Label("ipv6 fragment"),  # RFC 8200 §4.5
        Step(LD_H_IND, 2),
        Step(JSET, 0xFFF8, "accept"),
        Step(LD_B_IND, 0),
        *_advance_keeping_a(8),
        *_if_one_of((_UDP, _TCP), "ports"),
        Step(JA, yes="accept"),
    ]


def _ports(options: LiveOptions) -> _Steps:
    """Accept by the ports of the header at X; of `_PROTOCOL`."""
    tunnels = (port for each, port in _UDP_PORTS.items() if each in options.encapsulations)
    wanted = sorted({*options.ports, _DNS_OVER_TLS, *tunnels})
    steps: _Steps = [
        Label("ports"),
        Step(STX, _TRANSPORT),
        Step(LD_H_IND, 0),
        *_if_one_of(wanted, "accept"),
        Step(LD_H_IND, 2),
        *_if_one_of(wanted, "accept"),
    ]
    if options.resolvers:
        steps += [
            Step(JEQ, _HTTPS, "https"),
            Step(LD_H_IND, 0),
            Step(JEQ, _HTTPS, "https"),
        ]
    return [*steps, Step(RET_K)]


def _to_resolvers(resolvers: Sequence[bytes]) -> _Steps:
    """Accept how a flow begins, TCP's SYN or QUIC's long header, where an address is known."""
    steps: _Steps = [
        Label("https"),
        Step(LDX_MEM, _TRANSPORT),
        Step(LD_MEM, _PROTOCOL),
        Step(JEQ, _UDP, "quic"),
        Step(LD_B_IND, 13),
        Step(JSET, 0x02, "addresses", "reject"),
        Label("quic"),
        Step(LD_B_IND, 8),
        Step(JSET, 0x80, "addresses", "reject"),  # RFC 9000 §17.2
        Label("addresses"),
        Step(LDX_MEM, _NETWORK),
        Step(LD_B_IND, 0),
        Step(AND_K, 0xF0),
        Step(JEQ, 0x60, "addresses 6"),
    ]
    ipv4 = sorted({each for each in resolvers if len(each) == _IPV4_BYTES})
    ipv6 = sorted({each for each in resolvers if len(each) == _IPV6_BYTES})
    steps += [*_if_address(ipv4, 12), *_if_address(ipv4, 16), Step(RET_K)]
    steps += [Label("addresses 6"), *_if_address(ipv6, 8), *_if_address(ipv6, 24), Step(RET_K)]
    return steps


def _if_address(addresses: Sequence[bytes], at: int, start: str = "address") -> _Steps:
    """Accept where the address at X + `at` is one of `addresses`, sorted; else go on behind.

    By words of 32 bits: where addresses share one, it is looked at once.
    """
    if not addresses:
        return []
    place = f"{start} {at}"
    words = [(int.from_bytes(each[:_WORD_BYTES]), each[_WORD_BYTES:]) for each in addresses]
    groups = [
        (word, [rest for _, rest in group])
        for word, group in groupby(words, key=operator.itemgetter(0))
    ]
    if len(addresses[0]) == _WORD_BYTES:
        return [Step(LD_W_IND, at), *_if_one_of((word for word, _ in groups), "accept")]
    steps: _Steps = [Step(LD_W_IND, at)]
    steps += [Step(JEQ, word, f"{place} {word}") for word, _ in groups]
    steps.append(Step(JA, yes=f"{place} none"))
    for word, rest in groups:
        here = f"{place} {word}"
        steps += [
            Label(here),
            *_if_address(rest, at + _WORD_BYTES, here),
            Step(JA, yes=f"{place} none"),
        ]
    return [*steps, Label(f"{place} none")]
