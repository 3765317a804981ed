"""A sliding HyperLogLog told plainly, and a pool of one sketch to compare with it."""

from dataclasses import dataclass, field

import numpy as np

from geophone_detector.kernels.sketches import (
    LG_K,
    RANKS,
    REGISTERS,
    SKETCH_SHAPE,
    window_registers,
)
from geophone_shared.jit import Array
from tests.support.kernels.sketches import see_names


def model_registers(hashes: Array) -> Array:
    """The HyperLogLog registers of the names with these hashes: uint8[REGISTERS]."""
    rest = hashes >> np.uint64(LG_K)
    lowest_bit = rest & (~rest + np.uint64(1))
    # `frexp` gives a power of two's exponent plus one, which is the rank; and 0 for 0.
    ranks = np.frexp(lowest_bit.astype(np.float64))[1]
    ranks = np.where((ranks == 0) | (ranks > RANKS), RANKS, ranks)
    registers = np.zeros(REGISTERS, np.uint8)
    np.maximum.at(registers, hashes % np.uint64(REGISTERS), ranks.astype(np.uint8))
    return registers


@dataclass
class OneSketch:
    """A pool with one sketch in it."""

    panes: Array = field(default_factory=lambda: np.zeros((1, *SKETCH_SHAPE), np.uint16))
    weights: Array = field(default_factory=lambda: np.zeros((1, *SKETCH_SHAPE), np.uint8))

    def see(self, hashes: Array, seen: Array, lengths: Array | int = 30) -> None:
        """See names: uint64[names] hashes, the panes, and the information bytes of them."""
        see_names(
            self.panes,
            self.weights,
            0,
            np.broadcast_to(seen, hashes.shape).astype(np.int64),
            hashes,
            np.broadcast_to(lengths, hashes.shape).astype(np.uint8),
        )

    def window(self, left: int) -> tuple[Array, float]:
        """The registers of the window that begins after the pane `left`, and the mean length."""
        registers = np.empty(REGISTERS, np.uint8)
        mean = window_registers(self.panes, self.weights, 0, left, registers)
        return registers, mean
