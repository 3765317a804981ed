"""What goes into the table of TCP connections, and what comes out of it [core]."""

from dataclasses import dataclass
from typing import NamedTuple

from geophone_capture.tcp_framing import BrokenMessage

FIN, SYN, RST, ACK = 1, 2, 4, 16
"""Flags of `Segment` (RFC 9293 §3.1)."""


class Segment(NamedTuple):
    """A TCP segment with payload, or one that opens or ends a connection.

    Attributes:
        source: address of the sender, 16 bytes; IPv4 as ::ffff:a.b.c.d.
        destination: address of the receiver, likewise.
        source_port: of the sender.
        destination_port: of the receiver.
        sequence: number of the first byte (of the SYN where there is one).
        flags: `FIN`, `SYN`, `RST`, `ACK`; others may be set.
        payload: what was captured of it.
        wire_bytes: how long the payload was before the capture cut it.
        acknowledgement: number of the byte that the sender waits for; None where it isn't known.
            What a receiver has but the capture lacks is waited for no longer.
    """

    source: bytes
    destination: bytes
    source_port: int
    destination_port: int
    sequence: int
    flags: int
    payload: bytes
    wire_bytes: int
    acknowledgement: int | None = None


class TcpMessage(NamedTuple):
    """A DNS message; ends and ports are those of its sender and receiver.

    Attributes:
        payload: the message without its length; of one that the capture cut, the first part.
        wire_bytes: how long it was, with the two bytes of its length.
        source: address of the sender, 16 bytes.
        destination: address of the receiver, 16 bytes.
        source_port: of the sender.
        destination_port: of the receiver.
    """

    payload: bytes
    wire_bytes: int
    source: bytes
    destination: bytes
    source_port: int
    destination_port: int


class ReplyFailed(NamedTuple):
    """A reply that can't be used.

    Attributes:
        reason: why.
        client: address, 16 bytes.
        server: address, 16 bytes.
        client_port: of the client.
        server_port: of the server.
        dns_id: the oldest query's id of those on the connection that weren't answered, or None.
    """

    reason: BrokenMessage
    client: bytes
    server: bytes
    client_port: int
    server_port: int
    dns_id: int | None


class NotDns(NamedTuple):
    """Bytes of a connection on a DNS port that are no DNS, sent by either end.

    Attributes:
        client: address of the connection's client, 16 bytes.
        wire_bytes: how many.
    """

    client: bytes
    wire_bytes: int


Event = TcpMessage | ReplyFailed | NotDns


@dataclass(slots=True)
class TcpCounts:
    """What became of segments, connections and messages.

    Attributes:
        segments: all that came.
        unrelated: segments left out: without payload, and of no connection that is known.
        repeated: segments without a byte that hadn't come already.
        out_of_order: segments that came before an earlier one.
        connections: all that began: those in the next four, and those that are still open.
        closed: connections that ended, by both ends, a reset, or another with the same ports.
        expired: connections on which nothing came for too long.
        dropped: connections that gave way, the longest idle first, when memory was full.
        unfinished: connections open at the end of the input.
        picked_up: connections whose start wasn't captured.
        gaps: how often bytes of a connection were given up for lost.
        messages: DNS messages found.
        broken: messages that can't be used, of both ends.
        not_dns_bytes: bytes that are no DNS.
        skipped_bytes: bytes left out around a gap or a missed start: the next message's start was
            looked for.
    """

    segments: int = 0
    unrelated: int = 0
    repeated: int = 0
    out_of_order: int = 0
    connections: int = 0
    closed: int = 0
    expired: int = 0
    dropped: int = 0
    unfinished: int = 0
    picked_up: int = 0
    gaps: int = 0
    messages: int = 0
    broken: int = 0
    not_dns_bytes: int = 0
    skipped_bytes: int = 0
