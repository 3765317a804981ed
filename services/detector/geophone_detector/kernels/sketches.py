"""Kernel: a HyperLogLog that slides, a matrix of last-seen panes, registers × ranks.

A HyperLogLog register is the largest rank that the hash of any name had there (Flajolet and others,
2007). Here each register keeps, for every rank, the last pane in which a name had it. The register
of *any* window is then the largest rank whose pane lies inside, so one matrix serves all windows, a
name costs one store, and nothing has to be taken out as time goes on (the "HLL series" of Algebird;
Chabchoub and Hébrail, "Sliding HyperLogLog", 2010, whose list of possible maxima this makes dense).

The low 12 bits of a name's hash choose the register, the trailing zeros of the others are the rank.
With a keyed hash nobody outside can choose names that miss, or hit, a register.

The matrices lie in a pool, `SKETCH_SHAPE` each: a kernel can neither return one nor take a part.
Panes have 16 bits, so they count from a base that the caller keeps and moves; 0 means never.
"""

import numpy as np

from geophone_shared.jit import Array, inner_kernel, int64, kernel

LG_K = 12
REGISTERS = 1 << LG_K
RANKS = 24
"""Rare ranks above count as the last one: it takes 3 * 10^10 names to have one in each register."""

SKETCH_SHAPE = (REGISTERS, RANKS)
"""A register's panes side by side: a window's registers are read thrice as fast as the other way
round."""
SKETCH_BYTES = REGISTERS * RANKS * 3

LARGEST_PANE = 65_535
"""The last pane, counted from the base, that can be told from those after it."""

_MOST_SAMPLED = REGISTERS // 4
"""Registers whose names stand for all others. The fewer, the more the mean scatters (here by 3 to
4.5 % of the lengths' standard deviation); the more, the more names share a cell (here 1 of 20)."""


@kernel
def clear(panes: Array, sketch: int) -> None:
    """Have a sketch forget all names.

    Args:
        panes: uint16[sketches, REGISTERS, RANKS]: the pool's last-seen panes.
        sketch: which of them.
    """
    panes[sketch, :, :] = 0


@kernel
def see_name(
    panes: Array, weights: Array, sketch: int, pane: int, hash_value: np.uint64, weight: int
) -> None:
    """See a name.

    Names that share a cell can't be told apart: it has the latest one's pane and weight, also where
    rows come late.

    Args:
        panes: uint16[sketches, REGISTERS, RANKS]: the pool's last-seen panes.
        weights: uint8 of that shape: information bytes of the name that was seen there last.
        sketch: which of them.
        pane: the pane it was seen in, counted from the sketch's base; up to 0 it isn't seen.
        hash_value: its keyed hash.
        weight: its information bytes, at most 255.
    """
    register = int64(hash_value & np.uint64(REGISTERS - 1))
    rest = hash_value >> np.uint64(LG_K)
    rank = int64(0)
    while rank < RANKS - 1 and rest & np.uint64(1) == np.uint64(0):
        rest >>= np.uint64(1)
        rank += 1
    stored = min(max(int64(pane), int64(0)), int64(LARGEST_PANE))
    if stored > int64(panes[sketch, register, rank]):
        panes[sketch, register, rank] = stored
        weights[sketch, register, rank] = weight


@kernel
def window_registers(
    panes: Array, weights: Array, sketch: int, left: int, registers: Array
) -> float:
    """The registers of a window, and the mean information bytes of its names.

    Args:
        panes: uint16[sketches, REGISTERS, RANKS]: the pool's last-seen panes.
        weights: uint8 of that shape.
        sketch: which of them.
        left: the last pane before the window, counted from the sketch's base.
        registers: uint8[REGISTERS], overwritten: 1 + the largest rank, 0 where no name fell.

    Returns:
        The mean; 0 for an empty window.
    """
    last_outside = max(int64(left), int64(0))
    for register in range(REGISTERS):
        rank = int64(RANKS)
        while rank > 0 and int64(panes[sketch, register, rank - 1]) <= last_outside:
            rank -= 1
        registers[register] = rank
    return _mean_weight(weights, sketch, registers)


@inner_kernel
def _mean_weight(weights: Array, sketch: int, registers: Array) -> float:
    """The mean of the weights that a sample of a window's names has.

    The name of the largest rank in a register is as good as drawn by lot from those that fell
    there, unless several have that rank: then it is the latest. Were all registers asked, a
    quarter would answer with the latest name instead of any, and the mean run ahead where lengths
    change. So only those are that hold the largest ranks: few names had them.
    """
    least = int64(0)
    count = int64(REGISTERS)
    while count > _MOST_SAMPLED and least < RANKS:
        least += 1
        count = int64(0)
        for register in range(REGISTERS):
            if int64(registers[register]) >= least:
                count += 1
    total = int64(0)
    for register in range(REGISTERS):
        rank = int64(registers[register])
        if rank >= least:
            total += int64(weights[sketch, register, rank - 1])
    return total / max(count, int64(1))


@kernel
def move_base(panes: Array, sketch: int, by: int) -> None:
    """Count a sketch's panes from a base that lies `by` later; what isn't after it is forgotten.

    Args:
        panes: uint16[sketches, REGISTERS, RANKS]: the pool's last-seen panes.
        sketch: which of them.
        by: how many panes, not negative.
    """
    for register in range(REGISTERS):
        for rank in range(RANKS):
            pane = int64(panes[sketch, register, rank]) - int64(by)
            panes[sketch, register, rank] = max(pane, int64(0))
