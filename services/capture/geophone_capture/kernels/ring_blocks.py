"""Kernel: the packets of one block of a TPACKET_V3 ring.

Linux's uapi/linux/if_packet.h: `struct tpacket_block_desc`, then packets, each behind a `struct
tpacket3_hdr`. Everything is aligned to 16 bytes and in the byte order of the machine, so the ring
is read as 32-bit words. Nothing that a header claims is believed before it is known to lie inside
of the block.
"""

import sys

import numpy as np

from geophone_capture.kernels.records import append_packet
from geophone_shared.jit import Array, inner_kernel, int64, kernel
from geophone_shared.kernels.octets import copy_octets

BLOCK_STATUS_AT = 8
"""Where in a block its status is, a 32-bit word: 0 the kernel's, else the reader's."""

STATUS_USER = 1
"""TP_STATUS_USER, bit of a block's status: it holds packets for the reader."""

PACKET_HEADER_BYTES = 48
"""`struct tpacket3_hdr`, at least so far before the next one; an address follows."""

_BLOCK_HEADER_BYTES = 48
_VLAN_VALID = 1 << 4  # TP_STATUS_VLAN_VALID: a tag that card or kernel took off
_MAC_SHIFT = 0 if sys.byteorder == "little" else 16  # `tp_mac` is the first half of its word


@inner_kernel
def _word(words: Array, at: int) -> int:
    """The word at byte `at`; an unsigned index spares numba the look for negative ones."""
    return int64(words[np.uint64(at >> 2)])


@kernel
def walk_ring_block(
    words: Array, block_start: int, block_bytes: int, link: int, packets: Array
) -> tuple[int, int, int]:
    """Write a row for each packet of a block that the kernel has handed over.

    Args:
        words: uint32, the whole ring.
        block_start: first byte of the block in the ring.
        block_bytes: of the block; the ring has so many there.
        link: link type of the interface.
        packets: `PACKET` rows; their offsets count from the start of the ring.

    Returns:
        (count, tagged, lost): rows written; how many of these had a VLAN tag that isn't among
        their bytes; packets that the block claims to have, and can't have.
    """
    block_end = block_start + block_bytes
    claimed = _word(words, block_start + 12)
    at = block_start + _word(words, block_start + 16)
    count = int64(0)
    tagged = int64(0)
    while count < claimed:
        if count == len(packets) or at & 3 != 0:
            break
        if at < block_start + _BLOCK_HEADER_BYTES or at + PACKET_HEADER_BYTES > block_end:
            break
        captured = _word(words, at + 12)
        offset = at + ((_word(words, at + 24) >> _MAC_SHIFT) & 0xFFFF)
        if offset + captured > block_end:
            break
        time_us = _word(words, at + 4) * 1_000_000 + _word(words, at + 8) // 1_000
        if _word(words, at + 20) & _VLAN_VALID != 0:
            tagged += 1
        append_packet(packets, count, offset, time_us, captured, _word(words, at + 16), link)
        count += 1
        following = _word(words, at)
        if following == 0:  # the last one has none
            break
        at += following
    return count, tagged, int64(max(claimed - count, 0))


@kernel
def copy_packets(target: Array, target_at: int, source: Array, packets: Array, moved: Array) -> int:
    """Copy the bytes of packets to lie one after the other; their rows to `moved`.

    Args:
        target: uint8, with room for all of them from `target_at` on.
        target_at: where the first one goes.
        source: uint8, what `packets` count in.
        packets: `PACKET` rows.
        moved: `PACKET` rows, as many; not the same, or the same.

    Returns:
        Where the last one ends in `target`.
    """
    at = int64(target_at)
    for index in range(len(packets)):
        offset = int64(packets[index]["offset"])
        captured = int64(packets[index]["captured"])
        copy_octets(target, at, source, offset, captured)
        moved[index] = packets[index]
        moved[index]["offset"] = at
        at += captured
    return at
