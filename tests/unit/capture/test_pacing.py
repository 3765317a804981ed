"""Where a source is cut into stretches, whatever blocks it comes in."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geophone_capture.pacing import Stretches, linger_us
from tests.support.packet_streams import packet_streams
from tests.support.packets import Packet, packet_block


@pytest.mark.parametrize(
    ("speed", "expected_us"),
    [
        (math.inf, None),
        (1.0, 200_000),
        (10.0, 2_000_000),
        (0.5, 100_000),
        (1e-9, 1),
        (1e6, 60_000_000),
    ],
)
def test_a_batch_is_open_for_a_fifth_of_a_second_at_the_speed(
    speed: float, expected_us: int | None
) -> None:
    assert linger_us(speed, 0.2) == expected_us


def cuts(packets: list[Packet], at_once: int, linger: int | None) -> list[tuple[bool, int]]:
    """For each packet whether a cut lies before it, and what has elapsed when it is through."""
    stretches = Stretches(linger, 5)
    found: list[tuple[bool, int]] = []
    for start in range(0, len(packets), at_once):
        block = packet_block(packets[start : start + at_once]).packets
        pieces = list(stretches.cut(block))
        assert np.array_equal(np.concatenate([piece.packets for piece in pieces]), block)
        for piece in pieces:
            found += [(piece.is_after_cut, piece.elapsed_us)]
            found += [(False, piece.elapsed_us)] * (len(piece.packets) - 1)
    return found


@given(
    packets=packet_streams(),
    at_once=st.integers(1, 10),
    linger=st.sampled_from([None, 1, 200_000, 7_000_000]),
)
def test_cuts_do_not_depend_on_blocks(
    packets: list[Packet], at_once: int, linger: int | None
) -> None:
    one_by_one = cuts(packets, 1, linger)
    together = cuts(packets, at_once, linger)
    assert [is_cut for is_cut, _ in together] == [is_cut for is_cut, _ in one_by_one]
    assert together[-1] == one_by_one[-1]
    assert not together[0][0]
    for (_, late_us), (_, own_us) in zip(together, one_by_one, strict=True):
        # Together they are due with the last of them, never before their own time.
        assert late_us >= own_us
        assert linger is None or late_us - own_us < linger


def test_an_outlier_is_not_waited_for() -> None:
    packets = [Packet(b"", 100), Packet(b"", 10**15, 200), Packet(b"", 200), Packet(b"", 150)]
    assert cuts(packets, 4, None) == [(False, 100)] * 4
