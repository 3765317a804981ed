"""One TCP connection on a DNS port: both directions, and the queries that wait on it [core]."""

from typing import NamedTuple

from geophone_capture.tcp_events import (
    ACK,
    FIN,
    SYN,
    Event,
    NotDns,
    ReplyFailed,
    Segment,
    TcpCounts,
    TcpMessage,
)
from geophone_capture.tcp_framing import BrokenMessage, Framed, FramedMessage, MessageFraming
from geophone_capture.tcp_ordering import ByteOrder, Run

CONNECTION_COST_BYTES = 2_048
"""What a connection is charged beside the bytes it holds: about what its Python objects take."""

_MOST_UNANSWERED = 256


class Patience(NamedTuple):
    """How long bytes of a direction wait for earlier ones.

    Attributes:
        waiting_bytes: how much memory they may take.
        gap_us: how long the first of them may wait.
    """

    waiting_bytes: int
    gap_us: int


class Endpoint(NamedTuple):
    """An address of 16 bytes, and a port."""

    address: bytes
    port: int


class _Direction:
    """What one end sends to the other.

    Attributes:
        path: addresses of the sender and of the receiver, their ports.
        is_reply: whether it is the server that sends.
        order: of its bytes.
        framing: of its messages.
    """

    __slots__ = ("framing", "is_reply", "order", "path")

    def __init__(
        self,
        ends: tuple[Endpoint, Endpoint],
        sequence: int,
        *,
        is_reply: bool,
        from_start: bool,
    ) -> None:
        sender, receiver = reversed(ends) if is_reply else ends
        self.path = (sender.address, receiver.address, sender.port, receiver.port)
        self.is_reply = is_reply
        self.order = ByteOrder(sequence)
        self.framing = MessageFraming(from_start=from_start)


