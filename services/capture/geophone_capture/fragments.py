"""IP fragments to datagrams (RFC 791 §3.2, RFC 8200 §4.5) [core].

Of a datagram the first copy of each byte counts. Where IPv6 fragments overlap, the datagram is
refused, with every fragment of it still to come (RFC 5722); an exact duplicate is no overlap. IPv4
has no such rule, and stacks differ: a datagram with overlaps is reassembled of the first copies, so
that it isn't hidden, and counted.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

from geophone_capture.pieces import Piece, Pieces

MEMORY_BYTES = 32 << 20
MOST_DATAGRAMS = 16_384
MOST_PIECES = 512
TIMEOUT_US = 30_000_000
"""Linux' `ipfrag_time`; RFC 8200 §4.5 says 60 s, RFC 791 §3.2 at least 15 s."""

DATAGRAM_COST_BYTES = 1_024
"""What a datagram is charged beside its pieces: about what its Python objects take."""

_IPV4, _IPV6 = 4, 6
_MOST_BYTES = {
    _IPV4: 65_535 - 20,
    _IPV6: 65_535,
}  # what a total length and a payload length can say


class Fragment(NamedTuple):
    """One fragment.

    Attributes:
        version: 4 or 6.
        source: address, 16 bytes; IPv4 as ::ffff:a.b.c.d.
        destination: likewise.
        identification: of the datagram, 16 bits or (IPv6) 32.
        protocol: of the datagram; IPv6: the next header of the fragment header.
        offset_bytes: where it lies in the datagram.
        has_more: whether it isn't the last.
        payload: what was captured of it.
        wire_bytes: how long it was before the capture cut it.
    """

    version: int
    source: bytes
    destination: bytes
    identification: int
    protocol: int
    offset_bytes: int
    has_more: bool
    payload: bytes
    wire_bytes: int

    @property
    def end(self) -> int:
        """Where the next fragment of the datagram lies in it."""
        return self.offset_bytes + self.wire_bytes


class Datagram(NamedTuple):
    """What fragments came to.

    Attributes:
        version: 4 or 6.
        source: address, 16 bytes.
        destination: likewise.
        protocol: of `payload`; IPv6: that of the first fragment.
        payload: what was captured of it, up to the first byte that wasn't.
        wire_bytes: how long it was.
    """

    version: int
    source: bytes
    destination: bytes
    protocol: int
    payload: bytes
    wire_bytes: int


@dataclass(slots=True)
class FragmentCounts:
    """What became of fragments and of their datagrams.

    Attributes:
        fragments: all that came: those of datagrams, and the next three.
        malformed: fragments left out: impossible length or offset, or they contradict the end.
        duplicate: fragments left out: nothing in them was new.
        refused: fragments left out: their datagram was refused before.
        datagrams: all that began: those below, but for `overlapping` ones of IPv4 and `cut`, and
            those that still wait.
        reassembled: datagrams that became whole.
        cut: reassembled ones of which the capture kept only a part.
        overlapping: datagrams whose fragments overlapped; of IPv6 they are refused.
        refused_datagrams: by an overlap in IPv6, or more pieces than are kept.
        timed_out: datagrams that lacked something when their time was over.
        memory_dropped: datagrams that gave way, oldest first, when memory was full.
        unfinished: datagrams that lacked something at the end of the input.
    """

    fragments: int = 0
    malformed: int = 0
    duplicate: int = 0
    refused: int = 0
    datagrams: int = 0
    reassembled: int = 0
    cut: int = 0
    overlapping: int = 0
    refused_datagrams: int = 0
    timed_out: int = 0
    memory_dropped: int = 0
    unfinished: int = 0


Key = tuple[int, bytes, bytes, int, int]


@dataclass(slots=True)
class _Waiting:
    """A datagram that isn't whole yet.

    Attributes:
        first_us: when the first fragment came.
        protocol: see `Datagram`.
        pieces: None when the datagram was refused.
        total_bytes: -1 until the last fragment came.
        overlaps: whether that was counted.
        cost_bytes: the memory that it is charged.
    """

    first_us: int
    protocol: int
    pieces: Pieces | None
    total_bytes: int = -1
    overlaps: bool = False
    cost_bytes: int = DATAGRAM_COST_BYTES


