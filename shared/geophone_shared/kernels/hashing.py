"""Hash functions over names and fixed-size keys: SipHash-1-3, and Kafka's murmur2.

SipHash (Aumasson & Bernstein, "SipHash: a fast short-input PRF", 2012) is keyed: as long as the
key is secret, whoever sends the names can't choose ones that collide in our tables. 1-3 stands for
one compression round a word and three finalization rounds, as Python and Rust have in their tables.

murmur2 is the hash of Kafka's default partitioner (`org.apache.kafka.common.utils.Utils.murmur2`):
any Kafka client that keys its records by registered domain finds the same partition.

A buffer is a uint8 array; `buffer[start : start + length]` must lie inside of it.
"""

from typing import SupportsIndex

import numpy as np

from geophone_shared.jit import Array, inner_kernel, int64, kernel
from geophone_shared.kernels.octets import le64, lower_case, octet

PRESENTATION_LIMIT_BYTES = 1024
"""Room for the presentation form of any name: at most 255 wire bytes, each as `\\DDD`."""

_MURMUR_SEED = np.uint64(0x9747B28C)
_MURMUR_FACTOR = np.uint64(0x5BD1E995)
_LOW_31_BITS = np.uint64(0x7FFFFFFF)
_LOW_32_BITS = np.uint64(0xFFFFFFFF)
_ONE = np.uint64(1)


@kernel
def siphash13(
    buffer: Array, start: SupportsIndex, length: SupportsIndex, key0: np.uint64, key1: np.uint64
) -> np.uint64:
    """SipHash-1-3 of `buffer[start : start + length]`, its letters A-Z taken as a-z.

    A wire-form name is given whole: its length bytes are at most 63 (RFC 1035 §2.3.4), less than
    "A", and stay as they are.
    """
    v0, v1, v2, v3 = _initial_state(key0, key1)
    position = int64(start)
    end = position + int64(length)
    while position + 8 <= end:
        v0, v1, v2, v3 = _compress(v0, v1, v2, v3, lower_case(le64(buffer, position)))
        position += 8
    rest = end - position
    word = np.uint64(0)
    if position + 8 <= buffer.size:
        word = le64(buffer, position) & ((_ONE << np.uint64(8 * rest)) - _ONE)
    else:
        for index in range(rest):
            word |= np.uint64(octet(buffer, position + index)) << np.uint64(8 * index)
    word = lower_case(word) | (np.uint64(length) << np.uint64(56))
    v0, v1, v2, v3 = _compress(v0, v1, v2, v3, word)
    return _finish(v0, v1, v2, v3)


@kernel
def siphash13_5(
    word0: np.uint64,
    word1: np.uint64,
    word2: np.uint64,
    word3: np.uint64,
    word4: np.uint64,
    key0: np.uint64,
    key1: np.uint64,
) -> np.uint64:
    """SipHash-1-3 of the 40 bytes that five words are in little-endian order, as they are."""
    v0, v1, v2, v3 = _initial_state(key0, key1)
    v0, v1, v2, v3 = _compress(v0, v1, v2, v3, np.uint64(word0))
    v0, v1, v2, v3 = _compress(v0, v1, v2, v3, np.uint64(word1))
    v0, v1, v2, v3 = _compress(v0, v1, v2, v3, np.uint64(word2))
    v0, v1, v2, v3 = _compress(v0, v1, v2, v3, np.uint64(word3))
    v0, v1, v2, v3 = _compress(v0, v1, v2, v3, np.uint64(word4))
    v0, v1, v2, v3 = _compress(v0, v1, v2, v3, np.uint64(40) << np.uint64(56))
    return _finish(v0, v1, v2, v3)


