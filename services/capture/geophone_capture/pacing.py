"""At which packets batches close by time, and how long to wait for them at `--speed` [core].

A source is cut into stretches: at each minute of the packet clock and, where there is a speed, at
each `linger` of it. Cuts depend on the packets alone, not on the blocks that they come in.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from geophone_shared.jit import Array

_MINUTE_US = 60_000_000
_BEFORE_ALL_US = np.iinfo(np.int64).min


def linger_us(speed: float, linger_seconds: float) -> int | None:
    """After how much packet time a batch closes, µs; None at `max`: then time closes none.

    Args:
        speed: how many times as fast as recorded; infinity is `max`.
        linger_seconds: how long a batch is open, at that speed.
    """
    if math.isinf(speed):
        return None
    return min(max(round(linger_seconds * speed * 1_000_000), 1), _MINUTE_US)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Packets that lie between two cuts, or as many of them as a block has.

    Attributes:
        packets: `PACKET` rows.
        is_after_cut: whether a cut lies before them.
        elapsed_us: packet clock from the first packet of all to the last one of these.
    """

    packets: Array
    is_after_cut: bool
    elapsed_us: int


class Stretches:
    """Cuts the blocks of a source.

    Args:
        linger_us: packet time between two cuts; None to cut at minutes only.
        shift_us: what is added to every time later: minutes are those of the sum.
    """

    def __init__(self, linger_us: int | None, shift_us: int = 0) -> None:
        self._linger_us = linger_us
        self._shift_us = shift_us
        self._first_us: int | None = None
        self._clock_us = _BEFORE_ALL_US

    def cut(self, packets: Array) -> Iterator[Stretch]:
        """The stretches of the next packets, of which there is at least one."""
        # As the decoder's clock: an outlier doesn't move it, unless there is nothing before it.
        is_outlier = packets["clock_us"] < packets["time_us"]
        clocks_us = np.where(is_outlier, _BEFORE_ALL_US, packets["clock_us"])
        if self._first_us is None:
            clocks_us[0] = self._first_us = self._clock_us = int(packets["clock_us"][0])
        clocks_us = np.maximum(np.maximum.accumulate(clocks_us), self._clock_us)
        before_us = np.concatenate(([self._clock_us], clocks_us[:-1]))
        is_cut = self._places(clocks_us) != self._places(before_us)
        self._clock_us = int(clocks_us[-1])
        starts = [0, *(int(index) for index in np.flatnonzero(is_cut) if index), len(packets)]
        for start, stop in pairwise(starts):
            elapsed_us = int(clocks_us[stop - 1]) - self._first_us
            yield Stretch(packets[start:stop], bool(is_cut[start]), elapsed_us)

    def _places(self, clocks_us: Array) -> Array:
        """A number for the minute and the linger that a clock lies in; it never decreases."""
        shifted_us = clocks_us + self._shift_us
        places = shifted_us // _MINUTE_US
        return places if self._linger_us is None else places + shifted_us // self._linger_us
