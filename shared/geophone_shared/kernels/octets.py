"""Kernel: octets of a buffer, read, copied and compared.

Names that Geophone itself keeps lie at multiples of 8 octets with zeros behind them, so that they
are copied and compared a word at a time: ten times as fast as octet by octet.

Indexes are made unsigned: numba would let a negative one count from the end, which costs twice the
time and hides a bug; so it is out of bounds, as it should be.
"""

import numpy as np

from geophone_shared.jit import Array, int64, kernel

_ONE = np.uint64(1)
_LOW_BITS = np.uint64(0x7F7F7F7F7F7F7F7F)
_HIGH_BITS = np.uint64(0x8080808080808080)
_TO_A = np.uint64(0x0101010101010101 * (0x80 - ord("A")))
_PAST_Z = np.uint64(0x0101010101010101 * (0x7F - ord("Z")))


@kernel
def octet(buffer: Array, at: int) -> int:
    """The octet at `at`."""
    return int64(buffer[np.uint64(at)])


@kernel
def be16(buffer: Array, at: int) -> int:
    """The big-endian 16 bits at `at`; the caller has checked that they are there."""
    first = np.uint64(at)
    return (int64(buffer[first]) << 8) | int64(buffer[first + _ONE])


@kernel
def be64(buffer: Array, at: int) -> np.uint64:
    """The big-endian 64 bits at `at`; the caller has checked that they are there."""
    value = np.uint64(0)
    for index in range(8):
        value = (value << np.uint64(8)) | np.uint64(buffer[np.uint64(at + index)])
    return value


@kernel
def le64(buffer: Array, at: int) -> np.uint64:
    """The little-endian 64 bits at `at`; the caller has checked that they are there."""
    value = np.uint64(0)
    for index in range(8):
        value |= np.uint64(buffer[np.uint64(at + index)]) << np.uint64(8 * index)
    return value


@kernel
def copy_octets(target: Array, target_at: int, source: Array, source_at: int, count: int) -> None:
    """Copy `count` octets; the two places don't overlap."""
    for index in range(count):
        target[np.uint64(target_at + index)] = source[np.uint64(source_at + index)]


@kernel
def words_for(octets: int) -> int:
    """How many 64-bit words hold so many octets."""
    return (octets + 7) >> 3


@kernel
def copy_words(target: Array, target_at: int, source: Array, source_at: int, count: int) -> None:
    """Copy `count` words (uint64) from index `source_at` to index `target_at`."""
    for index in range(count):
        target[np.uint64(target_at + index)] = source[np.uint64(source_at + index)]


@kernel
def lower_case(word: np.uint64) -> np.uint64:
    """The eight bytes of a word with A-Z turned into a-z, all at once."""
    low = word & _LOW_BITS
    # Neither sum carries into the next byte. The first one sets a byte's high bit from "A" on, the
    # second one from past "Z" on; bytes that have a high bit themselves are no letters.
    is_upper = ((low + _TO_A) ^ (low + _PAST_Z)) & _HIGH_BITS & ~word
    return word | (is_upper >> np.uint64(2))


@kernel
def is_same_name_words(left: Array, left_at: int, right: Array, right_at: int, count: int) -> bool:
    """Whether two wire names in words are equal but for the case of their letters (0x20)."""
    for index in range(count):
        one = np.uint64(left[np.uint64(left_at + index)])
        other = np.uint64(right[np.uint64(right_at + index)])
        if one != other and lower_case(one) != lower_case(other):
            return False
    return True


@kernel
def lower_cased(value: int) -> int:
    """An octet, A to Z made a to z. A label's length (at most 63) is never one of these."""
    return value + 32 if 65 <= value <= 90 else value


@kernel
def is_same_name(left: Array, left_at: int, right: Array, right_at: int, length: int) -> bool:
    """Whether two wire names of one length are equal but for the case of their letters (0x20)."""
    for index in range(length):
        one = int64(left[np.uint64(left_at + index)])
        other = int64(right[np.uint64(right_at + index)])
        if one != other and lower_cased(one) != lower_cased(other):
            return False
    return True
