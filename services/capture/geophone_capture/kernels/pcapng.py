"""Kernel: the packet blocks of a pcapng file (draft-ietf-opsawg-pcapng, §4.3 and §4.4).

Section and interface descriptions are rare and hold options: the walk stops there and Python reads
them. Other blocks are skipped, also those that are longer than the buffer.
"""

from typing import NamedTuple

import numpy as np

from geophone_capture.kernels.records import (
    ABSURD_BLOCK,
    ABSURD_PACKET,
    AT_BORDER,
    AT_CONTROL_BLOCK,
    BAD_BLOCK_LENGTH,
    BAD_CAPTURED_LENGTH,
    BAD_TRAILING_LENGTH,
    FULL,
    INSIDE,
    LONGEST_PACKET_BYTES,
    LONGEST_RECORD_BYTES,
    append_packet,
    u32,
)
from geophone_shared.jit import Array, kernel

_SECTION_HEADER = 0x0A0D0D0A  # the same in both byte orders
_INTERFACE_DESCRIPTION = 1
_SIMPLE_PACKET = 3
_ENHANCED_PACKET = 6

INTERFACE = np.dtype(
    [
        ("multiplier", "u8"),
        ("divisor", "u8"),
        ("offset_us", "i8"),
        ("snaplen", "i8"),
        ("link", "i4"),
        ("binary_digits", "i4"),
    ],
    align=True,
)
"""An interface. A time stamp in units is `units * multiplier // divisor` µs, or, where
`binary_digits` is not negative, `units * 10**6 // 2**binary_digits` µs; then `offset_us` is added.
`link` is -1 where Geophone does not read the link type; `snaplen` is 0 where there is no limit."""

WALK = np.dtype(
    [
        ("skip_bytes", "i8"),
        ("trailing_length", "i8"),
        ("previous_us", "i8"),
        ("skipped_blocks", "i8"),
        ("invalid_times", "i8"),
    ]
)
"""What a walk has to know when it is called again (one row).

`skip_bytes` are left of a block that is skipped; then its `trailing_length` is due, 0 where none
is. `previous_us` is the time of the packet before, in the file. The rest counts.
"""


class Section(NamedTuple):
    """The section that a walk is in.

    Attributes:
        byte_order: `LITTLE_ENDIAN` or `BIG_ENDIAN`.
        interfaces: `INTERFACE` rows.
        interface_count: how many of them are in use.
        walk: one `WALK` row, of the whole file.
    """

    byte_order: int
    interfaces: Array
    interface_count: int
    walk: Array


LAST_TIME_US = 253_402_300_799_999_999
"""The end of the year 9999, the last that RFC 3339 can write."""

MAX_OFFSET_US = 4_000_000_000_000_000_000
"""Least and greatest `offset_us` (either sign); times in units end at `_MAX_US`, so that neither
their product nor their sum with it can overflow, and nothing that is left out could be valid."""

_MAX_US = np.uint64(4_500_000_000_000_000_000)
_MAX_SECONDS = np.uint64(4_500_000_000_000)


@kernel
def binary_time_us(units: np.uint64, binary_digits: int) -> np.uint64:
    """`units * 10**6 // 2**binary_digits`, exactly; what is too large becomes `_MAX_US`."""
    million = np.uint64(1_000_000)
    digits = np.uint64(binary_digits)
    if binary_digits < 32:
        seconds = units >> digits
        if seconds > _MAX_SECONDS:
            return _MAX_US
        fraction = units & ((np.uint64(1) << digits) - np.uint64(1))
        return seconds * million + ((fraction * million) >> digits)
    # The product has up to 84 bits: its low 32 can't change what is left after the shift.
    high = (units >> np.uint64(32)) * million
    low = ((units & np.uint64(0xFFFFFFFF)) * million) >> np.uint64(32)
    shift = binary_digits - 32
    return (high + low) >> np.uint64(shift) if shift < 64 else np.uint64(0)


