"""A block of packets: bytes read from a source and where each packet lies in them."""

from dataclasses import dataclass

import numpy as np

from geophone_shared.jit import Array

PACKET = np.dtype(
    [
        ("offset", "i8"),
        ("time_us", "i8"),
        ("clock_us", "i8"),
        ("captured", "i4"),
        ("original", "i4"),
        ("link", "i4"),
    ],
    align=True,
)
"""One packet: `buffer[offset : offset + captured]`, of `original` bytes on the wire.

`time_us` is the packet's time, µs since the epoch. `clock_us` equals it, but where the packet lies
more than 60 s ahead of the one after it in its file (a clock outlier): there it is the `time_us`
of that next packet. `link` is the link type (LINKTYPE_ number), -1 where it is not known.
"""


@dataclass(frozen=True, slots=True)
class PacketBlock:
    """Packets in the order in which they are to be looked at.

    Attributes:
        buffer: uint8 array; valid until the next block is asked for.
        packets: `PACKET` array; valid as long.
    """

    buffer: Array
    packets: Array
