"""Kernel: many names at once into a sketch; the detector's kernels see them one by one."""

from geophone_detector.kernels.sketches import see_name
from geophone_shared.jit import Array, int64, kernel


@kernel
def see_names(
    panes: Array, weights: Array, sketch: int, seen: Array, hashes: Array, lengths: Array
) -> None:
    """See names in order.

    Args:
        panes: uint16[sketches, REGISTERS, RANKS], as `see_name` takes it.
        weights: uint8 of that shape.
        sketch: which of them.
        seen: int64[names]: their panes.
        hashes: uint64[names].
        lengths: uint8[names]: their information bytes.
    """
    for name in range(hashes.size):
        see_name(panes, weights, sketch, int64(seen[name]), hashes[name], int64(lengths[name]))
