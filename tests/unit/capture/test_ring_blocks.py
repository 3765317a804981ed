import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geophone_capture.kernels.ring_blocks import copy_packets, walk_ring_block
from geophone_capture.packets import PACKET
from geophone_shared.jit import Array

pytestmark = pytest.mark.kernels

_BLOCK_BYTES = 4_096
_START = _BLOCK_BYTES  # the second block of a ring of three
_TAGGED = 1 << 4
_MAC = 66  # behind `struct tpacket3_hdr` and an address, with room as the kernel leaves it


def _ring(packets: list[bytes], *, tagged: int = 0, claimed: int | None = None) -> bytearray:
    """As the kernel writes it: uapi/linux/if_packet.h."""
    ring = bytearray(3 * _BLOCK_BYTES)
    count = len(packets) if claimed is None else claimed
    struct.pack_into("=IIIIII", ring, _START, 1, 48, 1, count, 48, 0)
    at = _START + 48
    for index, data in enumerate(packets):
        size = (_MAC + len(data) + 15) // 16 * 16
        following = 0 if index == len(packets) - 1 else size
        status = 1 | (_TAGGED if index < tagged else 0)
        fields = (following, 1_000 + index, 999_999_999, len(data), len(data) + 7, status)
        struct.pack_into("=IIIIIIHH", ring, at, *fields, _MAC, _MAC + 14)
        ring[at + _MAC : at + _MAC + len(data)] = data
        at += size
    return ring


def _walk(ring: bytearray, rows: int = 200) -> tuple[Array, int, int]:
    packets = np.zeros(rows, PACKET)
    words = np.frombuffer(ring, np.uint32)
    count, tagged, lost = walk_ring_block(words, _START, _BLOCK_BYTES, 1, packets)
    return packets[:count], tagged, lost


def test_each_packet_has_its_row() -> None:
    data = [b"first", b"", b"x" * 500]
    ring = _ring(data, tagged=2)
    packets, tagged, lost = _walk(ring)
    found = [bytes(ring[row["offset"] : row["offset"] + row["captured"]]) for row in packets]
    assert found == data
    assert (tagged, lost) == (2, 0)
    assert packets["time_us"].tolist() == [1_000_999_999, 1_001_999_999, 1_002_999_999]
    assert packets["clock_us"].tolist() == packets["time_us"].tolist()
    assert packets["original"].tolist() == [12, 7, 507]
    assert packets["link"].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("claimed", "lost"), [(3, 0), (0, 0), (5, 2), (0xFFFFFFFF, 0xFFFFFFFF - 3)]
)
def test_a_count_that_is_wrong_is_not_followed(claimed: int, lost: int) -> None:
    packets, _, missing = _walk(_ring([b"a", b"b", b"c"], claimed=claimed))
    assert len(packets) == min(claimed, 3)
    assert missing == lost


def test_rows_that_are_full_end_the_walk() -> None:
    packets, _, lost = _walk(_ring([b"a", b"b", b"c"]), rows=2)
    assert (len(packets), lost) == (2, 1)


@given(
    changes=st.lists(
        st.tuples(
            st.integers(2, 60), st.one_of(st.integers(0, 0xFFFFFFFF), st.integers(0, _BLOCK_BYTES))
        ),
        max_size=8,
    )
)
def test_nothing_outside_of_the_block_becomes_a_packet(changes: list[tuple[int, int]]) -> None:
    ring = _ring([b"first", b"second", b"third"])
    for word, value in changes:
        struct.pack_into("=I", ring, _START + 4 * word, value)
    (claimed,) = struct.unpack_from("=I", ring, _START + 12)
    packets, _, lost = _walk(ring)
    ends = packets["offset"] + packets["captured"]
    assert np.all(packets["offset"] >= _START)
    assert np.all(ends <= _START + _BLOCK_BYTES)
    assert np.all(packets["captured"] >= 0)
    assert len(packets) + lost == claimed


def test_packets_are_copied_one_behind_the_other() -> None:
    ring = _ring([b"first", b"second"])
    packets, _, _ = _walk(ring)
    target = np.zeros(20, np.uint8)
    moved = np.zeros(2, PACKET)
    end = copy_packets(target, 3, np.frombuffer(ring, np.uint8), packets, moved)
    assert end == 14
    assert target.tobytes() == b"\0\0\0firstsecond" + bytes(6)
    assert moved["offset"].tolist() == [3, 8]
    assert moved["time_us"].tolist() == packets["time_us"].tolist()


def test_packets_move_down_in_place() -> None:
    buffer = np.frombuffer(bytearray(b"....onetwothree"), np.uint8)
    packets = np.zeros(4, PACKET)
    packets["offset"][1:] = [4, 7, 10]
    packets["captured"][1:] = [3, 3, 5]
    assert copy_packets(buffer, 0, buffer, packets[1:], packets[:3]) == 11
    assert buffer[:11].tobytes() == b"onetwothree"
    assert packets["offset"][:3].tolist() == [0, 3, 6]
