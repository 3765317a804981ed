"""Which suffix of a set covers a name, and where its registered domain starts.

A set of suffixes is a tree of labels, read from the right: a node for `com`, below it one for
`example.com`. All nodes lie in one open-addressing hash table (`geophone_shared.suffixes` builds
it). A node is looked up by its parent and its label, and both are compared, so a collision of
hashes can't matter. A walk ends at the first label that has no node: mostly the second one.

Names are wire form without the root label, at most 255 bytes; letters A-Z count as a-z.
"""

from typing import SupportsIndex

import numpy as np

from geophone_shared.jit import Array, inner_kernel, int64, kernel
from geophone_shared.kernels.octets import le64, lower_case

SUFFIX_SLOT = np.dtype(
    [("key", "u8"), ("parent", "u4"), ("label_offset", "u4"), ("flags", "u4")], align=True
)
"""A slot of the table: empty where `key` is 0, otherwise the node with the number slot + 1.

The low byte of `key` is the length of the node's label. Above it are the bytes of a label of up to
`WHOLE_LABEL_BYTES`, the first one lowest, in lower case. Of a longer one it is a hash, and the
bytes start at `label_offset` of the table's label bytes. `parent` is the parent's number.
"""

ROOT = 0
"""The number of the root, the parent of the top-level domains."""

RULE = 1
"""Flag: the set has this suffix."""
WILDCARD = 2
"""Flag: the set has this suffix with any one label before it (`*.ck`)."""
EXCEPTION = 4
"""Flag: not this suffix is in the set, but the one that it is right below (`!www.ck`)."""
PARENT = 8
"""Flag: the node has children."""

WHOLE_LABEL_BYTES = 7
"""A label of up to so many bytes is its own key."""

KEY_FACTOR = 0x9E3779B97F4A7C15
"""2**64 divided by the golden ratio (Fibonacci hashing; Knuth, The Art of Computer Programming,
6.4)."""

_FACTOR = np.uint64(KEY_FACTOR)
_ONE = np.uint64(1)
_LOW_BYTE = np.uint64(0xFF)
_ALL_BITS = np.uint64(0xFFFFFFFFFFFFFFFF)


@kernel
def longest_suffix_match(
    names: Array, start: SupportsIndex, length: SupportsIndex, slots: Array, labels: Array
) -> int:
    """Where the longest suffix of a name that the set has starts, in bytes from the name's start.

    -1 where it has none of them, and for bytes that aren't a name. A node goes before a wildcard,
    as in tldextract: `*.x` and `*.y.x` together don't have `y.x`.

    Args:
        names: uint8 array with the name.
        start: The name's first byte.
        length: Its length in bytes.
        slots: `SUFFIX_SLOT` array, a power of two long, not full.
        labels: uint8 array of label bytes.
    """
    # Unsigned, because numba lets a signed index count from the end, which costs time.
    first = np.uint64(start)
    end = first + np.uint64(length)
    position = first
    label_count = np.int64(0)
    while position < end:
        label_length = np.uint64(names[position])
        if label_length == 0 or label_length > 63:
            break
        position += label_length + _ONE
        label_count += 1
    if position != end:
        label_count = np.int64(0)

    match = np.int64(-1)
    node = np.uint64(ROOT)
    flags = np.uint32(PARENT)
    mask = np.uint64(slots.shape[0] - 1)
    for labels_before in range(label_count - 1, -1, -1):
        position = first
        for _ in range(labels_before):
            position += np.uint64(names[position]) + _ONE
        label_length = np.uint64(names[position])

        # The label's key, as in `suffixes.label_key`.
        key = np.uint64(0)
        if label_length <= WHOLE_LABEL_BYTES:
            if position + np.uint64(8) <= np.uint64(names.shape[0]):
                key = le64(names, int64(position))
            else:
                for index in range(8):
                    at = position + min(np.uint64(index), label_length)
                    key |= np.uint64(names[at]) << np.uint64(8 * index)
            key = lower_case(key & (_ALL_BITS >> (np.uint64(56) - np.uint64(8) * label_length)))
        else:
            for word_start in range(0, np.int64(label_length), 8):
                # The last word overlaps the one before it.
                at = position + _ONE + min(np.uint64(word_start), label_length - np.uint64(8))
                key = (key ^ lower_case(le64(names, int64(at)))) * _FACTOR
                key ^= key >> np.uint64(32)
            key = (key & ~_LOW_BYTE) | label_length

        # Its slot, as in `suffixes.home_slot`, or the empty one that the search ends at.
        slot = (((key ^ (node << np.uint64(32))) * _FACTOR) >> np.uint64(32)) & mask
        while slots[slot]["key"] != 0:
            if slots[slot]["key"] == key and slots[slot]["parent"] == node:
                if label_length <= WHOLE_LABEL_BYTES:
                    break
                offset = np.uint64(slots[slot]["label_offset"])
                same = np.uint64(0)
                while same < label_length:
                    byte = np.uint64(names[position + _ONE + same])
                    if 65 <= byte <= 90:
                        byte += np.uint64(32)
                    if byte != np.uint64(labels[offset + same]):
                        break
                    same += _ONE
                if same == label_length:
                    break
            slot = (slot + _ONE) & mask

        if slots[slot]["key"] == 0:
            if flags & np.uint32(WILDCARD):
                match = np.int64(position - first)
            break
        flags = slots[slot]["flags"]
        if flags & np.uint32(EXCEPTION):
            match = np.int64(position + label_length + _ONE - first)
            break
        if flags & np.uint32(RULE):
            match = np.int64(position - first)
        if not flags & np.uint32(PARENT | WILDCARD):
            break
        node = slot + _ONE
    return int(match)