@kernel
def packet_time_us(high: int, low: int, interface: Array) -> int:
    """µs since the epoch of a time stamp at an `INTERFACE`; -1 outside of years 1970 to 9999."""
    units = (np.uint64(high) << np.uint64(32)) | np.uint64(low)
    if interface["binary_digits"] >= 0:
        time_us = binary_time_us(units, int(interface["binary_digits"]))
    elif interface["multiplier"] > 1 and units > _MAX_US // interface["multiplier"]:
        return -1
    else:
        time_us = np.uint64(units * interface["multiplier"])
        if interface["divisor"] > 1:  # a division of 64 bits costs as much as the rest
            time_us = np.uint64(time_us // interface["divisor"])
    if time_us > _MAX_US:
        return -1
    total_us = np.int64(time_us) + interface["offset_us"]
    return int(total_us) if 0 <= total_us <= LAST_TIME_US else -1


@kernel
def walk_pcapng(
    buffer: Array,
    position: int,
    end: int,
    section: Section,
    packets: Array,
    count: int,
) -> tuple[int, int, int]:
    """Append the whole packet blocks of `buffer[position:end]` (uint8) to `packets` (`PACKET`).

    Args:
        buffer: the bytes.
        position: where a block starts, or where the last call stopped.
        end: where the bytes end.
        section: that the position is in.
        packets: rows; those from `count` on are free.
        count: rows in use.

    Returns:
        As `records` says.
    """
    byte_order, interfaces, interface_count, walk = section
    while True:
        if walk[0]["skip_bytes"] > 0:
            step = min(walk[0]["skip_bytes"], end - position)
            walk[0]["skip_bytes"] -= step
            position += step
            if walk[0]["skip_bytes"] > 0:
                return position, count, INSIDE
        if walk[0]["trailing_length"] > 0:
            if end - position < 4:
                return position, count, INSIDE
            if u32(buffer, position, byte_order) != walk[0]["trailing_length"]:
                return position, count, BAD_TRAILING_LENGTH
            walk[0]["trailing_length"] = 0
            walk[0]["skipped_blocks"] += 1
            position += 4
        if end - position < 8:
            return position, count, AT_BORDER if position == end else INSIDE
        if count == len(packets):
            return position, count, FULL
        kind = u32(buffer, position, byte_order)
        if kind in (_SECTION_HEADER, _INTERFACE_DESCRIPTION):
            return position, count, AT_CONTROL_BLOCK
        length = u32(buffer, position + 4, byte_order)
        # 32-bit alignment: draft-ietf-opsawg-pcapng §3.1
        if length < 12 or length % 4 != 0:
            return position, count, BAD_BLOCK_LENGTH
        if kind != _ENHANCED_PACKET and kind != _SIMPLE_PACKET:
            walk[0]["skip_bytes"] = length - 4
            walk[0]["trailing_length"] = length
            continue
        if length < (32 if kind == _ENHANCED_PACKET else 16):
            return position, count, BAD_BLOCK_LENGTH
        if length > LONGEST_RECORD_BYTES:
            return position, count, ABSURD_BLOCK
        if position + length > end:
            return position, count, INSIDE
        if u32(buffer, position + length - 4, byte_order) != length:
            return position, count, BAD_TRAILING_LENGTH

        if kind == _ENHANCED_PACKET:
            interface = u32(buffer, position + 8, byte_order)
            captured = u32(buffer, position + 20, byte_order)
            original = u32(buffer, position + 24, byte_order)
            offset = position + 28
            if captured > LONGEST_PACKET_BYTES:
                return position, count, ABSURD_PACKET
            if captured > length - 32:
                return position, count, BAD_CAPTURED_LENGTH
        else:
            interface = 0
            original = u32(buffer, position + 8, byte_order)
            offset = position + 12
            captured = min(original, length - 16)
            if interface_count > 0 and interfaces[0]["snaplen"] > 0:
                captured = min(captured, interfaces[0]["snaplen"])
            if captured > LONGEST_PACKET_BYTES:
                return position, count, ABSURD_PACKET
        link = -1
        time_us = -1
        if interface < interface_count:
            link = int(interfaces[interface]["link"])
            if kind == _ENHANCED_PACKET:
                high = u32(buffer, position + 12, byte_order)
                low = u32(buffer, position + 16, byte_order)
                time_us = packet_time_us(high, low, interfaces[interface])
        if time_us < 0:
            time_us = int(walk[0]["previous_us"])
            if kind == _ENHANCED_PACKET:  # a simple packet has none
                walk[0]["invalid_times"] += 1
        walk[0]["previous_us"] = time_us
        append_packet(packets, count, offset, time_us, captured, original, link)
        count += 1
        position += length
