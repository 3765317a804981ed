"""Lanes over rings that a test fills: what waits, for what, and how long."""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geophone_capture.live.lanes import BLOCKS_A_LANE, Lanes
from geophone_capture.packets import PACKET, PacketBlock

_IN_THE_RING_US = 200
_NOW_US = 10_000_000
_BLOCK_BYTES = 64
_MOST_PACKETS = 8
_PACKET_BYTES = 8

Given = tuple[int, bytes]
"""A packet that was handed on: its time, and its bytes."""


class FilledRing:
    """Blocks that a test puts in: times of packets, whose bytes tell ring, block and number."""

    block_bytes = _BLOCK_BYTES

    def __init__(self, name: int = 0) -> None:
        self.most_packets = _MOST_PACKETS
        self.blocks: deque[Sequence[int]] = deque()
        self.put_in: list[Given] = []
        self._name = name
        self._is_held = False
        self._buffer = np.zeros(_BLOCK_BYTES, np.uint8)

    def put(self, *times_us: int) -> None:
        self.blocks.append(times_us)

    def next_block(self) -> PacketBlock | None:
        assert not self._is_held
        if not self.blocks:
            return None
        times_us = self.blocks.popleft()
        rows = np.zeros(len(times_us), PACKET)
        for index, time_us in enumerate(times_us):
            data = bytes((self._name,)) + len(self.put_in).to_bytes(_PACKET_BYTES - 1, "big")
            self.put_in.append((time_us, data))
            # Backwards, as nothing says that they lie in the order of their rows.
            at = _BLOCK_BYTES - (index + 1) * _PACKET_BYTES
            self._buffer[at : at + _PACKET_BYTES] = np.frombuffer(data, np.uint8)
            rows[index] = (at, time_us, time_us, _PACKET_BYTES, _PACKET_BYTES, 1)
        self._is_held = True
        return PacketBlock(self._buffer, rows)

    def is_ready(self) -> bool:
        return bool(self.blocks)

    def give_back(self) -> None:
        self._is_held = False
        self._buffer[:] = 0xEE  # the kernel writes into it


def two() -> tuple[FilledRing, FilledRing, Lanes]:
    one, other = FilledRing(1), FilledRing(2)
    return one, other, Lanes((one, other), _IN_THE_RING_US)


def given_by(blocks: Iterable[PacketBlock]) -> list[Given]:
    found = []
    for block in blocks:
        for row in block.packets:
            start = int(row["offset"])
            data = block.buffer[start : start + int(row["captured"])].tobytes()
            found.append((int(row["time_us"]), data))
    return found


def times(lanes: Lanes, now_us: int, *, is_end: bool = False) -> list[int]:
    return [time_us for time_us, _ in given_by(lanes.blocks(now_us, is_end=is_end))]


def is_held_up(lanes: Lanes) -> bool:
    return lanes.is_held_up


def before(*times_us: int) -> list[int]:
    """Times of the system clock, counted from `_NOW_US` on."""
    return [_NOW_US + time_us for time_us in times_us]


def test_packets_come_in_the_order_of_time_up_to_what_both_were_seen_to() -> None:
    one, other, lanes = two()
    one.put(*before(-9, -7, -5))
    other.put(*before(-8, -6))
    assert times(lanes, _NOW_US) == before(-9, -8, -7, -6)
    assert lanes.seen_us == _NOW_US - 6
    other.put(*before(-4))
    assert times(lanes, _NOW_US) == before(-5)
    assert times(lanes, _NOW_US, is_end=True) == before(-4)


def test_of_two_at_the_same_time_that_of_the_first_interface_comes_first() -> None:
    one, other, lanes = two()
    other.put(*before(-5))
    one.put(*before(-5))
    assert [data[0] for _, data in given_by(lanes.blocks(_NOW_US))] == [1, 2]


def test_a_packet_waits_for_a_silent_interface_as_long_as_one_may_be_in_the_ring() -> None:
    one, _, lanes = two()
    one.put(_NOW_US)
    assert times(lanes, _NOW_US) == []
    assert times(lanes, _NOW_US + _IN_THE_RING_US - 1) == []
    assert times(lanes, _NOW_US + _IN_THE_RING_US) == [_NOW_US]


