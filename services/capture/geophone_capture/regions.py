"""The memory that capture files are read into: one buffer, with a region for each open file.

Packets of several files can be merged without moving their bytes because all regions lie in one
buffer. Addresses are reserved for as many files as may be open; memory is used by those that are.
"""

import heapq
import mmap
from dataclasses import dataclass
from typing import Any

import numpy as np

from geophone_capture.kernels.records import LONGEST_RECORD_BYTES
from geophone_capture.packets import PACKET
from geophone_shared.errors import ConfigError
from geophone_shared.jit import Array

MAX_PACKETS = 65_536
"""Rows of a block."""

MAX_REGIONS = 1_024
"""Files that are open at a time; Linux allows a process as many by default."""

_LARGE_REGIONS = 16
_SMALL_SLICE_BYTES = 256 << 10
_BYTES_PER_ROW = 64  # a record of an empty frame; where there are more of them, a slice takes turns
_MIN_ROWS = 2  # a packet is delivered when the one after it is known


@dataclass(frozen=True, slots=True)
class Region:
    """Where one file is read into.

    Attributes:
        buffer: uint8, the buffer of all regions.
        start: first byte of the region in `buffer`.
        stop: end of the region; it has room for two of the longest records and a slice.
        slice_bytes: how much to read at once.
        packets: `PACKET` rows of this region.
        first_row: the place of `packets[0]` in the rows of all regions.
        number: which region this is.
    """

    buffer: Array
    start: int
    stop: int
    slice_bytes: int
    packets: Array
    first_row: int
    number: int


class Regions:
    """The buffer, and its regions that are free.

    Attributes:
        buffer: uint8.
        packets: `PACKET` rows of all regions.
    """

    def __init__(self, files: int, slice_bytes: int) -> None:
        count = min(files, MAX_REGIONS)
        small = min(slice_bytes, _SMALL_SLICE_BYTES)
        slices = [slice_bytes] * min(count, _LARGE_REGIONS)
        slices += [small] * (count - len(slices))
        rows = [max(_MIN_ROWS, min(MAX_PACKETS, size // _BYTES_PER_ROW)) for size in slices]
        sizes = [size + 2 * LONGEST_RECORD_BYTES for size in slices]
        self.buffer = _reserve(sum(sizes), np.dtype(np.uint8))
        self.packets = _reserve(sum(rows), PACKET)
        self._regions: list[Region] = []
        start = first_row = 0
        for number in range(count):
            stop, last_row = start + sizes[number], first_row + rows[number]
            self._regions.append(
                Region(
                    buffer=self.buffer,
                    start=start,
                    stop=stop,
                    slice_bytes=slices[number],
                    packets=self.packets[first_row:last_row],
                    first_row=first_row,
                    number=number,
                )
            )
            start, first_row = stop, last_row
        self._free = list(range(count))

    def take(self) -> Region:
        """A free region, the largest first.

        Raises:
            ConfigError: all are in use.
        """
        if not self._free:
            raise ConfigError(
                f"more than {MAX_REGIONS:,} of the captures overlap in time; give fewer at once"
            )
        return self._regions[heapq.heappop(self._free)]

    def give_back(self, region: Region) -> None:
        """Let another file use `region`."""
        heapq.heappush(self._free, region.number)


def _reserve(count: int, dtype: np.dtype[Any]) -> Array:
    """Zeros that take no memory until they are written, page by page of 4 KiB.

    numpy would ask for huge pages, and one file's region lies in several of them.
    """
    memory = mmap.mmap(-1, count * dtype.itemsize)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, dtype)
