"""Kernel: the records of a classic capture file (draft-ietf-opsawg-pcap, §5)."""

from typing import NamedTuple

from geophone_capture.kernels.records import (
    ABSURD_PACKET,
    AT_BORDER,
    FULL,
    INSIDE,
    LONGEST_PACKET_BYTES,
    append_packet,
    u32,
)
from geophone_shared.jit import Array, kernel


class Layout(NamedTuple):
    """What a file's header says about its records.

    Attributes:
        byte_order: `LITTLE_ENDIAN` or `BIG_ENDIAN`.
        units_per_us: of the time stamps' fraction: 1, or 1000 where they are in nanoseconds.
        link: link type.
    """

    byte_order: int
    units_per_us: int
    link: int


@kernel
def walk_pcap(
    buffer: Array,
    position: int,
    end: int,
    layout: Layout,
    packets: Array,
    count: int,
) -> tuple[int, int, int]:
    """Append the whole records of `buffer[position:end]` (uint8) to `packets` (`PACKET`).

    Args:
        buffer: the bytes.
        position: where a record starts.
        end: where the bytes end.
        layout: of the file.
        packets: rows; those from `count` on are free.
        count: rows in use.

    Returns:
        As `records` says.
    """
    byte_order = layout.byte_order
    while True:
        if end - position < 16:
            return position, count, AT_BORDER if position == end else INSIDE
        if count == len(packets):
            return position, count, FULL
        captured = u32(buffer, position + 8, byte_order)
        if captured > LONGEST_PACKET_BYTES:
            return position, count, ABSURD_PACKET
        after = position + 16 + captured
        if after > end:
            return position, count, INSIDE
        seconds = u32(buffer, position, byte_order)
        fraction = u32(buffer, position + 4, byte_order)
        time_us = seconds * 1_000_000 + fraction // layout.units_per_us
        original = u32(buffer, position + 12, byte_order)
        append_packet(packets, count, position + 16, time_us, captured, original, layout.link)
        count += 1
        position = after