def test_what_is_older_than_what_was_handed_on_does_not_wait() -> None:
    one, other, lanes = two()
    one.put(*before(-5))
    other.put(*before(-5))
    assert times(lanes, _NOW_US) == before(-5, -5)
    other.put(*before(-900))
    assert times(lanes, _NOW_US) == before(-900)
    assert lanes.seen_us == _NOW_US - 5


def test_a_full_lane_leaves_blocks_in_the_ring_and_goes_on_when_it_may() -> None:
    one, other, lanes = two()
    for number in range(BLOCKS_A_LANE + 3):
        one.put(_NOW_US + number)
    assert times(lanes, _NOW_US) == []
    assert len(one.blocks) == 3
    assert is_held_up(lanes)
    other.put(_NOW_US + 1)
    assert times(lanes, _NOW_US + 100) == [_NOW_US, _NOW_US + 1, _NOW_US + 1]
    assert times(lanes, _NOW_US + 100) == []
    assert len(one.blocks) == 1
    later_us = _NOW_US + BLOCKS_A_LANE + 3 + _IN_THE_RING_US
    assert times(lanes, later_us) == [_NOW_US + number for number in range(2, BLOCKS_A_LANE + 2)]
    assert not is_held_up(lanes)
    assert times(lanes, later_us) == [_NOW_US + BLOCKS_A_LANE + 2]


def test_of_two_full_lanes_one_goes_on() -> None:
    one, other, lanes = two()
    for number in range(3 * BLOCKS_A_LANE):
        one.put(_NOW_US + number)
        other.put(_NOW_US + 10 * number)
    seen = times(lanes, _NOW_US)
    assert seen == sorted(seen)
    assert seen.count(_NOW_US) == 2
    assert len(seen) >= BLOCKS_A_LANE
    waiting = len(one.blocks) + len(other.blocks)
    times(lanes, _NOW_US)
    assert len(one.blocks) + len(other.blocks) < waiting


def test_the_end_gives_all_that_there_is_however_much() -> None:
    one, other, lanes = two()
    for number in range(3 * BLOCKS_A_LANE):
        one.put(_NOW_US + number)
    other.put(_NOW_US + 5)
    found = times(lanes, _NOW_US, is_end=True)
    assert found == sorted([*(_NOW_US + each for each in range(3 * BLOCKS_A_LANE)), _NOW_US + 5])


def test_a_clock_that_is_set_back_holds_nothing_up() -> None:
    hour_us = 3_600_000_000
    one, other, lanes = two()
    one.put(*before(-5))
    assert times(lanes, _NOW_US) == []
    assert times(lanes, _NOW_US - hour_us) == before(-5)
    assert lanes.seen_us < _NOW_US - hour_us
    # From now on the two are in order again.
    one.put(_NOW_US - hour_us + 10)
    assert times(lanes, _NOW_US - hour_us + 20) == []
    other.put(_NOW_US - hour_us + 8)
    other.put(_NOW_US - hour_us + 12)
    found = times(lanes, _NOW_US - hour_us + 20)
    assert [time_us - _NOW_US + hour_us for time_us in found] == [8, 10]


_blocks = st.lists(
    st.lists(st.integers(0, 400), min_size=1, max_size=_MOST_PACKETS).map(sorted), max_size=40
)


@given(st.lists(_blocks, min_size=2, max_size=3), st.lists(st.integers(0, 150), max_size=12))
def test_each_packet_comes_once_whole_and_in_the_order_of_its_ring(
    blocks_of_rings: list[list[list[int]]], steps_us: list[int]
) -> None:
    rings = [FilledRing(name) for name in range(len(blocks_of_rings))]
    lanes = Lanes(rings, _IN_THE_RING_US)
    found: list[Given] = []
    now_us = _NOW_US
    for number, step_us in enumerate(steps_us):
        for ring, blocks in zip(rings, blocks_of_rings, strict=True):
            for block in blocks[number * 4 : number * 4 + 4]:
                ring.put(*(now_us + time_us - 400 for time_us in block))
        now_us += step_us
        found += given_by(lanes.blocks(now_us))
        assert all(time_us <= lanes.seen_us for time_us, _ in found)
    found += given_by(lanes.blocks(now_us, is_end=True))
    assert sorted(found) == sorted(chain.from_iterable(ring.put_in for ring in rings))
    for name, ring in enumerate(rings):
        assert [each for each in found if each[1][0] == name] == ring.put_in
