"""TCP connections for tests: what both ends send, cut into segments."""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from geophone_capture.tcp_events import ACK, FIN, RST, SYN, Event, Segment, TcpMessage
from geophone_capture.tcp_streams import TcpStreams
from tests.support.dns_messages import RESPONSE, message, name, question
from tests.support.packets import CLIENT, SERVER


def mapped(address: str) -> bytes:
    """An address as 16 bytes, IPv4 as ::ffff:a.b.c.d (RFC 4291 §2.5.5.2)."""
    parsed = ipaddress.ip_address(address)
    return parsed.packed if parsed.version == 6 else bytes(10) + b"\xff\xff" + parsed.packed


def query(number: int) -> bytes:
    """A query of its own id and name."""
    return message([question(_name(number))], dns_id=number)


def reply(number: int) -> bytes:
    """The reply to `query(number)`."""
    return message([question(_name(number))], dns_id=number, flags=RESPONSE)


def _name(number: int) -> bytes:
    return name(b"host%d" % number, b"example", b"com")


def framed(*messages: bytes) -> bytes:
    """Messages as a stream: each behind its length (RFC 1035 §4.2.2)."""
    return b"".join(len(each).to_bytes(2) + each for each in messages)


@dataclass
class End:
    """One end of a connection.

    Attributes:
        address: its address.
        port: its port.
        peer_address: of the other end.
        peer_port: of the other end.
        first: number of its SYN.
    """

    address: str = CLIENT
    port: int = 40_000
    peer_address: str = SERVER
    peer_port: int = 53
    first: int = 1_000

    def segment(
        self,
        offset: int,
        payload: bytes = b"",
        flags: int = ACK,
        *,
        wire_bytes: int | None = None,
        acknowledgement: int | None = None,
    ) -> Segment:
        """The segment whose first byte is byte `offset` of what this end says."""
        return Segment(
            mapped(self.address),
            mapped(self.peer_address),
            self.port,
            self.peer_port,
            (self.first + 1 + offset) % 2**32,
            flags,
            payload,
            len(payload) if wire_bytes is None else wire_bytes,
            acknowledgement,
        )

    def syn(self, payload: bytes = b"", *, flags: int = SYN) -> Segment:
        return self.segment(-1, payload, flags)

    def fin(self, offset: int, payload: bytes = b"") -> Segment:
        return self.segment(offset, payload, FIN | ACK)

    def rst(self, offset: int) -> Segment:
        return self.segment(offset, flags=RST)

    def cut(self, stream: bytes, sizes: Iterable[int], offset: int = 0) -> list[Segment]:
        """`stream`, the bytes from `offset` on, in segments of these sizes and the rest."""
        segments, at = [], 0
        for size in sizes:
            if at >= len(stream):
                break
            segments.append(self.segment(offset + at, stream[at : at + size]))
            at += size
        if at < len(stream):
            segments.append(self.segment(offset + at, stream[at:]))
        return segments


def ends(first: int = 1_000, server_first: int = 9_000, port: int = 40_000) -> tuple[End, End]:
    """A client and its server."""
    client = End(port=port, first=first)
    server = End(SERVER, 53, CLIENT, port, server_first)
    return client, server


def handshake(client: End, server: End) -> list[Segment]:
    return [client.syn(), server.syn(flags=SYN | ACK)]


def events_of(
    streams: TcpStreams, segments: Sequence[Segment], time_us: int = 0, step_us: int = 1
) -> list[Event]:
    """What segments bring forth that come one after the other."""
    return [
        event
        for number, segment in enumerate(segments)
        for event in streams.add(time_us + number * step_us, segment)
    ]


def payloads_of(events: Iterable[Event]) -> list[bytes]:
    """The messages among events."""
    return [event.payload for event in events if isinstance(event, TcpMessage)]
