"""Kernel: several files' packets in the order of the packet clock."""

import numpy as np

from geophone_shared.jit import Array, inner_kernel, kernel

HEAD = np.dtype([("next", "i8"), ("end", "i8"), ("place", "i8")])
"""A file that is open: its rows `packets[next:end]`, and its place in the order given."""

# Why a merge stopped.
OUT_OF_ROWS = 0  # a file has none left; it may have more on disk
AT_LIMIT = 1  # the next packet is that of a file that isn't open yet
MERGED_FULL = 2  # no row is free


@inner_kernel
def _is_before(packets: Array, one: Array, other: Array) -> bool:
    one_us = packets[one["next"]]["clock_us"]
    other_us = packets[other["next"]]["clock_us"]
    if one_us == other_us:
        return bool(one["place"] < other["place"])
    return bool(one_us < other_us)


@inner_kernel
def _sift_down(packets: Array, heads: Array, heap: Array, top: int) -> None:
    """Restore the order of a heap (indexes into `heads`) below `top`."""
    at = top
    while True:
        child = 2 * at + 1
        if child >= len(heap):
            return
        if child + 1 < len(heap) and _is_before(
            packets, heads[heap[child + 1]], heads[heap[child]]
        ):
            child += 1
        if not _is_before(packets, heads[heap[child]], heads[heap[at]]):
            return
        heap[at], heap[child] = heap[child], heap[at]
        at = child


@kernel
def merge_packets(
    packets: Array,
    heads: Array,
    heap: Array,
    limit_us: int,
    limit_place: int,
    merged: Array,
) -> tuple[int, int]:
    """Move the rows of all `heads` to `merged`, by clock, ties by place, each file in its order.

    Args:
        packets: `PACKET` rows of all files.
        heads: `HEAD` rows, at least one; each file has a row; `next` is moved on.
        heap: int64, as long as `heads`, to work in.
        limit_us: clock of the first packet of the next file that isn't open.
        limit_place: that file's place.
        merged: `PACKET` rows.

    Returns:
        (count, stop): the rows in `merged`, and why it stopped.
    """
    for index in range(len(heap)):
        heap[index] = index
    for index in range(len(heap) // 2 - 1, -1, -1):
        _sift_down(packets, heads, heap, index)
    count = 0
    while True:
        top = heap[0]
        row = heads[top]["next"]
        clock_us = packets[row]["clock_us"]
        if clock_us > limit_us or (clock_us == limit_us and heads[top]["place"] > limit_place):
            return count, AT_LIMIT
        if count == len(merged):
            return count, MERGED_FULL
        merged[count] = packets[row]
        count += 1
        heads[top]["next"] = row + 1
        if row + 1 == heads[top]["end"]:
            return count, OUT_OF_ROWS
        _sift_down(packets, heads, heap, 0)
