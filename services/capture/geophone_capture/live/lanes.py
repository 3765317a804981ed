"""Several rings as one stream in the order of time: each card of a tap gives a direction [core].

A packet is handed on when every ring has been seen to its time: by a later packet, or because a
packet of then would have come out of the ring by now. Packets are copied, so that rings keep their
room. A lane has room for `BLOCKS_A_LANE` blocks, which is 0.2 s of half a million packets a second;
what finds none stays in its ring, and when that is full the kernel drops packets and counts them
(`RingStatistics.dropped`): nothing is dropped here.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from geophone_capture.kernels.merge import AT_LIMIT, HEAD, merge_packets
from geophone_capture.kernels.ring_blocks import copy_packets
from geophone_capture.packets import PACKET, PacketBlock

BLOCKS_A_LANE = 16
_END_US = np.iinfo(np.int64).max
_AHEAD_US = 1_000_000  # amply more than what passes between a look at the clock and one at a ring


class BlockSource(Protocol):
    """What is wanted of a `Ring`."""

    most_packets: int

    @property
    def block_bytes(self) -> int:
        """Of one block of packets, at most."""

    def next_block(self) -> PacketBlock | None:
        """The next packets; None where there are none yet."""

    def is_ready(self) -> bool:
        """Whether there is a next block."""

    def give_back(self) -> None:
        """End the use of the block that was taken."""


@dataclass(slots=True)
class _Lane:
    """What was taken of one ring and not handed on: a slot for each block, in turn.

    Attributes:
        ring: where blocks come from.
        first_slot: of the `BLOCKS_A_LANE` slots that are this lane's.
        taken: blocks, since the start.
        held: (next row, end) of each block of which there is still something.
        seen_us: what comes of the ring from now on is dated later.
    """

    ring: BlockSource
    first_slot: int
    taken: int = 0
    held: deque[tuple[int, int]] = field(default_factory=deque)
    seen_us: int = 0

    @property
    def has_room(self) -> bool:
        return len(self.held) < BLOCKS_A_LANE


class Lanes:
    """Takes blocks of several rings, and merges them.

    Args:
        rings: with blocks of one size.
        in_the_ring_us: what it takes a packet at most to come out of its ring.

    Attributes:
        seen_us: what was handed on is dated up to then; what comes is dated later. Decreases only
            when the system clock is set back.
    """

    def __init__(self, rings: Sequence[BlockSource], in_the_ring_us: int) -> None:
        self.seen_us = 0
        self._in_the_ring_us = in_the_ring_us
        self._block_bytes, self._block_rows = rings[0].block_bytes, rings[0].most_packets
        slots = len(rings) * BLOCKS_A_LANE
        self._buffer = np.empty(slots * self._block_bytes, np.uint8)
        self._packets = np.empty(slots * self._block_rows, PACKET)
        self._merged = np.empty(self._block_rows, PACKET)
        self._lanes = [_Lane(ring, place * BLOCKS_A_LANE) for place, ring in enumerate(rings)]

    @property
    def is_held_up(self) -> bool:
        """Whether a block waits in its ring, as its lane is full of packets that have to wait."""
        return any(not lane.has_room and lane.ring.is_ready() for lane in self._lanes)

    def blocks(self, now_us: int, *, is_end: bool = False) -> Iterator[PacketBlock]:
        """Take what there is room for; what can be handed on of it, in order of time.

        Args:
            now_us: the system clock, read before the call.
            is_end: whether nothing more comes, and nothing has to wait: gives all there is.
        """
        while True:
            for lane in self._lanes:
                self._take(lane, now_us)
            self.seen_us = min(lane.seen_us for lane in self._lanes)
            must_wait = not is_end and not self._is_clock_set_back(now_us)
            yield from self._merge(self.seen_us if must_wait else _END_US)
            if not is_end or not any(lane.ring.is_ready() for lane in self._lanes):
                return

    def _take(self, lane: _Lane, now_us: int) -> None:
        if lane.seen_us > now_us:  # the clock was set back
            lane.seen_us = now_us - self._in_the_ring_us
        while lane.has_room:
            block = lane.ring.next_block()
            if block is None:
                lane.seen_us = max(lane.seen_us, now_us - self._in_the_ring_us)
                return
            slot = lane.first_slot + lane.taken % BLOCKS_A_LANE
            first = slot * self._block_rows
            end = first + len(block.packets)
            rows = self._packets[first:end]
            at = slot * self._block_bytes
            copy_packets(self._buffer, at, block.buffer, block.packets, rows)
            lane.held.append((first, end))
            lane.taken += 1
            lane.seen_us = max(lane.seen_us, int(rows[-1]["time_us"]))
            lane.ring.give_back()

    def _is_clock_set_back(self, now_us: int) -> bool:
        """Whether a packet is dated later than can be: until then it would hold up its lane."""
        nexts = [lane.held[0][0] for lane in self._lanes if lane.held]
        return any(int(self._packets[row]["time_us"]) > now_us + _AHEAD_US for row in nexts)

    def _merge(self, until_us: int) -> Iterator[PacketBlock]:
        stop = -1
        while stop != AT_LIMIT:
            lanes = [(place, lane) for place, lane in enumerate(self._lanes) if lane.held]
            if not lanes:
                return
            heads = np.array([(*lane.held[0], place) for place, lane in lanes], HEAD)
            heap = np.empty(heads.size, np.int64)
            count, stop = merge_packets(
                self._packets, heads, heap, until_us, len(self._lanes), self._merged
            )
            for (_, lane), head in zip(lanes, heads, strict=True):
                following, end = int(head["next"]), int(head["end"])
                if following < end:
                    lane.held[0] = following, end
                else:
                    lane.held.popleft()
            if count:
                yield PacketBlock(self._buffer, self._merged[:count])
