"""Kernel: the table of queries that wait for a response.

Entries are found by an index of their flow and id under a keyed hash, and are linked in the order
of arrival, which is the order of ageing. Freed entries are used again last-in first-out: the few
that are in use at a time stay in the processor's cache, however large the table may become.
"""

from typing import NamedTuple

import numpy as np

from geophone_shared.jit import Array, inner_kernel, int64, kernel
from geophone_shared.kernels.hashing import siphash13_5
from geophone_shared.kernels.index import VACANT, enter, home_slot, next_slot, remove

NONE = VACANT
"""No entry."""

PENDING = np.dtype(
    [
        ("client_high", "u8"),
        ("client_low", "u8"),
        ("server_high", "u8"),
        ("server_low", "u8"),
        ("ports_and_id", "u8"),
        ("hash", "u8"),
        ("time_us", "i8"),
        ("older", "i4"),
        ("newer", "i4"),
        ("bytes_in", "u4"),
        ("notes", "u4"),
        ("query_flags", "u2"),
        ("query_type", "u2"),
        ("query_class", "u2"),
        ("name_length", "u1"),
        ("edns", "u1"),
    ],
    align=True,
)
"""A waiting query. `ports_and_id` is client port, server port, transport, id: 16 bits each."""

NAME_WORDS = 32
"""64-bit words for a name: 256 bytes hold the longest."""

HEADS = np.dtype(
    [
        ("oldest", "i8"),
        ("newest", "i8"),
        ("free", "i8"),
        ("unused", "i8"),
        ("count", "i8"),
        ("index_slots", "i8"),
    ]
)
"""Heads of the lists: by arrival, of freed entries, and the first entry never used so far; and how
many slots the index has grown to."""

FIRST_INDEX_SLOTS = 1024
"""A small index stays in the processor's cache; it is doubled when it is half full."""


class Pending(NamedTuple):
    """The table.

    Attributes:
        entries: `PENDING` array; its size is the table's capacity.
        names: uint64[capacity * NAME_WORDS]: wire names, original case, zeros behind them.
        slots: int32[power of two > 2 * capacity]: room for the index; `NONE` where empty.
        heads: one `HEADS`.
        key0: first half of the secret that keys the index.
        key1: its second half.
    """

    entries: Array
    names: Array
    slots: Array
    heads: Array
    key0: np.uint64
    key1: np.uint64


@kernel
def flow_hash(pending: Pending, key: Array) -> np.uint64:
    """The keyed hash of a `PENDING` key, so that nobody can choose flows that collide."""
    return siphash13_5(
        key[0]["client_high"],
        key[0]["client_low"],
        key[0]["server_high"],
        key[0]["server_low"],
        key[0]["ports_and_id"],
        pending.key0,
        pending.key1,
    )


@inner_kernel
def _grow_index(pending: Pending) -> None:
    heads = pending.heads
    heads[0]["index_slots"] = min(2 * heads[0]["index_slots"], pending.slots.size)
    slots = pending.slots[: pending.heads[0]["index_slots"]]
    for slot in range(slots.size):
        slots[slot] = VACANT
    entry = int64(heads[0]["oldest"])
    while entry != NONE:
        enter(slots, pending.entries, entry)
        entry = int64(pending.entries[entry]["newer"])


@kernel
def find_pending(pending: Pending, key: Array) -> int:
    """The entry with the flow and id of `key` (its `hash` set), or `NONE`."""
    entries, slots = pending.entries, pending.slots[: pending.heads[0]["index_slots"]]
    slot = home_slot(slots, key[0]["hash"])
    while True:
        entry = int64(slots[slot])
        if entry == NONE:
            return NONE
        if (
            entries[entry]["hash"] == key[0]["hash"]
            and entries[entry]["ports_and_id"] == key[0]["ports_and_id"]
            and entries[entry]["client_low"] == key[0]["client_low"]
            and entries[entry]["server_low"] == key[0]["server_low"]
            and entries[entry]["client_high"] == key[0]["client_high"]
            and entries[entry]["server_high"] == key[0]["server_high"]
        ):
            return entry
        slot = next_slot(slots, slot)


@kernel
def add_pending(pending: Pending, key: Array) -> int:
    """Take a free entry for `key`, newest in the order of arrival.

    The caller has made sure that the table isn't full and doesn't hold the key.
    """
    entries, heads = pending.entries, pending.heads
    if 2 * heads[0]["count"] >= heads[0]["index_slots"]:
        _grow_index(pending)
    entry = heads[0]["free"]
    if entry != NONE:
        heads[0]["free"] = entries[entry]["newer"]
    else:
        entry = heads[0]["unused"]
        heads[0]["unused"] += 1
    entries[entry]["client_high"] = key[0]["client_high"]
    entries[entry]["client_low"] = key[0]["client_low"]
    entries[entry]["server_high"] = key[0]["server_high"]
    entries[entry]["server_low"] = key[0]["server_low"]
    entries[entry]["ports_and_id"] = key[0]["ports_and_id"]
    entries[entry]["hash"] = key[0]["hash"]
    newest = heads[0]["newest"]
    entries[entry]["older"] = newest
    entries[entry]["newer"] = NONE
    if newest == NONE:
        heads[0]["oldest"] = entry
    else:
        entries[newest]["newer"] = entry
    heads[0]["newest"] = entry
    heads[0]["count"] += 1
    enter(pending.slots[: pending.heads[0]["index_slots"]], entries, entry)
    return int64(entry)


@kernel
def remove_pending(pending: Pending, entry: int) -> None:
    """Take `entry` out of the index and the order of arrival, and free it."""
    entries, heads = pending.entries, pending.heads
    remove(pending.slots[: pending.heads[0]["index_slots"]], entries, entry)
    older = int64(entries[entry]["older"])
    newer = int64(entries[entry]["newer"])
    if older == NONE:
        heads[0]["oldest"] = newer
    else:
        entries[older]["newer"] = newer
    if newer == NONE:
        heads[0]["newest"] = older
    else:
        entries[newer]["older"] = older
    entries[entry]["newer"] = heads[0]["free"]
    heads[0]["free"] = entry
    heads[0]["count"] -= 1
