"""Pieces of a sequence of bytes, sorted and without overlap: what has come of it so far [core]."""

from bisect import bisect_left, bisect_right
from typing import NamedTuple

PIECE_COST_BYTES = 256
"""What a piece is charged beside its bytes: about what its Python objects take."""


class Piece(NamedTuple):
    """The bytes from `start` to `end`; the capture kept the first of them, `payload`."""

    start: int
    end: int
    payload: bytes


class Pieces:
    """Of bytes that come more than once, the first copy stays.

    Attributes:
        sorted: the pieces, by where they start.
        covered_bytes: how many bytes they cover together.
        cost_bytes: the memory that they are charged.
    """

    __slots__ = ("_starts", "cost_bytes", "covered_bytes", "sorted")

    def __init__(self) -> None:
        self.sorted: list[Piece] = []
        self.covered_bytes = 0
        self.cost_bytes = 0
        self._starts: list[int] = []

    def has(self, piece: Piece) -> bool:
        """Whether exactly this piece is there already."""
        index = bisect_left(self._starts, piece.start)
        return index < len(self.sorted) and self.sorted[index] == piece

    def add(self, piece: Piece) -> int:
        """Take what of a piece is new.

        Returns:
            How many bytes that is: `piece.end - piece.start` where it overlaps no other.
        """
        start, stop, payload = piece
        # The last piece that starts at or before this one may reach into it.
        index = max(bisect_right(self._starts, start) - 1, 0)
        before = self.covered_bytes
        at = start
        while at < stop:
            while index < len(self.sorted) and self.sorted[index].end <= at:
                index += 1
            if index == len(self.sorted) or self.sorted[index].start >= stop:
                self._insert(index, Piece(at, stop, payload[at - start :]))
                break
            following = self.sorted[index]
            if following.start > at:
                part = payload[at - start : following.start - start]
                self._insert(index, Piece(at, following.start, part))
            at = following.end
        return self.covered_bytes - before

    def pop_first(self) -> Piece:
        """Remove the first piece, and return it."""
        del self._starts[0]
        piece = self.sorted.pop(0)
        self.covered_bytes -= piece.end - piece.start
        self.cost_bytes -= PIECE_COST_BYTES + len(piece.payload)
        return piece

    def _insert(self, index: int, piece: Piece) -> None:
        self.sorted.insert(index, piece)
        self._starts.insert(index, piece.start)
        self.covered_bytes += piece.end - piece.start
        self.cost_bytes += PIECE_COST_BYTES + len(piece.payload)