class Fragments:
    """The datagrams of which only fragments have come.

    Args:
        memory_bytes: how much they may take; beyond it the oldest gives way.
        most_datagrams: how many may wait; beyond it the oldest gives way.
        most_pieces: of how many pieces a datagram may be; with more it is refused.
        timeout_us: how long a datagram waits from its first fragment on, by packet time.

    Attributes:
        counts: what became of them.
        held_bytes: the memory that they are charged.
    """

    def __init__(
        self,
        memory_bytes: int = MEMORY_BYTES,
        most_datagrams: int = MOST_DATAGRAMS,
        most_pieces: int = MOST_PIECES,
        timeout_us: int = TIMEOUT_US,
    ) -> None:
        self.counts = FragmentCounts()
        self.held_bytes = 0
        self._memory_bytes = memory_bytes
        self._most_datagrams = most_datagrams
        self._most_pieces = most_pieces
        self._timeout_us = timeout_us
        self._waiting: OrderedDict[Key, _Waiting] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many datagrams are in the table."""
        return len(self._waiting)

    def add(self, time_us: int, fragment: Fragment) -> Datagram | None:
        """Take a fragment that came at `time_us`; the datagram that it makes whole."""
        self._expire(time_us)
        self.counts.fragments += 1
        if not _is_possible(fragment):
            self.counts.malformed += 1
            return None
        key = _key(fragment)
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = _Waiting(time_us, fragment.protocol, Pieces())
            self._waiting[key] = waiting
            self.held_bytes += waiting.cost_bytes
            self.counts.datagrams += 1
        datagram = self._take(key, waiting, fragment)
        while self.held_bytes > self._memory_bytes or len(self._waiting) > self._most_datagrams:
            self._drop_oldest()
        return datagram

    def close(self) -> None:
        """At the end of the input: count what still waits."""
        for waiting in self._waiting.values():
            self.counts.unfinished += waiting.pieces is not None
        self._waiting.clear()
        self.held_bytes = 0

    def _take(self, key: Key, waiting: _Waiting, fragment: Fragment) -> Datagram | None:
        """Add a fragment to its datagram; the datagram if it is whole now."""
        pieces = waiting.pieces
        if pieces is None:
            self.counts.refused += 1
            return None
        if not _fits_end(waiting.total_bytes, pieces, fragment):
            self.counts.malformed += 1
            return None
        if self._has_overlap(waiting, pieces, fragment) and fragment.version == _IPV6:
            self._refuse(waiting)
            return None
        if not fragment.has_more:
            waiting.total_bytes = fragment.end
        if fragment.offset_bytes == 0:
            waiting.protocol = fragment.protocol
        if pieces.covered_bytes == waiting.total_bytes:
            self._forget(key)
            return self._whole(fragment, waiting.protocol, pieces)
        if len(pieces.sorted) > self._most_pieces:
            self._refuse(waiting)
        else:
            self._charge(waiting, DATAGRAM_COST_BYTES + pieces.cost_bytes)
        return None

    def _has_overlap(self, waiting: _Waiting, pieces: Pieces, fragment: Fragment) -> bool:
        """Add what is new of a fragment; whether it overlaps others, and is none of them."""
        piece = Piece(fragment.offset_bytes, fragment.end, fragment.payload)
        is_duplicate = pieces.has(piece)
        new_bytes = pieces.add(piece)
        self.counts.duplicate += new_bytes == 0
        if is_duplicate or new_bytes == fragment.wire_bytes:
            return False
        self.counts.overlapping += not waiting.overlaps
        waiting.overlaps = True
        return True

    def _whole(self, fragment: Fragment, protocol: int, pieces: Pieces) -> Datagram:
        captured = bytearray()
        for start, _, payload in pieces.sorted:
            if start > len(captured):
                break
            captured += payload
        wire_bytes = pieces.covered_bytes
        self.counts.reassembled += 1
        self.counts.cut += len(captured) < wire_bytes
        return Datagram(
            fragment.version,
            fragment.source,
            fragment.destination,
            protocol,
            bytes(captured),
            wire_bytes,
        )

    def _charge(self, waiting: _Waiting, cost_bytes: int) -> None:
        self.held_bytes += cost_bytes - waiting.cost_bytes
        waiting.cost_bytes = cost_bytes

    def _refuse(self, waiting: _Waiting) -> None:
        """Free a datagram's pieces; it stays in the table, to refuse what comes of it."""
        waiting.pieces = None
        self.counts.refused_datagrams += 1
        self._charge(waiting, DATAGRAM_COST_BYTES)

    def _forget(self, key: Key) -> _Waiting:
        waiting = self._waiting.pop(key)
        self.held_bytes -= waiting.cost_bytes
        return waiting

    def _expire(self, time_us: int) -> None:
        while self._waiting:
            key, waiting = next(iter(self._waiting.items()))
            if time_us - waiting.first_us < self._timeout_us:
                return
            self._forget(key)
            self.counts.timed_out += waiting.pieces is not None

    def _drop_oldest(self) -> None:
        waiting = self._forget(next(iter(self._waiting)))
        self.counts.memory_dropped += waiting.pieces is not None


def _key(fragment: Fragment) -> Key:
    """What fragments of one datagram have in common: RFC 791 §2.3, RFC 8200 §4.5."""
    version, source, destination, identification, protocol = fragment[:5]
    return version, source, destination, identification, protocol if version == _IPV4 else -1


def _is_possible(fragment: Fragment) -> bool:
    """Whether a datagram can have such a fragment: all but the last are multiples of 8 bytes."""
    if fragment.wire_bytes <= 0 or (fragment.has_more and fragment.wire_bytes % 8):
        return False
    return fragment.end <= _MOST_BYTES[fragment.version]


def _fits_end(total_bytes: int, pieces: Pieces, fragment: Fragment) -> bool:
    """Whether a fragment agrees with where the datagram ends, or with what lies in it so far."""
    if total_bytes >= 0:
        return fragment.end < total_bytes if fragment.has_more else fragment.end == total_bytes
    return fragment.has_more or not pieces.sorted or pieces.sorted[-1].end < fragment.end
