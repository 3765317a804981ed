"""Kernel: the packet clock of one file (docs/adr/0004)."""

from geophone_shared.jit import Array, kernel

OUTLIER_US = 60_000_000
"""A packet further ahead of the one after it in its file does not move the packet clock."""


@kernel
def settle_clocks(packets: Array, count: int) -> None:
    """Set `clock_us` of `packets[:count]` (`PACKET`, consecutive packets of one file).

    An outlier takes the time of the packet after it. The last has none yet, and keeps its own.
    """
    for index in range(count):
        packets[index]["clock_us"] = packets[index]["time_us"]
        if index > 0:
            after_us = packets[index]["time_us"]
            if packets[index - 1]["time_us"] > after_us + OUTLIER_US:
                packets[index - 1]["clock_us"] = after_us
