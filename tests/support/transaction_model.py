"""What should become of packets, in plain Python: the oracle of the decoding and matching kernels.

It follows the design's words, not the kernels: a dict of waiting queries in order of arrival, a
list of rows, dnspython for what stands in a message. It knows the frames that the tests send
through it: UDP, or a whole message or none in a TCP segment, over IPv4 without options or IPv6
without extension headers, in Ethernet.
"""

import struct
from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

from geophone_capture.reasons import NOT_DECODED, Reason
from geophone_shared.transactions import Note, Outcome
from tests.support.decoded_rows import Endpoint, Row
from tests.support.message_model import Message, read_message
from tests.support.packets import ARP, IPV4, Packet

TIMEOUT_US = 10_000_000
UDP, TCP = 17, 6


class Datagram(NamedTuple):
    """A message over UDP or TCP: what was captured of it, and how long it was on the wire."""

    source: Endpoint
    destination: Endpoint
    payload: bytes
    wire_bytes: int
    transport: int = UDP

    @property
    def counted_bytes(self) -> int:
        """Its length, over TCP with the two bytes before it."""
        return self.wire_bytes + 2 if self.transport == TCP else self.wire_bytes


def datagram_in(packet: Packet, ports: Collection[int]) -> Datagram | Reason:
    """What a frame holds, or why it isn't looked into."""
    frame = packet.frame
    if len(frame) < 14:
        return Reason.CUT_BY_SNAPLEN
    (ethertype,) = struct.unpack_from("!H", frame, 12)
    if ethertype == ARP:
        return Reason.ARP
    if ethertype == IPV4:
        return _message_in(frame, ports, (20, 12, 9), bytes(10) + b"\xff\xff")
    return _message_in(frame, ports, (40, 8, 6), b"")


def _message_in(
    frame: bytes, ports: Collection[int], offsets: tuple[int, int, int], prefix: bytes
) -> Datagram | Reason:
    """Likewise, of one that is IP. Offsets in its header: its end, addresses, protocol."""
    header_bytes, addresses_at, protocol_at = offsets
    at = 14 + header_bytes
    if len(frame) < at + 4:
        return Reason.CUT_BY_SNAPLEN
    source_port, destination_port = struct.unpack_from("!HH", frame, at)
    if source_port not in ports and destination_port not in ports:
        return Reason.OTHER_PORT
    is_tcp = frame[14 + protocol_at] == TCP
    message_at = at + (22 if is_tcp else 8)
    if len(frame) < message_at:
        return Reason.TCP_SEGMENT if is_tcp else Reason.CUT_BY_SNAPLEN
    addresses = frame[14 + addresses_at : at]
    half = len(addresses) // 2
    source = Endpoint(prefix + addresses[:half], source_port)
    destination = Endpoint(prefix + addresses[half:], destination_port)
    if is_tcp:
        message = frame[message_at:]
        return Datagram(source, destination, message, len(message), TCP)
    (udp_bytes,) = struct.unpack_from("!H", frame, at + 4)
    return Datagram(source, destination, frame[message_at : at + udp_bytes], udp_bytes - 8)


class Waiting(NamedTuple):
    """A query without its response: its message, and the row that it would be."""

    message: Message
    row: Row


_Key = tuple[Endpoint, Endpoint, int, int]
"""Client, server, transport, id."""


