"""Several capture files as one stream: by the packet clock, ties in the order given.

A file is opened when the stream reaches its first packet and closed at its end, so thousands of
rotated files need few open ones. An outlier (`packets.PACKET`) stands where the packet after it
stands, so one wrong time stamp doesn't hold its file back.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from geophone_capture.capture_file import CaptureFile
from geophone_capture.kernels.merge import AT_LIMIT, HEAD, merge_packets
from geophone_capture.packets import PACKET, PacketBlock
from geophone_capture.regions import MAX_PACKETS, Regions

AT_ONCE_US = np.iinfo(np.int64).min
_NEVER_US = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, order=True)
class Waiting:
    """A file that the stream hasn't reached.

    Attributes:
        first_us: `clock_us` of its first packet; `AT_ONCE_US` where there is none, or it isn't
            known.
        place: in the order given.
    """

    first_us: int
    place: int


def merge(
    waiting: list[Waiting],
    regions: Regions,
    open_file: Callable[[int], CaptureFile],
    close_file: Callable[[int], None],
) -> Iterator[PacketBlock]:
    """Merge the packets of all files.

    Args:
        waiting: every file.
        regions: what files are read into; they need not all be in use.
        open_file: opens the file of a place.
        close_file: closes the file of a place, at its end.

    Yields:
        Blocks, valid until the next one is asked for; an empty one where standard input is waited
        for and has fallen silent.

    Raises:
        ConfigError: a file can't be opened, or is damaged before its first packet.
    """
    waiting = sorted(waiting, reverse=True)
    files: list[CaptureFile] = []
    heads = np.empty(0, HEAD)  # one for each of `files`
    merged = np.empty(MAX_PACKETS, PACKET)
    while waiting or files:
        stop = AT_LIMIT
        if files:
            limit = waiting[-1] if waiting else Waiting(_NEVER_US, 0)
            heap = np.empty(heads.size, np.int64)
            count, stop = merge_packets(
                regions.packets, heads, heap, limit.first_us, limit.place, merged
            )
            if count:
                yield PacketBlock(regions.buffer, merged[:count])
        if stop == AT_LIMIT:
            place = waiting.pop().place
            files.append(open_file(place))
            heads = np.append(heads, np.array([(0, 0, place)], HEAD))
        for index in np.flatnonzero(heads["next"] == heads["end"])[::-1]:
            file = files[index]
            while not (rows := file.read_packets().size) and not file.is_at_end:
                yield PacketBlock(regions.buffer, merged[:0])
            first = file.region.first_row
            place = int(heads[index]["place"])
            heads[index] = (first, first + rows, place)
            if not rows:
                close_file(place)
                del files[index]
                heads = np.delete(heads, index)
