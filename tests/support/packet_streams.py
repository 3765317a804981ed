"""Sequences of packets that meet each other: few flows, few ids, few names, and times that jump."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from hypothesis import strategies as st

from tests.support.dns_messages import (
    OPT_RECORD,
    QUERY,
    RESPONSE,
    ROOT,
    TO_QUESTION,
    TXT,
    A,
    message,
    name,
    question,
    record,
)
from tests.support.packets import (
    ARP,
    CLIENT,
    CLIENT_6,
    IPV6,
    SERVER,
    SERVER_6,
    Packet,
    ethernet,
    ipv4,
    ipv6,
    udp,
)

START_US = 1_282_356_664_000_000
SECOND_US = 1_000_000
_OUTLIER_US = 60 * SECOND_US

_STEPS_US = (
    *(0, 1, 1_000, SECOND_US, 3 * SECOND_US),
    *(10 * SECOND_US - 1, 10 * SECOND_US, 10 * SECOND_US + 1),
    *(_OUTLIER_US, _OUTLIER_US + 1, 7_200 * SECOND_US),
)
steps_us = st.integers(0, 3).flatmap(
    lambda kind: (
        st.sampled_from([*_STEPS_US, *(-step for step in _STEPS_US)])
        if kind == 3
        else st.sampled_from([0, 1, 1_000, SECOND_US])
    )
)

TWISTS = st.sampled_from(["none", "none", "none", "letters", "edns", "no question"])
"""How a response may differ from its query and still be the query's."""

_NO_OPT = record(ROOT, 10, b"", record_class=4096)
_NAME, _SAME_NAME = name(b"www", b"a\xc3"), name(b"wWW", b"A\xc3")
_questions = st.sampled_from(
    [
        *[question(_NAME)] * 4,
        question(_SAME_NAME),
        question(name(b"www", b"a\xe3")),  # not a letter's other case
        question(ROOT),
        question(_NAME, TXT),
        question(_NAME, A, 3),
    ]
)
_few_questions = st.sampled_from([1, 1, 1, 1, 0, 2]).flatmap(
    lambda count: st.lists(_questions, min_size=count, max_size=count)
)
_record_lists = st.sampled_from(
    [
        *[[]] * 4,
        [record(TO_QUESTION)],
        [record(TO_QUESTION, TXT, b"\xc8" * 600)],
        [record(ROOT), record(b"\x80")],
    ]
)
_messages = st.builds(
    message,
    _few_questions,
    _record_lists,
    _record_lists,
    st.sampled_from([[], [OPT_RECORD], [_NO_OPT], [OPT_RECORD, record(ROOT, 10, bytes(600))]]),
    dns_id=st.sampled_from([1, 1, 2]),
    flags=st.sampled_from([QUERY, RESPONSE]),
    trailing=st.sampled_from([b"", b"", b"\0"]),
    counts=st.none() | st.none() | st.none() | st.just((1, 1, 0, 1)),
)

_IPV4_ENDS, _IPV6_ENDS = (CLIENT, SERVER), (CLIENT_6, SERVER_6)


class Sent(NamedTuple):
    """A message and who sends it; the first of each pair is the client's."""

    payload: bytes
    ports: tuple[int, int] = (40_000, 53)
    ends: tuple[str, str] = _IPV4_ENDS

    def answered(self, twist: str) -> "Sent":
        """The same message as a response; `twist` is one of `TWISTS`."""
        body = self.payload[4:]
        if twist == "letters":
            body = body[:8] + body[8:].swapcase()
        elif twist == "edns":
            old, new = (OPT_RECORD, _NO_OPT) if OPT_RECORD in body else (_NO_OPT, OPT_RECORD)
            body = body.replace(old, new)
        elif twist == "no question":
            body = bytes(8)
        return self._replace(payload=self.payload[:2] + b"\x81\x80" + body)

    def frame(self) -> bytes:
        """As it is seen on the wire, padded where Ethernet would pad."""
        (source_port, destination_port), (source, destination) = self.ports, self.ends
        if len(self.payload) > 2 and self.payload[2] >= 0x80:
            source_port, destination_port = destination_port, source_port
            source, destination = destination, source
        datagram = udp(self.payload, source_port, destination_port)
        if self.ends == _IPV6_ENDS:
            return ethernet(ipv6(datagram, 17, source, destination), IPV6)
        return ethernet(ipv4(datagram, 17, source, destination) + bytes(6))


_sent = st.builds(
    Sent,
    st.one_of(_messages, _messages, _messages, st.binary(max_size=60)),
    st.sampled_from([(40_000, 53)] * 4 + [(53, 53), (40_000, 123)]),
    st.sampled_from([_IPV4_ENDS, _IPV4_ENDS, _IPV6_ENDS]),
)


def _lengths(most: int) -> st.SearchStrategy[int]:
    """Long ones too: left alone, hypothesis likes small numbers best."""
    return st.integers(1, most) | st.integers(most // 2 + 1, most)


_ARP_FRAME = ethernet(bytes(28), ARP)


@st.composite
def packet_streams(draw: st.DrawFn, most_packets: int = 30) -> list[Packet]:
    """Packets of one file, with the clock that a source gives them."""
    time_us, times_us = START_US, []
    sent: list[Sent] = []
    packets = []
    for _ in range(draw(_lengths(most_packets))):
        time_us += draw(steps_us)
        times_us.append(time_us)
        kind = draw(st.integers(0, 9))
        if kind >= 5 and sent:
            frame = sent[draw(st.integers(0, len(sent) - 1))].answered(draw(TWISTS)).frame()
        elif kind:
            sent.append(draw(_sent))
            frame = sent[-1].frame()
        else:
            frame = _ARP_FRAME
        packet = Packet(frame)
        if frame != _ARP_FRAME and draw(st.integers(0, 9)) == 9:
            packet = packet.cut(draw(st.integers(0, len(frame))))
        packets.append(packet)
    clocks = zip(times_us, clocks_us(times_us), strict=True)
    return [
        replace(packet, time_us=time_us, clock_us=clock_us)
        for packet, (time_us, clock_us) in zip(packets, clocks, strict=True)
    ]


def clocks_us(times_us: Sequence[int]) -> list[int]:
    """A packet more than 60 s ahead of the one after it takes the time of that."""
    following = [*times_us[1:], times_us[-1]]
    return [
        after_us if time_us > after_us + _OUTLIER_US else time_us
        for time_us, after_us in zip(times_us, following, strict=True)
    ]
