"""The bytes of one direction of a TCP connection in their order (RFC 9293 §3.4) [core].

Of bytes that come more than once the first copy counts. Numbers wrap around at 2^32; here a byte's
position counts on.
"""

from typing import NamedTuple

from geophone_capture.pieces import Piece, Pieces

_NUMBERS = 1 << 32
_FARTHEST_BYTES = 1 << 20
"""No segment of the same connection is farther ahead or behind: DNS windows are far smaller."""


class Run(NamedTuple):
    """Bytes in their order, `payload`; behind them come `cut_bytes` that the capture cut off."""

    payload: bytes
    cut_bytes: int


class ByteOrder:
    """One direction.

    Args:
        sequence: the number of the first byte.

    Attributes:
        waiting_since_us: while bytes wait for earlier ones, since when.
    """

    __slots__ = ("_end", "_first", "_latest_us", "_pieces", "_position", "waiting_since_us")

    def __init__(self, sequence: int) -> None:
        self.waiting_since_us = 0
        self._latest_us = 0
        self._first = sequence  # number of the byte at position 0
        self._position = 0  # of the next byte
        self._end: int | None = None
        self._pieces = Pieces()

    @property
    def cost_bytes(self) -> int:
        """The memory that waiting bytes are charged."""
        return self._pieces.cost_bytes

    @property
    def is_waiting(self) -> bool:
        """Whether bytes wait for earlier ones."""
        return bool(self._pieces.sorted)

    @property
    def is_complete(self) -> bool:
        """Whether the last byte is known, and all have come or were given up."""
        return self._end is not None and self._position >= self._end

    def began_at(self, sequence: int) -> bool:
        """Whether that is the number of the first byte."""
        return (sequence - self._first) % _NUMBERS == 0

    def ahead(self, sequence: int) -> int:
        """How far a byte lies before the next one in order; negative where it has come already."""
        ahead = (sequence - self._first - self._position) % _NUMBERS
        return ahead if ahead < _NUMBERS // 2 else ahead - _NUMBERS

    def is_far(self, sequence: int) -> bool:
        """Whether a segment there can't belong to what came before."""
        return abs(self.ahead(sequence)) > _FARTHEST_BYTES

    def is_acknowledged(self, acknowledgement: int) -> bool:
        """Whether the receiver has the first of the bytes that wait, so those before them, too."""
        if not self._pieces.sorted:
            return False
        return self.ahead(acknowledgement) > self._pieces.sorted[0].start - self._position

    def finish(self, sequence: int) -> None:
        """Learn that the byte before this number is the last."""
        if self._end is None:
            self._end = self._position + self.ahead(sequence)

    def pass_on(self, wire_bytes: int) -> None:
        """Count bytes that came in their order while none waited."""
        self._position += wire_bytes

    def add(self, time_us: int, sequence: int, payload: bytes, wire_bytes: int) -> int:
        """Take a segment of which the capture kept `payload`; `next_run` has what it leads to.

        Returns:
            How many of its bytes are new.
        """
        self._latest_us = time_us
        start = self._position + self.ahead(sequence)
        end = start + wire_bytes
        if start < self._position:
            payload = payload[self._position - start :]
            start = self._position
        if end <= start:
            return 0
        if not self._pieces.sorted:
            self.waiting_since_us = time_us
        return self._pieces.add(Piece(start, end, payload))

    def next_run(self) -> Run | None:
        """The next bytes in order, or None while they haven't come."""
        pieces = self._pieces
        if not pieces.sorted or pieces.sorted[0].start > self._position:
            return None
        start, end, payload = pieces.pop_first()
        self._position = end
        self.waiting_since_us = self._latest_us
        return Run(payload, end - start - len(payload))

    def give_up(self) -> int:
        """Pass over what is missing before the first of the bytes that wait; how much that is."""
        lost_bytes = self._pieces.sorted[0].start - self._position
        self._position += lost_bytes
        return lost_bytes