@kernel
def registered_domain_offset(
    names: Array, start: SupportsIndex, length: SupportsIndex, slots: Array, labels: Array
) -> int:
    """Where the registered domain of a name starts, in bytes from the name's start.

    It is the public suffix and one label before it. Without a rule for a name the last label is
    its suffix (the list's implicit rule `*`), unless that is a number. A name that is itself a
    suffix or ends in a number, the root, and bytes that aren't a name are taken whole: 0.

    The arguments are those of `longest_suffix_match`.
    """
    suffix_offset = longest_suffix_match(names, start, length, slots, labels)
    return _offset_before(names, start, length, suffix_offset)


@kernel
def assign_domain_offsets(rows: Array, names: Array, slots: Array, labels: Array) -> None:
    """Set `domain_offset` of rows to the `registered_domain_offset` of their names.

    Args:
        rows: `ROW` array (`geophone_shared.transactions`).
        names: uint8 array that the rows' names lie in.
        slots: `SUFFIX_SLOT` array, a power of two long, not full.
        labels: uint8 array of label bytes.
    """
    for index in range(rows.shape[0]):
        start = np.int64(rows[index]["name_offset"])
        length = np.int64(rows[index]["name_length"])
        suffix_offset = longest_suffix_match(names, start, length, slots, labels)
        offset = _offset_before(names, start, length, suffix_offset)
        rows[index]["domain_offset"] = np.uint8(offset)


@inner_kernel
def _offset_before(
    names: Array, start: SupportsIndex, length: SupportsIndex, suffix_offset: int
) -> int:
    """The offset of the label before a suffix; before the last label where `suffix_offset` is -1.

    0 where there is no label before it.
    """
    first = np.uint64(start)
    end = first + np.uint64(length if suffix_offset < 0 else suffix_offset)
    position = first
    last = first
    before = first
    while position < end:
        label_length = np.uint64(names[position])
        if label_length == 0 or label_length > 63:
            break
        before = last
        last = position
        position += label_length + _ONE
    if position != end:
        return 0
    if suffix_offset >= 0:
        return int(np.int64(last - first))
    digits = last + _ONE
    while digits < end and 48 <= names[digits] <= 57:
        digits += _ONE
    if digits == end:
        return 0
    return int(np.int64(before - first))
