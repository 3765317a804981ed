"""From blocks of packets to transactions: the state that kernels work on, and the slow path [core].

Kernels do everything but put pieces together: there they stop, and go on behind the piece when what
came of it has been matched. So rows stand in the order of packets, whatever a message came in.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from geophone_capture.encapsulations import ALL, Encapsulation
from geophone_capture.flow_values import (
    block_of_datagram,
    buffer_of,
    describe_message,
    fragment_of,
    halves_of,
    is_fragment,
    segment_of,
)
from geophone_capture.foreign_clients import ForeignClient, foreign_clients
from geophone_capture.fragments import FragmentCounts, Fragments
from geophone_capture.kernels.ageing import age_pending
from geophone_capture.kernels.decoding import (
    AT_PIECE,
    OUTPUT_FULL,
    close_failed,
    close_pending,
    transaction_from_message,
    transactions_from_packets,
)
from geophone_capture.kernels.flows import Sought
from geophone_capture.kernels.foreign import (
    FOREIGN,
    FOREIGN_TOTALS,
    MOST_CLIENTS,
    Foreign,
    count_foreign,
)
from geophone_capture.kernels.matching import new_scratch
from geophone_capture.kernels.pending import (
    FIRST_INDEX_SLOTS,
    HEADS,
    NAME_WORDS,
    NONE,
    PENDING,
    Pending,
)
from geophone_capture.kernels.rows import CLOCK_UNSET, PROGRESS, Output, is_full
from geophone_capture.packets import PacketBlock
from geophone_capture.reasons import Reason
from geophone_capture.resolvers import resolver_table
from geophone_capture.tcp_events import Event, NotDns, ReplyFailed, TcpCounts, TcpMessage
from geophone_capture.tcp_framing import PREFIX_BYTES, BrokenMessage
from geophone_capture.tcp_streams import TcpStreams
from geophone_shared.errors import ConfigError
from geophone_shared.hashing import SecretKey
from geophone_shared.transactions import (
    LONGEST_MESSAGE_BYTES,
    ROW,
    SPAN,
    Note,
    Responses,
    Transactions,
)

DNS_PORTS = (53,)
PENDING_CAPACITY = 262_144
"""Queries that may wait at a time: 26,000 unanswered ones a second for 10 s. Beyond it the one that
has waited longest is closed as unanswered, and counted."""

ROWS_AT_A_TIME = 16_384

RESPONSE_BYTES_AT_A_TIME = 4 << 20
"""Room for kept responses, beside the rows. Where it is used up rows are handed out earlier."""

_MOST_NESTED = 4
"""Datagrams in fragments whose datagrams are in fragments: as many as a packet has IP layers."""

_NOTES = {
    BrokenMessage.UNDECODABLE: Note.REPLY_UNDECODABLE,
    BrokenMessage.ZERO_LENGTH: Note.REPLY_EMPTY,
    BrokenMessage.UNEXPECTED_LENGTH: Note.REPLY_LENGTH_UNEXPECTED,
    BrokenMessage.INCOMPLETE: Note.REPLY_INCOMPLETE,
}
_ID_BYTES = 2
_USABLE = (Reason.QUERY, Reason.RESPONSE, Reason.NO_QUESTION, Reason.CUT_BY_SNAPLEN)
"""The first two are used; the third is DNS, and of the fourth the capture kept too little."""


class TransactionDecoder:
    """Decodes packets, matches responses to queries, and hands out rows as they complete.

    Args:
        secret: keys the table of queries that wait.
        ports: of DNS.
        pending_capacity: how many queries may wait.
        rows_at_a_time: so many rows are handed out together, at most.
        encapsulations: those that are looked into.
        keep_responses: whether rows come with their raw responses.
        response_bytes_at_a_time: room for those.

    Attributes:
        packets: how many have been looked at.
        first_us: the earliest packet time, None before the first packet.
        last_us: the latest packet time.
        clock_outliers: packets whose time did not move the packet clock.
    """

    def __init__(
        self,
        secret: SecretKey,
        ports: Sequence[int] = DNS_PORTS,
        pending_capacity: int = PENDING_CAPACITY,
        rows_at_a_time: int = ROWS_AT_A_TIME,
        encapsulations: Encapsulation = ALL,
        *,
        keep_responses: bool = False,
        response_bytes_at_a_time: int = RESPONSE_BYTES_AT_A_TIME,
    ) -> None:
        self.packets = 0
        self.first_us: int | None = None
        self.last_us: int | None = None
        self.clock_outliers = 0
        self._end_us = 0
        self._counters = np.zeros(len(Reason), np.int64)
        self._stream_counters = np.zeros(len(Reason), np.int64)
        self._fragments = Fragments()
        self._streams = TcpStreams(ports)
        is_dns_port = np.zeros(65_536, np.bool_)
        for port in ports:
            if not 0 < port < is_dns_port.size:
                raise ConfigError(f"{port} is not a port: give one from 1 to 65535")
            is_dns_port[port] = True
        self._sought = Sought(is_dns_port, resolver_table(), int(encapsulations))
        self._foreign = Foreign(np.zeros(MOST_CLIENTS, FOREIGN), np.zeros(1, FOREIGN_TOTALS))
        heads = np.zeros(1, HEADS)
        for head in ("oldest", "newest", "free"):
            heads[head] = NONE
        slots = np.full(1 << (2 * pending_capacity).bit_length(), NONE, np.int32)
        heads["index_slots"] = min(FIRST_INDEX_SLOTS, slots.size)
        self._pending = Pending(
            entries=np.empty(pending_capacity, PENDING),
            names=np.empty(pending_capacity * NAME_WORDS, np.uint64),
            slots=slots,
            heads=heads,
            key0=secret.key0,
            key1=secret.key1,
        )
        progress = np.zeros(1, PROGRESS)
        progress["clock_us"] = progress["completed_us"] = CLOCK_UNSET
        self._keep_responses = keep_responses
        response_bytes = max(response_bytes_at_a_time, LONGEST_MESSAGE_BYTES)
        self._output, self._other_output = (
            Output(
                rows=np.zeros(rows_at_a_time, ROW),
                names=np.empty(rows_at_a_time * NAME_WORDS, np.uint64),
                spans=np.empty(rows_at_a_time if keep_responses else 0, SPAN),
                responses=np.empty(response_bytes if keep_responses else 0, np.uint8),
                progress=progress,
            )
            for _ in range(2)
        )
        self._scratch = new_scratch()

    @property
    def clock_us(self) -> int | None:
        """The packet clock: the latest packet time but for outliers; None before a packet."""
        clock_us = int(self._output.progress[0]["clock_us"])
        return None if clock_us == CLOCK_UNSET else clock_us

    @property
    def evicted(self) -> int:
        """Queries closed early because too many were waiting."""
        return int(self._output.progress[0]["evicted"])

    def counts(self) -> dict[Reason, int]:
        """Packets by what became of them; they add up to `packets`."""
        return {reason: int(self._counters[reason]) for reason in Reason}

    def counts_of_streams(self) -> dict[Reason, int]:
        """Messages over TCP by what became of them."""
        return {reason: int(self._stream_counters[reason]) for reason in Reason}

    @property
    def fragment_counts(self) -> FragmentCounts:
        """What became of IP fragments."""
        return self._fragments.counts

    @property
    def tcp_counts(self) -> TcpCounts:
        """What became of TCP segments."""
        return self._streams.counts

    @property
    def foreign_packets(self) -> int:
        """Packets on DNS ports that are no DNS; of a connection, each part told of it."""
        return int(self._foreign.totals[0]["packets"])

    @property
    def foreign_bytes(self) -> int:
        """Bytes in them."""
        return int(self._foreign.totals[0]["bytes"])

    def foreign_clients(self) -> list[ForeignClient]:
        """Who sends what isn't DNS over ports of DNS."""
        return foreign_clients(self._foreign)

    def feed(self, block: PacketBlock) -> Iterator[Transactions]:
        """Look at a block's packets.

        Yields:
            Rows in completion order, valid until those after the next are asked for: one thread
            can work on them while another decodes. The iterator has to be exhausted before the
            next call.
        """
        packets = block.packets
        if packets.size == 0:
            return
        times_us = packets["time_us"]
        earliest_us, latest_us = int(times_us.min()), int(times_us.max())
        self.first_us = earliest_us if self.first_us is None else min(self.first_us, earliest_us)
        self.last_us = latest_us if self.last_us is None else max(self.last_us, latest_us)
        self.clock_outliers += int(np.count_nonzero(packets["clock_us"] < times_us))
        self._end_us = int(times_us[-1])
        yield from self._decode(block, nested=0)
        yield from self._completed()
        self.packets += packets.size

    def advance(self, clock_us: int) -> Iterator[Transactions]:
        """Move the packet clock, as nothing earlier will come; yields as `feed`."""
        is_done = False
        while not is_done:
            is_done = age_pending(self._pending, self._output, clock_us)
            yield from self._completed()

    def close(self) -> Iterator[Transactions]:
        """At the end of the whole input: complete the queries that still wait, as unanswered."""
        for event in self._streams.close():
            yield from self._take_event(event, self._end_us)
        self._fragments.close()
        is_closed = False
        while not is_closed:
            is_closed = close_pending(self._pending, self._output, self._end_us)
            yield from self._completed()

    def _decode(self, block: PacketBlock, nested: int) -> Iterator[Transactions]:
        """Look at packets, and at what comes of their pieces; the last rows aren't yielded yet."""
        packets = block.packets
        following = 0
        while following < packets.size:
            following, stop = transactions_from_packets(
                block.buffer,
                packets,
                following,
                self._sought,
                self._pending,
                self._output,
                self._counters,
                self._foreign,
                self._scratch,
            )
            if stop == AT_PIECE:
                yield from self._take_piece(block, following - 1, nested)
            elif stop == OUTPUT_FULL:
                yield from self._completed()

    def _take_piece(self, block: PacketBlock, index: int, nested: int) -> Iterator[Transactions]:
        packet = block.packets[index]
        time_us = int(packet["time_us"])
        flow = self._scratch.flow[0]
        if not is_fragment(flow):
            self._counters[Reason.TCP_SEGMENT] += 1
            for event in self._streams.add(time_us, segment_of(block.buffer, flow)):
                yield from self._take_event(event, time_us)
            return
        datagram = self._fragments.add(time_us, fragment_of(block.buffer, flow))
        if datagram is None:
            self._counters[Reason.IP_FRAGMENT] += 1
        elif nested == _MOST_NESTED:
            self._counters[Reason.ENCAPSULATED] += 1
        else:
            whole = block_of_datagram(datagram, time_us, int(packet["clock_us"]))
            yield from self._decode(whole, nested + 1)

    def _take_event(self, event: Event, time_us: int) -> Iterator[Transactions]:
        """Match what came of a TCP connection."""
        if is_full(self._output):
            yield from self._completed()
        match event:
            case TcpMessage():
                self._take_message(event, time_us)
            case ReplyFailed(reason, client, server, client_port, server_port, dns_id):
                if dns_id is not None:
                    ports = (server_port, client_port)
                    describe_message(self._scratch.flow, server, client, ports, (0, 0))
                    self._close_failed(dns_id, _NOTES[reason])
            case NotDns(client, wire_bytes):
                high, low = halves_of(client)
                count_foreign(self._foreign, high, low, wire_bytes)

    def _take_message(self, message: TcpMessage, time_us: int) -> None:
        payload, ports = message.payload, (message.source_port, message.destination_port)
        sizes = (len(payload), message.wire_bytes - PREFIX_BYTES)
        describe_message(self._scratch.flow, message.source, message.destination, ports, sizes)
        reason = transaction_from_message(
            buffer_of(payload),
            self._sought.is_dns_port,
            self._pending,
            self._output,
            self._foreign,
            self._scratch,
            time_us,
        )
        self._stream_counters[reason] += 1
        is_reply = self._sought.is_dns_port[message.source_port]
        if is_reply and reason not in _USABLE and len(payload) >= _ID_BYTES:
            self._close_failed(int.from_bytes(payload[:_ID_BYTES]), Note.REPLY_UNDECODABLE)

    def _close_failed(self, dns_id: int, note: Note) -> None:
        close_failed(self._pending, self._output, self._scratch, dns_id, int(note))

    def _completed(self) -> Iterator[Transactions]:
        output = self._output
        progress = output.progress[0]
        count = int(progress["row_count"])
        progress["row_count"] = 0
        progress["names_words"] = 0
        progress["response_bytes"] = 0
        if count:
            self._output, self._other_output = self._other_output, output
            responses = None
            if self._keep_responses:
                responses = Responses(output.spans[:count], output.responses)
            yield Transactions(output.rows[:count], output.names.view(np.uint8), responses)
