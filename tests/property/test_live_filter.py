"""The project's packet filter beside what libpcap makes of the same wish."""

import struct
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geophone_capture.live.bpf import Program, parse_decimal
from geophone_capture.live.filters import program_for
from geophone_capture.live.options import LiveOptions
from tests.support import bpf_interpreter, outside
from tests.support.packets import ethernet, extension, fragment_header, ipv4, ipv6

_WISH = """
((tcp or udp) and (port 53 or port 853))
or (ip and (ip[9] = 6 or ip[9] = 17) and ip[6:2] & 0x1fff != 0)
or (ip6 and (ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 51 or ip6[6] = 60
             or ip6[6] = 135 or ip6[6] = 139 or ip6[6] = 140))
or (ip6 and ip6[6] = 44 and (ip6[42:2] & 0xfff8 != 0 or (ip6[40] != 6 and ip6[40] != 17)
    or ip6[48:2] = 53 or ip6[50:2] = 53 or ip6[48:2] = 853 or ip6[50:2] = 853))
"""
_PORTS = st.sampled_from([53, 54, 853, 80, 0x3500, 0xFFFF])
_PROTOCOLS = st.sampled_from([0, 1, 4, 6, 17, 41, 43, 44, 47, 50, 51, 58, 60, 132, 135, 139, 140])


@pytest.fixture(scope="module")
def libpcap_program() -> Program:
    tcpdump = outside.require_tool("tcpdump")
    wish = " ".join(_WISH.split())
    text = subprocess.run(
        [tcpdump, "-y", "EN10MB", "-ddd", wish], check=True, capture_output=True, encoding="ascii"
    ).stdout
    return parse_decimal(text, "tcpdump")


@st.composite
def _frames(draw: st.DrawFn) -> bytes:
    """Frames that reach all branches; a few are cut."""
    ports = struct.pack("!HH", draw(_PORTS), draw(_PORTS))
    transport = ports + draw(st.binary(max_size=24))
    protocol = draw(_PROTOCOLS)
    ethertype = draw(st.sampled_from([0x0800, 0x86DD, 0x0806, 0x8847, 0x8864]))
    if ethertype != 0x86DD:
        options = draw(st.sampled_from([b"", bytes(4), b"\0\x35\0\x35" * 10]))
        fragment = draw(st.sampled_from([0, 0x2000, 0x4000, 0x2001, 0x1FFF, 0x00FF]))
        words = draw(st.sampled_from([None, None, None, 0, 4, 15]))
        packet = ipv4(transport, protocol, options=options, fragment=fragment, header_words=words)
    else:
        inner = draw(_PROTOCOLS)
        head = b""
        if protocol == 44:
            more = draw(st.booleans())
            head = fragment_header(inner, draw(st.integers(0, 3)), more=more, reserved=3)
        elif protocol in {0, 43, 60}:
            head = extension(inner)
        packet = ipv6(head + transport, protocol)
    frame = ethernet(packet, ethertype)
    return frame[: draw(st.sampled_from([len(frame)] * 4 + [14, 23, 34, 36, 54, 57, 60]))]


@given(frame=_frames())
def test_it_lets_through_what_libpcap_does(libpcap_program: Program, frame: bytes) -> None:
    mine = bpf_interpreter.run(program_for(1, LiveOptions()), frame) > 0
    assert mine == (bpf_interpreter.run(libpcap_program, frame) > 0)