class TcpConnection:
    """A connection.

    Args:
        client: the end that asks.
        server: the end that answers.
        patience: how long bytes wait for earlier ones.
        counts: what is added to.

    Attributes:
        last_us: when its latest segment came.
        cost_bytes: the memory that it is charged.
    """

    __slots__ = (
        "_counts",
        "_ends",
        "_is_reset",
        "_patience",
        "_queries",
        "_replies",
        "_unanswered",
        "cost_bytes",
        "last_us",
    )

    def __init__(
        self, client: Endpoint, server: Endpoint, patience: Patience, counts: TcpCounts
    ) -> None:
        self.last_us = 0
        self.cost_bytes = CONNECTION_COST_BYTES
        self._ends = (client, server)
        self._patience = patience
        self._counts = counts
        self._is_reset = False
        self._queries: _Direction | None = None
        self._replies: _Direction | None = None
        self._unanswered: dict[int, None] = {}  # ids of queries, the oldest first

    @property
    def is_closed(self) -> bool:
        """Whether both ends have said all that they had to say, or one has reset it."""
        if self._is_reset:
            return True
        queries, replies = self._queries, self._replies
        if queries is None or replies is None:
            return False
        return queries.order.is_complete and replies.order.is_complete

    def is_replaced_by(self, segment: Segment) -> bool:
        """Whether a segment between these ends belongs to a later connection of theirs."""
        direction = self._replies if self._is_reply(segment) else self._queries
        if segment.flags & SYN:
            if direction is None:
                return not segment.flags & ACK
            return not direction.order.began_at(segment.sequence + 1)
        if not segment.wire_bytes or not self.is_closed:
            return False
        return direction is None or direction.order.ahead(segment.sequence) >= 0

    def take(self, time_us: int, segment: Segment) -> list[Event]:
        """Take a segment that came at `time_us`; what it brings forth."""
        self.last_us = time_us
        events: list[Event] = []
        is_reply, flags, wire_bytes = self._is_reply(segment), segment.flags, segment.wire_bytes
        direction, other = self._queries, self._replies
        if is_reply:
            direction, other = other, direction
        if flags & ACK and segment.acknowledgement is not None and other is not None:
            self._give_up_received(other, segment.acknowledgement, events)
        sequence = segment.sequence + 1 if flags & SYN else segment.sequence
        if direction is None or (wire_bytes and direction.order.is_far(sequence)):
            self._counts.gaps += direction is not None
            self._end(direction, events)
            direction = self._begin(sequence, is_reply=is_reply, from_start=bool(flags & SYN))
        if wire_bytes:
            self._take_payload(direction, time_us, sequence, segment, events)
        if flags & FIN:
            direction.order.finish(sequence + wire_bytes)
        if direction.order.is_complete:
            self._tell(direction, direction.framing.end(), events)
        self._charge()
        return events

    def finish(self) -> list[Event]:
        """Nothing more will come: what waits behind gaps, and what remains incomplete."""
        events: list[Event] = []
        for direction in (self._queries, self._replies):
            self._end(direction, events)
        return events

    def reset(self, time_us: int) -> list[Event]:
        """One end wants no more of it; what still comes has been sent before."""
        self.last_us = time_us
        self._is_reset = True
        events = self.finish()
        self._charge()
        return events

    def _is_reply(self, segment: Segment) -> bool:
        return (segment.source, segment.source_port) != self._ends[0]

    def _begin(self, sequence: int, *, is_reply: bool, from_start: bool) -> _Direction:
        """A direction whose first byte has that number."""
        direction = _Direction(self._ends, sequence, is_reply=is_reply, from_start=from_start)
        if is_reply:
            self._replies = direction
        else:
            self._queries = direction
        return direction

    def _charge(self) -> None:
        cost_bytes = CONNECTION_COST_BYTES
        for direction in (self._queries, self._replies):
            if direction is not None:
                cost_bytes += direction.framing.held_bytes + direction.order.cost_bytes
        self.cost_bytes = cost_bytes

    def _take_payload(
        self,
        direction: _Direction,
        time_us: int,
        sequence: int,
        segment: Segment,
        events: list[Event],
    ) -> None:
        order, payload, wire_bytes = direction.order, segment.payload, segment.wire_bytes
        ahead = order.ahead(sequence)
        if ahead == 0 and not order.is_waiting:
            order.pass_on(wire_bytes)
            self._frame(direction, Run(payload, wire_bytes - len(payload)), events)
            return
        self._counts.out_of_order += ahead > 0
        if order.add(time_us, sequence, payload, wire_bytes) == 0:
            self._counts.repeated += 1
        self._deliver(direction, events)
        while order.is_waiting and (
            order.cost_bytes > self._patience.waiting_bytes
            or time_us - order.waiting_since_us >= self._patience.gap_us
        ):
            self._give_up(direction, events)

    def _give_up_received(
        self, direction: _Direction, acknowledgement: int, events: list[Event]
    ) -> None:
        """Wait for nothing that the other end has received: it wasn't captured."""
        while direction.order.is_acknowledged(acknowledgement):
            self._give_up(direction, events)

    def _give_up(self, direction: _Direction, events: list[Event]) -> None:
        """Pass over the first gap, and deliver what lies behind it."""
        self._counts.gaps += 1
        lost_bytes = direction.order.give_up()
        self._tell(direction, direction.framing.miss(lost_bytes, is_cut=False), events)
        self._deliver(direction, events)

    def _deliver(self, direction: _Direction, events: list[Event]) -> None:
        while (run := direction.order.next_run()) is not None:
            self._frame(direction, run, events)

    def _end(self, direction: _Direction | None, events: list[Event]) -> None:
        """Nothing more will come in that direction."""
        if direction is None:
            return
        while direction.order.is_waiting:
            self._give_up(direction, events)
        self._tell(direction, direction.framing.end(), events)

    def _frame(self, direction: _Direction, run: Run, events: list[Event]) -> None:
        framing = direction.framing
        self._tell(direction, framing.feed(run.payload), events)
        if run.cut_bytes:
            self._tell(direction, framing.miss(run.cut_bytes, is_cut=True), events)

    def _tell(self, direction: _Direction, found: list[Framed], events: list[Event]) -> None:
        for framed in found:
            if isinstance(framed, FramedMessage):
                self._counts.messages += 1
                self._note_id(direction, framed.payload)
                events.append(TcpMessage(framed.payload, framed.wire_bytes, *direction.path))
            elif isinstance(framed, BrokenMessage):
                self._counts.broken += 1
                if direction.is_reply:
                    events.append(self._reply_failed(framed))
            else:
                self._counts.skipped_bytes += framed.excused_bytes
                self._counts.not_dns_bytes += framed.wire_bytes
                if framed.wire_bytes:
                    events.append(NotDns(self._ends[0].address, framed.wire_bytes))

    def _note_id(self, direction: _Direction, message: bytes) -> None:
        """Remember the id of a query until its reply comes."""
        dns_id = int.from_bytes(message[:2])
        self._unanswered.pop(dns_id, None)
        if direction.is_reply:
            return
        self._unanswered[dns_id] = None
        if len(self._unanswered) > _MOST_UNANSWERED:
            del self._unanswered[next(iter(self._unanswered))]

    def _reply_failed(self, reason: BrokenMessage) -> ReplyFailed:
        """The reply that failed was for the query that has waited longest."""
        client, server = self._ends
        dns_id = next(iter(self._unanswered), None)
        if dns_id is not None:
            del self._unanswered[dns_id]
        return ReplyFailed(reason, client.address, server.address, client.port, server.port, dns_id)
