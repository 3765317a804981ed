"""Kernel: what the walks over both capture formats share.

A walk looks at `buffer[position:end]`, appends a `PACKET` row for each whole record, and returns
(position, count, stop): where it stands, the rows there are now, and why it stopped.
"""

import numpy as np

from geophone_shared.jit import Array, kernel

LONGEST_PACKET_BYTES = 262_144
"""Captured bytes of a packet; more is absurd (tcpdump's largest snapshot length, as Wireshark)."""

LONGEST_RECORD_BYTES = 2 * LONGEST_PACKET_BYTES
"""A record as a whole, with the options of a pcapng block; what a buffer must be able to hold."""

LITTLE_ENDIAN = 0
BIG_ENDIAN = 1

# Why a walk stopped. Nothing is wrong:
AT_BORDER = 0  # between two records, at the end of the bytes
INSIDE = 1  # the bytes end inside a record: more of them are wanted
FULL = 2  # no row is free
AT_CONTROL_BLOCK = 3  # pcapng: a section or interface description, for Python
# The file is damaged at `position`:
DAMAGED = 10  # the least of these
ABSURD_PACKET = 10
ABSURD_BLOCK = 11
BAD_BLOCK_LENGTH = 12
BAD_TRAILING_LENGTH = 13
BAD_CAPTURED_LENGTH = 14
BAD_SECTION = 15
BAD_INTERFACE = 16
TOO_MANY_INTERFACES = 17


@kernel
def u32(buffer: Array, at: int, byte_order: int) -> int:
    """The 32 bits at `at`; the caller has checked that they are there."""
    # An unsigned index spares numba the look for negative ones: half the time of a walk.
    first = np.uint64(at)
    b0 = np.int64(buffer[first])
    b1 = np.int64(buffer[first + np.uint64(1)])
    b2 = np.int64(buffer[first + np.uint64(2)])
    b3 = np.int64(buffer[first + np.uint64(3)])
    if byte_order == BIG_ENDIAN:
        return int((b0 << 24) | (b1 << 16) | (b2 << 8) | b3)
    return int((b3 << 24) | (b2 << 16) | (b1 << 8) | b0)


@kernel
def append_packet(
    packets: Array,
    count: int,
    offset: int,
    time_us: int,
    captured: int,
    original: int,
    link: int,
) -> None:
    """Write row `count`; `clock_us` is left to `settle_clocks`."""
    packets[count]["offset"] = offset
    packets[count]["time_us"] = time_us
    packets[count]["clock_us"] = time_us
    packets[count]["captured"] = captured
    packets[count]["original"] = min(original, 0x7FFFFFFF)
    packets[count]["link"] = link
