"""The kernels of the sliding HyperLogLog, cell by cell."""

from typing import Any, cast

import numpy as np
import pytest

from geophone_detector.kernels.sketches import (
    LARGEST_PANE,
    LG_K,
    RANKS,
    REGISTERS,
    SKETCH_BYTES,
    SKETCH_SHAPE,
    clear,
    move_base,
    see_name,
    window_registers,
)
from geophone_shared.jit import Array, is_interpreted
from tests.support.sketch_model import OneSketch

pytestmark = pytest.mark.kernels


def hash_of(register: int, rank: int) -> np.uint64:
    """The hash of a name that has this rank, counted from 1, in this register."""
    return np.uint64((1 << (rank - 1) << LG_K) | register)


def hashes_of(registers: Array, rank: int) -> Array:
    """The hashes of names that all have this rank, one in each of these registers."""
    return registers.astype(np.uint64) | hash_of(0, rank)


def nonzero(registers: Array) -> dict[int, int]:
    return {int(each): int(registers[each]) for each in np.flatnonzero(registers)}


def test_a_sketch_has_the_size_that_the_budget_counts() -> None:
    sketch = OneSketch()
    assert sketch.panes.nbytes + sketch.weights.nbytes == SKETCH_BYTES
    assert sketch.panes[0].shape == SKETCH_SHAPE


@pytest.mark.parametrize(
    ("hash_value", "register", "rank"),
    [
        (0b1 << LG_K | 5, 5, 1),
        (0b1111 << LG_K | 5, 5, 1),
        (0b10 << LG_K | 5, 5, 2),
        (0b11000 << LG_K | REGISTERS - 1, REGISTERS - 1, 4),
        (1 << LG_K + RANKS - 1, 0, RANKS),
        # Rarer ones count as the last rank, also the hash that has no bit left to count.
        (1 << LG_K + RANKS, 0, RANKS),
        (1 << 63, 0, RANKS),
        (7, 7, RANKS),
        ((1 << 64) - 1, REGISTERS - 1, 1),
    ],
)
def test_the_low_bits_choose_the_register_and_trailing_zeros_the_rank(
    hash_value: int, register: int, rank: int
) -> None:
    sketch = OneSketch()
    sketch.see(np.array([hash_value], np.uint64), np.array([1]))
    assert nonzero(sketch.window(0)[0]) == {register: rank}


def test_a_window_has_what_was_seen_after_it_began() -> None:
    #   pane    4   5   6   7   8
    #   name    a       b   a
    #   from 3  ├───────────────      both
    #   from 6              ├───      a, seen again in 7
    #   from 7                  ├──   none
    sketch = OneSketch()
    a, b = hash_of(1, 3), hash_of(2, 5)
    sketch.see(np.array([a, b, a]), np.array([4, 6, 7]))
    assert nonzero(sketch.window(3)[0]) == {1: 3, 2: 5}
    assert nonzero(sketch.window(5)[0]) == {1: 3, 2: 5}
    assert nonzero(sketch.window(6)[0]) == {1: 3}
    assert nonzero(sketch.window(7)[0]) == {}


def test_a_smaller_rank_shows_once_the_larger_has_left() -> None:
    sketch = OneSketch()
    sketch.see(np.array([hash_of(1, 9), hash_of(1, 2)]), np.array([4, 6]))
    assert nonzero(sketch.window(3)[0]) == {1: 9}
    assert nonzero(sketch.window(4)[0]) == {1: 2}


def test_a_late_row_moves_nothing_back() -> None:
    sketch = OneSketch()
    of_one_cell = np.array([hash_of(1, 3)] * 2)
    sketch.see(of_one_cell, np.array([8, 5]), np.array([40, 10]))
    registers, mean = sketch.window(7)
    assert (nonzero(registers), mean) == ({1: 3}, 40)


