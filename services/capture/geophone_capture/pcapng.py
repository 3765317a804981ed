"""pcapng files (draft-ietf-opsawg-pcapng): sections, interfaces, and a walk over the packets."""

import struct

import numpy as np

from geophone_capture import link_types
from geophone_capture.kernels.pcapng import (
    INTERFACE,
    MAX_OFFSET_US,
    WALK,
    Section,
    walk_pcapng,
)
from geophone_capture.kernels.records import (
    ABSURD_BLOCK,
    AT_CONTROL_BLOCK,
    BAD_BLOCK_LENGTH,
    BAD_INTERFACE,
    BAD_SECTION,
    BAD_TRAILING_LENGTH,
    BIG_ENDIAN,
    INSIDE,
    LITTLE_ENDIAN,
    LONGEST_RECORD_BYTES,
    TOO_MANY_INTERFACES,
)
from geophone_shared.jit import Array

MAGIC = b"\x0a\x0d\x0d\x0a"

MAX_INTERFACES = 65_536
"""Of a section; more can't be meant."""

_BYTE_ORDERS = {b"\x4d\x3c\x2b\x1a": LITTLE_ENDIAN, b"\x1a\x2b\x3c\x4d": BIG_ENDIAN}
_VERSION = 1
_SECTION_HEADER_BYTES = 28
_INTERFACE_BYTES = 20
_MIN_BLOCK_BYTES = 12
_OPTION_END = 0
_OPTION_TSRESOL = 9
_OPTION_TSOFFSET = 14
_BINARY_FLAG = 0x80
_MICROSECONDS = 6  # 10^-6, where an interface says nothing
_MAX_DIVISOR_DIGITS = 19  # of a power of ten in 64 bits
_NEVER = 127  # 2^-127 s: with 64 bits of time stamp always 0 µs


class _BadBlockError(Exception):
    """A control block can't be used; carries why the walk stops (`kernels.records`)."""

    def __init__(self, stop: int) -> None:
        super().__init__(stop)
        self.stop = stop


class PcapngWalk:
    """Walks over one file's packet blocks, through all its sections."""

    def __init__(self) -> None:
        self._byte_order = LITTLE_ENDIAN
        self._interfaces = np.zeros(4, INTERFACE)
        self._interface_count = 0
        self._walk = np.zeros(1, WALK)

    @property
    def invalid_times(self) -> int:
        """Packets without a usable time: they were given that of the packet before."""
        return int(self._walk[0]["invalid_times"])

    @property
    def skipped_blocks(self) -> int:
        """Blocks that hold no packet: statistics, names, comments, secrets and so on."""
        return int(self._walk[0]["skipped_blocks"])

    def walk(
        self, buffer: Array, position: int, end: int, packets: Array, count: int
    ) -> tuple[int, int, int]:
        """Append the whole packet blocks of `buffer[position:end]`, see `kernels.records`."""
        while True:
            section = Section(self._byte_order, self._interfaces, self._interface_count, self._walk)
            position, count, stop = walk_pcapng(buffer, position, end, section, packets, count)
            if stop != AT_CONTROL_BLOCK:
                return position, count, stop
            try:
                position += self._control_block(buffer.data[position:end])
            except _BadBlockError as bad:
                return position, count, bad.stop

    def _control_block(self, data: memoryview) -> int:
        """Take in the section or interface description at the start of `data`; its length."""
        is_section = data[:4] == MAGIC
        byte_order = self._byte_order
        if is_section:
            if len(data) < _MIN_BLOCK_BYTES:
                raise _BadBlockError(INSIDE)
            mark = bytes(data[8:12])
            if mark not in _BYTE_ORDERS:
                raise _BadBlockError(BAD_SECTION)
            byte_order = _BYTE_ORDERS[mark]
        order = "<" if byte_order == LITTLE_ENDIAN else ">"
        length: int = struct.unpack_from(f"{order}I", data, 4)[0]
        if length % 4 or length < (_SECTION_HEADER_BYTES if is_section else _INTERFACE_BYTES):
            raise _BadBlockError(BAD_BLOCK_LENGTH)
        if length > LONGEST_RECORD_BYTES:
            raise _BadBlockError(ABSURD_BLOCK)
        if length > len(data):
            raise _BadBlockError(INSIDE)
        if struct.unpack_from(f"{order}I", data, length - 4) != (length,):
            raise _BadBlockError(BAD_TRAILING_LENGTH)
        if is_section:
            (version,) = struct.unpack_from(f"{order}H", data, 12)
            if version != _VERSION:
                raise _BadBlockError(BAD_SECTION)
            self._byte_order = byte_order
            self._interface_count = 0
        else:
            self._add_interface(data[8 : length - 4], order)
        return length

    def _add_interface(self, body: memoryview, order: str) -> None:
        if self._interface_count == MAX_INTERFACES:
            raise _BadBlockError(TOO_MANY_INTERFACES)
        if self._interface_count == self._interfaces.size:
            self._interfaces = np.concatenate([self._interfaces, np.zeros_like(self._interfaces)])
        link, _, snaplen = struct.unpack_from(f"{order}HHI", body)
        options = _options(body[8:], order)
        resolution = options.get(_OPTION_TSRESOL, bytes([_MICROSECONDS]))
        offset = options.get(_OPTION_TSOFFSET, bytes(8))
        if len(resolution) != 1 or len(offset) != 8:  # noqa: PLR2004  # a byte, a 64-bit integer
            raise _BadBlockError(BAD_INTERFACE)
        multiplier, divisor, binary_digits = _resolution(resolution[0])
        (offset_seconds,) = struct.unpack(f"{order}q", offset)
        offset_us = offset_seconds * 1_000_000
        if abs(offset_us) > MAX_OFFSET_US:
            offset_us = MAX_OFFSET_US  # every time is out of range, whatever its time stamp
        self._interfaces[self._interface_count] = (
            multiplier,
            divisor,
            offset_us,
            snaplen,
            link_types.known(link),
            binary_digits,
        )
        self._interface_count += 1


def _options(data: memoryview, order: str) -> dict[int, bytes]:
    """Options by code, the first of each."""
    options: dict[int, bytes] = {}
    position = 0
    while position + 4 <= len(data):
        code, length = struct.unpack_from(f"{order}HH", data, position)
        if code == _OPTION_END:
            break
        value = bytes(data[position + 4 : position + 4 + length])
        if len(value) < length:
            raise _BadBlockError(BAD_INTERFACE)
        options.setdefault(code, value)
        position += 4 + (length + 3) // 4 * 4
    return options


def _resolution(value: int) -> tuple[int, int, int]:
    """Multiplier, divisor and binary digits (see `INTERFACE`) of an `if_tsresol`."""
    if value & _BINARY_FLAG:
        return 1, 1, value & ~_BINARY_FLAG
    if value <= _MICROSECONDS:
        return 10 ** (_MICROSECONDS - value), 1, -1
    if value <= _MICROSECONDS + _MAX_DIVISOR_DIGITS:
        return 1, 10 ** (value - _MICROSECONDS), -1
    return 1, 1, _NEVER