@inner_kernel
def _initial_state(
    key0: np.uint64, key1: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    return (
        np.uint64(key0) ^ np.uint64(0x736F6D6570736575),
        np.uint64(key1) ^ np.uint64(0x646F72616E646F6D),
        np.uint64(key0) ^ np.uint64(0x6C7967656E657261),
        np.uint64(key1) ^ np.uint64(0x7465646279746573),
    )


@inner_kernel
def _compress(
    v0: np.uint64, v1: np.uint64, v2: np.uint64, v3: np.uint64, word: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    v0, v1, v2, v3 = _sip_round(v0, v1, v2, v3 ^ word)
    return v0 ^ word, v1, v2, v3


@inner_kernel
def _finish(v0: np.uint64, v1: np.uint64, v2: np.uint64, v3: np.uint64) -> np.uint64:
    v2 ^= np.uint64(0xFF)
    v0, v1, v2, v3 = _sip_round(v0, v1, v2, v3)
    v0, v1, v2, v3 = _sip_round(v0, v1, v2, v3)
    v0, v1, v2, v3 = _sip_round(v0, v1, v2, v3)
    return v0 ^ v1 ^ v2 ^ v3


@inner_kernel
def _sip_round(
    v0: np.uint64, v1: np.uint64, v2: np.uint64, v3: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    v0 += v1
    v1 = _rotated(v1, np.uint64(13)) ^ v0
    v0 = _rotated(v0, np.uint64(32))
    v2 += v3
    v3 = _rotated(v3, np.uint64(16)) ^ v2
    v0 += v3
    v3 = _rotated(v3, np.uint64(21)) ^ v0
    v2 += v1
    v1 = _rotated(v1, np.uint64(17)) ^ v2
    v2 = _rotated(v2, np.uint64(32))
    return v0, v1, v2, v3


@inner_kernel
def _rotated(word: np.uint64, bits: np.uint64) -> np.uint64:
    return (word << bits) | (word >> (np.uint64(64) - bits))


@kernel
def murmur2(buffer: Array, start: SupportsIndex, length: SupportsIndex) -> np.uint64:
    """Kafka's murmur2 of `buffer[start : start + length]`, as unsigned 32 bits."""
    # 32-bit arithmetic in 64-bit words: numba would widen uint32, numpy would not.
    value = _MURMUR_SEED ^ np.uint64(length)
    position = np.int64(start)
    for _ in range(np.int64(length) >> 2):
        word = np.uint64(0)
        for index in range(4):
            word |= np.uint64(buffer[position + index]) << np.uint64(8 * index)
        word = (word * _MURMUR_FACTOR) & _LOW_32_BITS
        word = ((word ^ (word >> np.uint64(24))) * _MURMUR_FACTOR) & _LOW_32_BITS
        value = ((value * _MURMUR_FACTOR) & _LOW_32_BITS) ^ word
        position += 4
    rest = np.int64(length) & 3
    if rest > 0:
        for index in range(rest):
            value ^= np.uint64(buffer[position + index]) << np.uint64(8 * index)
        value = (value * _MURMUR_FACTOR) & _LOW_32_BITS
    value = ((value ^ (value >> np.uint64(13))) * _MURMUR_FACTOR) & _LOW_32_BITS
    return value ^ (value >> np.uint64(15))


@kernel
def write_presentation(
    names: Array, start: SupportsIndex, length: SupportsIndex, scratch: Array
) -> int:
    r"""Write a wire-form name in presentation form, lower case, and return how many bytes it has.

    As `geophone_shared.names.presentation` does it: a byte outside printable ASCII, and a dot or
    a backslash inside of a label, as `\DDD`; the root as one dot.

    Args:
        names: uint8 array with the name, without its root label.
        start: The name's first byte.
        length: Its length in bytes, at most 255.
        scratch: uint8[`PRESENTATION_LIMIT_BYTES`], overwritten.
    """
    written = np.int64(0)
    position = np.int64(start)
    end = position + np.int64(length)
    while position < end:
        if position > np.int64(start):
            scratch[written] = np.uint8(46)
            written += 1
        label_end = min(position + 1 + np.int64(names[position]), end)
        for index in range(position + 1, label_end):
            byte = np.int64(names[index])
            if byte < 33 or byte > 126 or byte == 46 or byte == 92:
                scratch[written] = np.uint8(92)
                scratch[written + 1] = np.uint8(48 + byte // 100)
                scratch[written + 2] = np.uint8(48 + byte // 10 % 10)
                scratch[written + 3] = np.uint8(48 + byte % 10)
                written += 4
            else:
                scratch[written] = np.uint8(byte + 32 if 65 <= byte <= 90 else byte)
                written += 1
        position = label_end
    if end == np.int64(start):
        scratch[0] = np.uint8(46)
        written = np.int64(1)
    return int(written)


@kernel
def partition_of(
    names: Array,
    start: SupportsIndex,
    length: SupportsIndex,
    scratch: Array,
    partitions: SupportsIndex,
) -> int:
    """The partition of a registered domain, 0 ... `partitions` - 1, as Kafka's clients choose it.

    That is murmur2 of its presentation form in lower case, made positive as Kafka does, modulo
    the number of partitions. The arguments are those of `write_presentation`.
    """
    written = write_presentation(names, start, length, scratch)
    positive = murmur2(scratch, np.int64(0), written) & _LOW_31_BITS
    return int(np.int64(positive % np.uint64(partitions)))