@pytest.mark.parametrize(
    ("pane", "left", "is_inside"),
    [
        (1, 0, True),
        (0, 0, False),
        (-7, -9, False),
        (1, -5, True),
        (LARGEST_PANE, LARGEST_PANE - 1, True),
        (LARGEST_PANE + 9, LARGEST_PANE - 1, True),
        (LARGEST_PANE + 9, LARGEST_PANE, False),
        (LARGEST_PANE, LARGEST_PANE + 9, False),
    ],
)
def test_panes_end_at_the_base_and_at_16_bits(pane: int, left: int, *, is_inside: bool) -> None:
    sketch = OneSketch()
    sketch.see(np.array([hash_of(1, 3)]), np.array([pane]))
    assert nonzero(sketch.window(left)[0]) == ({1: 3} if is_inside else {})


def test_a_moved_base_keeps_what_lies_after_it() -> None:
    sketch = OneSketch()
    sketch.see(np.array([hash_of(1, 3), hash_of(2, 5), hash_of(3, 1)]), np.array([4, 6, 5]))
    move_base(sketch.panes, 0, 5)
    assert nonzero(sketch.window(0)[0]) == {2: 5}
    assert sketch.panes.max() == 1


def test_sketches_of_a_pool_know_nothing_of_each_other() -> None:
    panes = np.zeros((3, *SKETCH_SHAPE), np.uint16)
    weights = np.zeros((3, *SKETCH_SHAPE), np.uint8)
    registers = np.empty(REGISTERS, np.uint8)
    for sketch in range(3):
        see_name(panes, weights, sketch, 7, hash_of(sketch, 3), 10 * sketch)

    def window(sketch: int) -> tuple[dict[int, int], float]:
        mean = window_registers(panes, weights, sketch, 4, registers)
        return nonzero(registers), mean

    assert [window(sketch) for sketch in range(3)] == [({0: 3}, 0), ({1: 3}, 10), ({2: 3}, 20)]
    clear(panes, 1)
    assert [window(sketch) for sketch in range(3)] == [({0: 3}, 0), ({}, 0), ({2: 3}, 20)]
    move_base(panes, 2, 3)
    assert [window(sketch) for sketch in range(3)] == [({0: 3}, 0), ({}, 0), ({}, 0)]


def test_of_few_names_the_mean_is_of_all() -> None:
    sketch = OneSketch()
    count = REGISTERS // 4
    lengths = np.arange(count) % 200
    sketch.see(hashes_of(np.arange(count), 1), np.array(9), lengths)
    assert sketch.window(0)[1] == lengths.mean()


def test_of_many_names_those_of_the_largest_ranks_stand_for_all() -> None:
    sketch = OneSketch()
    half, eighth = np.arange(REGISTERS // 2), np.arange(REGISTERS // 8)
    sketch.see(hashes_of(half, 1), np.array(9), 10)
    sketch.see(hashes_of(eighth, 4), np.array(9), 50)
    assert sketch.window(0)[1] == 50


def test_a_sketch_that_is_full_to_the_last_rank_has_a_mean_too() -> None:
    sketch = OneSketch()
    sketch.see(hashes_of(np.arange(REGISTERS), RANKS), np.array(9), 40)
    assert sketch.window(0)[1] == 40
    assert sketch.window(9)[1] == 0


@pytest.mark.skipif(is_interpreted(), reason="nothing is compiled under NUMBA_DISABLE_JIT=1")
def test_each_kernel_is_compiled_for_one_kind_of_arguments() -> None:
    sketch = OneSketch()
    see_name(sketch.panes, sketch.weights, 0, 3, hash_of(1, 3), 30)
    sketch.see(np.array([hash_of(1, 3)]), np.array([4]))
    sketch.window(2)
    move_base(sketch.panes, 0, 1)
    clear(sketch.panes, 0)
    for kernel in (see_name, window_registers, move_base, clear):
        assert len(cast("Any", kernel).signatures) == 1