class TransactionModel:
    """Looks at packets one by one."""

    def __init__(self, ports: Collection[int] = (53,), pending_capacity: int = 1_000) -> None:
        self.rows: list[Row] = []
        self.counts: Counter[Reason] = Counter()
        self.counts_of_streams: Counter[Reason] = Counter()
        self.evicted = 0
        self.clock_us: int | None = None
        self._ports = ports
        self._pending_capacity = pending_capacity
        self._waiting: dict[_Key, Waiting] = {}  # in order of arrival
        self._last_us = 0

    def look_at(self, packet: Packet) -> None:
        """Age what waits, move the clock, then decode."""
        while self._waiting:
            key = next(iter(self._waiting))
            timeout_us = self._waiting[key].row.time_us + TIMEOUT_US
            if packet.time_us < timeout_us:
                break
            self._give_up(key, Note(0), timeout_us)
        self._move_clock(packet)
        self.counts[self._take(packet)] += 1

    def close(self) -> None:
        """The input has ended."""
        for key in list(self._waiting):
            self._give_up(key, Note.INPUT_ENDED, self._last_us)

    def _move_clock(self, packet: Packet) -> None:
        clock_us = packet.time_us if packet.clock_us is None else packet.clock_us
        is_outlier = clock_us < packet.time_us
        if self.clock_us is None or not is_outlier:
            self.clock_us = max(self.clock_us or 0, clock_us)
        self._last_us = packet.time_us

    def _take(self, packet: Packet) -> Reason:
        datagram = datagram_in(packet, self._ports)
        if isinstance(datagram, Reason):
            return datagram
        reason = self._take_message(packet.time_us, datagram)
        if datagram.transport == UDP:
            return reason
        self.counts_of_streams[reason] += 1
        unusable = set(NOT_DECODED) - {Reason.NO_QUESTION}
        if reason in unusable and datagram.source.port in self._ports:
            dns_id = int.from_bytes(datagram.payload[:2])
            key = (datagram.destination, datagram.source, TCP, dns_id)
            if key in self._waiting:
                row = self._waiting.pop(key).row
                self._complete(row._replace(notes=row.notes | Note.REPLY_UNDECODABLE))
        return Reason.TCP_SEGMENT

    def _take_message(self, time_us: int, datagram: Datagram) -> Reason:
        message = read_message(datagram.payload, datagram.wire_bytes)
        if isinstance(message, Reason):
            return message
        if message.header.is_response:
            return self._take_response(time_us, datagram, message)
        self._take_query(time_us, datagram, message)
        return Reason.QUERY

    def _take_query(self, time_us: int, datagram: Datagram, message: Message) -> None:
        key = (
            datagram.source,
            datagram.destination,
            datagram.transport,
            message.header.dns_id,
        )
        if key in self._waiting:
            self._give_up(key, Note.ID_REUSED)
        elif len(self._waiting) == self._pending_capacity:
            self.evicted += 1
            self._give_up(next(iter(self._waiting)), Note.PENDING_EVICTED)
        row = Row(
            *_ends_and_id(key),
            *message.question,
            time_us,
            transport=datagram.transport,
            query_flags=message.header.flags,
            bytes_in=datagram.counted_bytes,
            notes=message.notes | _oversize(message, datagram),
        )
        self._waiting[key] = Waiting(message, row)

    def _take_response(self, time_us: int, datagram: Datagram, message: Message) -> Reason:
        key = (
            datagram.destination,
            datagram.source,
            datagram.transport,
            message.header.dns_id,
        )
        waiting = self._waiting.get(key)
        unsolicited = Row(
            *_ends_and_id(key),
            *message.question,
            time_us,
            outcome=Outcome.UNSOLICITED,
            transport=datagram.transport,
        )
        if waiting is None:
            notes = Note.NO_QUERY
        elif message.header.questions and not message.question.is_like(waiting.message.question):
            notes = Note.NO_QUERY | Note.QUESTION_DIFFERS
        elif time_us - waiting.row.time_us > TIMEOUT_US:
            notes = Note.NO_QUERY | Note.LATE_RESPONSE
        else:
            del self._waiting[key]
            duration_us = max(0, time_us - waiting.row.time_us)
            answered = waiting.row._replace(outcome=Outcome.ANSWERED, duration_us=duration_us)
            notes = _edns(waiting, message) if datagram.transport == UDP else Note(0)
            self._complete(_with_response(answered, datagram, message, notes))
            return Reason.RESPONSE
        if not message.header.questions:
            return Reason.NO_QUESTION
        self._complete(_with_response(unsolicited, datagram, message, notes))
        return Reason.RESPONSE

    def _give_up(self, key: _Key, note: Note, at_us: int = 0) -> None:
        row = self._waiting.pop(key).row
        self._complete(row._replace(notes=row.notes | Note.NO_RESPONSE | note), at_us)

    def _complete(self, row: Row, at_us: int = 0) -> None:
        """Date a row: by the clock, which has moved to the packet at hand, or later."""
        before_us = self.rows[-1].completed_us if self.rows else 0
        completed_us = max(at_us, self.clock_us or 0, before_us)
        self.rows.append(row._replace(completed_us=completed_us))


def _ends_and_id(key: _Key) -> tuple[Endpoint, Endpoint, int]:
    client, server, _, dns_id = key
    return client, server, dns_id


def _with_response(row: Row, datagram: Datagram, message: Message, notes: Note) -> Row:
    return row._replace(
        response_flags=message.header.flags,
        bytes_out=datagram.counted_bytes,
        answers=message.header.answers,
        authorities=message.header.authorities,
        additionals=message.header.additionals,
        notes=row.notes | message.notes | notes | _oversize(message, datagram),
    )


def _oversize(message: Message, datagram: Datagram) -> Note:
    """RFC 1035 §4.2.1: no more than 512 bytes over UDP without EDNS."""
    is_udp = datagram.transport == UDP
    is_oversize = is_udp and message.has_edns is False and datagram.wire_bytes > 512
    return Note.OVERSIZE_WITHOUT_EDNS if is_oversize else Note(0)


def _edns(query: Waiting, response: Message) -> Note:
    """What is odd about the two messages together."""
    match query.message.has_edns, response.has_edns:
        case True, False:
            return Note.RESPONDER_WITHOUT_EDNS
        case False, True:
            return Note.UNEXPECTED_EDNS
    return Note(0)
