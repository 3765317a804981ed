"""Several rings as one stream in the order of time: a tap gives each direction on its own card.

A packet is handed on when every ring has been seen to its time: by a later packet, or because a
packet of then would have come out of the ring by now. Packets are copied, so that rings keep their
room; what finds none here stays in its ring.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from geophone_capture.kernels.merge import AT_LIMIT, HEAD, merge_packets
from geophone_capture.kernels.ring_blocks import copy_packets
from geophone_capture.live.ring import Ring
from geophone_capture.packets import PACKET, PacketBlock

END_US = np.iinfo(np.int64).max
_BLOCKS_A_LANE = 4


@dataclass(slots=True)
class _Lane:
    """What was taken of one ring: rows `following:end`, bytes up to `at`."""

    ring: Ring
    start: int
    stop: int
    first_row: int
    last_row: int
    at: int
    following: int
    end: int
    seen_us: int = 0


class Lanes:
    """Takes blocks of several rings, and merges them.

    Args:
        rings: with blocks of one size.
        in_the_ring_us: what it takes a packet at most to come out of its ring.

    Attributes:
        seen_us: what was handed on is dated up to then; what comes is dated later.
    """

    def __init__(self, rings: Sequence[Ring], in_the_ring_us: int) -> None:
        self.seen_us = 0
        self._in_the_ring_us = in_the_ring_us
        size = _BLOCKS_A_LANE * rings[0].block_bytes
        rows = _BLOCKS_A_LANE * rings[0].most_packets
        self._buffer = np.empty(len(rings) * size, np.uint8)
        self._packets = np.empty(len(rings) * rows, PACKET)
        self._merged = np.empty(rows, PACKET)
        self._lanes = [
            _Lane(ring, place * size, (place + 1) * size, place * rows, (place + 1) * rows,
                  place * size, place * rows, place * rows)
            for place, ring in enumerate(rings)
        ]  # fmt: skip

    def blocks(self, now_us: int, *, is_end: bool = False) -> Iterator[PacketBlock]:
        """What can be handed on, in order of time.

        Args:
            now_us: the system clock, read before the call.
            is_end: whether nothing more comes, and nothing has to wait.
        """
        has_more = True
        while has_more:
            for lane in self._lanes:
                self._take(lane, now_us)
            self.seen_us = min(lane.seen_us for lane in self._lanes)
            yield from self._merge(END_US if is_end else self.seen_us)
            # A full lane may have made room; each round hands on what is held of one, at least.
            has_more = any(lane.ring.is_ready() and self._has_room(lane) for lane in self._lanes)

    def _take(self, lane: _Lane, now_us: int) -> None:
        while self._has_room(lane):
            block = lane.ring.next_block()
            if block is None:
                lane.seen_us = max(lane.seen_us, now_us - self._in_the_ring_us)
                return
            count = len(block.packets)
            rows = self._packets[lane.end : lane.end + count]
            lane.at = copy_packets(self._buffer, lane.at, block.buffer, block.packets, rows)
            lane.end += count
            lane.seen_us = max(lane.seen_us, int(rows[-1]["time_us"]))
            lane.ring.give_back()

    def _has_room(self, lane: _Lane) -> bool:
        """Whether one more block surely fits; moves down what is held where that helps."""
        block_bytes, rows = lane.ring.block_bytes, lane.ring.most_packets
        if lane.stop - lane.at < block_bytes or lane.last_row - lane.end < rows:
            held = lane.end - lane.following
            lane.at = copy_packets(
                self._buffer,
                lane.start,
                self._buffer,
                self._packets[lane.following : lane.end],
                self._packets[lane.first_row : lane.first_row + held],
            )
            lane.following, lane.end = lane.first_row, lane.first_row + held
        return lane.stop - lane.at >= block_bytes and lane.last_row - lane.end >= rows

    def _merge(self, until_us: int) -> Iterator[PacketBlock]:
        stop = -1
        while stop != AT_LIMIT:
            lanes = [lane for lane in self._lanes if lane.following < lane.end]
            if not lanes:
                return
            heads = np.array(
                [(lane.following, lane.end, place) for place, lane in enumerate(lanes)], HEAD
            )
            heap = np.empty(heads.size, np.int64)
            count, stop = merge_packets(
                self._packets, heads, heap, until_us, len(self._lanes), self._merged
            )
            for lane, head in zip(lanes, heads, strict=True):
                lane.following = int(head["next"])
            if count:
                yield PacketBlock(self._buffer, self._merged[:count])
