"""The TCP connections on DNS ports: from segments to DNS messages [core].

What a connection may hold, how long it is kept and how many there are is bounded; what gives way is
counted. A connection that is forgotten is picked up again at its next message.
"""

from collections import OrderedDict
from collections.abc import Iterable

from geophone_capture.tcp_connection import Endpoint, Patience, TcpConnection
from geophone_capture.tcp_events import ACK, RST, SYN, Event, Segment, TcpCounts

DNS_PORTS = (53,)
MEMORY_BYTES = 64 << 20
MOST_CONNECTIONS = 65_536
WAITING_BYTES = 65_537
"""As long as the longest message, with its length."""

IDLE_US = 30_000_000
GAP_US = 3_000_000
"""Senders repeat lost segments after 1 s at first, then after 2 s more (RFC 6298 §2 and §5)."""

_Key = tuple[bytes, int, bytes, int]


class TcpStreams:
    """The table of connections.

    Args:
        ports: those that servers listen on.
        memory_bytes: how much all connections may take; beyond it the longest idle give way.
        most_connections: how many may be known; beyond it the longest idle give way.
        waiting_bytes: the memory that segments of one direction may take that wait for an earlier
            one; beyond it that one counts as lost.
        idle_us: a connection on which nothing comes for so long, by packet time, is forgotten.
        gap_us: segments that have waited for an earlier one for so long wait no longer.

    Attributes:
        counts: what became of segments and connections.
        held_bytes: the memory that connections are charged.
    """

    def __init__(
        self,
        ports: Iterable[int] = DNS_PORTS,
        *,
        memory_bytes: int = MEMORY_BYTES,
        most_connections: int = MOST_CONNECTIONS,
        waiting_bytes: int = WAITING_BYTES,
        idle_us: int = IDLE_US,
        gap_us: int = GAP_US,
    ) -> None:
        self.counts = TcpCounts()
        self.held_bytes = 0
        self._ports = frozenset(ports)
        self._memory_bytes = memory_bytes
        self._most_connections = most_connections
        self._patience = Patience(waiting_bytes, gap_us)
        self._idle_us = idle_us
        self._connections: OrderedDict[_Key, TcpConnection] = (
            OrderedDict()
        )  # the longest idle first

    @property
    def open(self) -> int:
        """How many connections are in the table."""
        return len(self._connections)

    def add(self, time_us: int, segment: Segment) -> list[Event]:
        """Take a segment that came at `time_us`; what it brings forth, in order."""
        counts = self.counts
        counts.segments += 1
        events = self._expire(time_us)
        key = _key(segment)
        connection = self._connections.get(key)
        if connection is not None and connection.is_replaced_by(segment):
            counts.closed += 1
            events += self._forget(key).finish()
            connection = None
        if connection is None:
            if segment.flags & RST or not (segment.wire_bytes or segment.flags & SYN):
                counts.unrelated += 1
                return events
            connection = self._open(key, segment)
        else:
            self._connections.move_to_end(key)
        cost_bytes = connection.cost_bytes
        if segment.flags & RST:
            events += connection.reset(time_us)
        else:
            events += connection.take(time_us, segment)
        self.held_bytes += connection.cost_bytes - cost_bytes
        while (
            self.held_bytes > self._memory_bytes or len(self._connections) > self._most_connections
        ):
            events += self._drop_oldest()
        return events

    def close(self) -> list[Event]:
        """At the end of the input: what still waited."""
        events: list[Event] = []
        while self._connections:
            connection = self._forget(next(iter(self._connections)))
            if connection.is_closed:
                self.counts.closed += 1
            else:
                self.counts.unfinished += 1
            events += connection.finish()
        return events

    def _open(self, key: _Key, segment: Segment) -> TcpConnection:
        source = Endpoint(segment.source, segment.source_port)
        destination = Endpoint(segment.destination, segment.destination_port)
        if self._is_from_server(segment):
            connection = TcpConnection(destination, source, self._patience, self.counts)
        else:
            connection = TcpConnection(source, destination, self._patience, self.counts)
        self._connections[key] = connection
        self.held_bytes += connection.cost_bytes
        self.counts.connections += 1
        self.counts.picked_up += not segment.flags & SYN
        return connection

    def _is_from_server(self, segment: Segment) -> bool:
        if segment.flags & SYN:
            return bool(segment.flags & ACK)
        return segment.source_port in self._ports and segment.destination_port not in self._ports

    def _forget(self, key: _Key) -> TcpConnection:
        connection = self._connections.pop(key)
        self.held_bytes -= connection.cost_bytes
        return connection

    def _expire(self, time_us: int) -> list[Event]:
        events: list[Event] = []
        while self._connections:
            key, connection = next(iter(self._connections.items()))
            if time_us - connection.last_us < self._idle_us:
                break
            self._forget(key)
            if connection.is_closed:
                self.counts.closed += 1
            else:
                self.counts.expired += 1
            events += connection.finish()
        return events

    def _drop_oldest(self) -> list[Event]:
        connection = self._forget(next(iter(self._connections)))
        if connection.is_closed:
            self.counts.closed += 1
        else:
            self.counts.dropped += 1
        return connection.finish()


def _key(segment: Segment) -> _Key:
    """The same for both directions. A closed connection stays, to know what repeats."""
    source, destination, source_port, destination_port = segment[:4]
    if (source_port, source) < (destination_port, destination):
        return source, source_port, destination, destination_port
    return destination, destination_port, source, source_port
