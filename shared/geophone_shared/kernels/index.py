"""Kernel: the open-addressing index of a table of records that have a `hash` field.

`slots` is int32[power of two], at most 5/8 full, `VACANT` where empty; the others hold the index
of a record. Linear probing, deletion by backward shift (Knuth, TAOCP vol. 3, §6.4, algorithm R), so
there are no tombstones and a lookup never gets slower with the table's age.
"""

import numpy as np

from geophone_shared.jit import Array, int64, kernel

VACANT = -1


@kernel
def home_slot(slots: Array, hash_value: np.uint64) -> int:
    """Where the search for a hash begins."""
    return int64(hash_value & np.uint64(slots.size - 1))


@kernel
def next_slot(slots: Array, slot: int) -> int:
    """Where the search goes on."""
    return (slot + 1) & (slots.size - 1)


@kernel
def is_full(slots: Array, live: int) -> bool:
    """Whether one record more than the `live` ones would fill more than 5/8 of an index."""
    return 8 * (live + 1) > 5 * int64(slots.size)


@kernel
def enter(slots: Array, records: Array, record: int) -> None:
    """Enter a record under its hash; the caller has made sure that there is room."""
    slot = home_slot(slots, records[record]["hash"])
    while slots[slot] != VACANT:
        slot = next_slot(slots, slot)
    slots[slot] = record


@kernel
def remove(slots: Array, records: Array, record: int) -> None:
    """Remove a record that was entered."""
    mask = slots.size - 1
    hole = home_slot(slots, records[record]["hash"])
    while slots[hole] != record:
        hole = next_slot(slots, hole)
    probe = next_slot(slots, hole)
    while slots[probe] != VACANT:
        home = home_slot(slots, records[slots[probe]]["hash"])
        # A record may fill the hole unless its home lies between the hole and where it stands.
        if (probe - home) & mask >= (probe - hole) & mask:
            slots[hole] = slots[probe]
            hole = probe
        probe = next_slot(slots, probe)
    slots[hole] = VACANT
