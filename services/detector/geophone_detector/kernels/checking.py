"""Kernel: whether lists, wheels and names that came over the log are sound, and their indexes anew.

Whoever can write to the log can send any state. What the other kernels follow without asking is
looked at here first: each walk ends, and ends where it should.
"""

import numpy as np

from geophone_detector.kernels.layout import NONE, WHEEL_PANES
from geophone_shared.jit import Array, int64, kernel
from geophone_shared.kernels.index import enter

_LONGEST_LABEL_BYTES = 63


@kernel
def is_free_list(links: Array, first: int, is_free: Array) -> bool:
    """Whether a list goes through all free records, each once, and no other.

    Args:
        links: int64: the record that follows each.
        first: the first one of the list, or `NONE`.
        is_free: uint8, as long: 1 for free records.
    """
    left = int64(0)
    for record in range(links.size):
        left += int64(is_free[record])
    record = int64(first)
    # One that came twice would go round for ever, so a list that ends in time has none.
    while record != NONE and left > 0:
        if record < 0 or record >= links.size or is_free[record] == 0:
            return False
        record = int64(links[record])
        left -= 1
    return record == NONE and left == 0


@kernel
def is_wheel(buckets: Array, links: Array, panes: Array, left: int, marks: Array) -> bool:
    """Whether a wheel holds each pair that its window does once, no later than it has to leave.

    Args:
        buckets: int64[WHEEL_PANES]: the first pair of each list.
        links: int64: the pair that follows each.
        panes: int64: when each pair was seen last.
        left: the last pane before the window.
        marks: uint8, as long as `panes`, all 0; overwritten.
    """
    missing = int64(0)
    for pair in range(panes.size):
        if panes[pair] > left:
            missing += 1
    for bucket in range(WHEEL_PANES):
        pair = int64(buckets[bucket])
        visited = left + 1 + ((bucket - left - 1) & (WHEEL_PANES - 1))
        while pair != NONE:
            if pair < 0 or pair >= panes.size or marks[pair] != 0:
                return False
            if panes[pair] <= left or panes[pair] < visited:
                return False
            marks[pair] = 1
            missing -= 1
            pair = int64(links[pair])
    return missing == 0


@kernel
def are_wire_names(buffer: Array, starts: Array, lengths: Array) -> bool:
    """Whether names are labels of 1 to 63 bytes that fill them exactly (RFC 1035 §3.1).

    Args:
        buffer: uint8; the caller has checked that the names lie in it.
        starts: int64: where each starts.
        lengths: int64: how long each is.
    """
    for name in range(starts.size):
        at = int64(starts[name])
        end = at + int64(lengths[name])
        while at < end:
            label_bytes = int64(buffer[np.uint64(at)])
            if label_bytes == 0 or label_bytes > _LONGEST_LABEL_BYTES:
                return False
            at += 1 + label_bytes
        if at != end:
            return False
    return True


@kernel
def index_live(slots: Array, records: Array, is_live: Array) -> None:
    """Enter the live ones among records into an empty index, which has room for them.

    Args:
        slots: int32, all `VACANT`.
        records: with a `hash`.
        is_live: uint8, as many as records were ever used.
    """
    for record in range(is_live.size):
        if is_live[record] != 0:
            enter(slots, records, record)
