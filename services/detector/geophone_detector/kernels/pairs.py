"""Kernel: live hostnames, and when they leave the windows.

Each window has a wheel: a list of pairs for every one-minute pane. A pair hangs in the wheel of
each window that counts it, at the pane it had when it entered. Seeing it again only moves its
`pane`; when the wheel comes to its bucket, a pair that was seen since is hung at its newer pane,
the others leave the window. So a repeated name costs one store, and a minute's work is in
proportion to what hangs there (hierarchical timing wheels with lazy restarts: Varghese and Lauck,
1987).
"""

import numpy as np

from geophone_detector.kernels.counts import counts_of, gain_name, lose_name, names_in
from geophone_detector.kernels.domains import note_if_empty
from geophone_detector.kernels.layout import (
    LONGEST_PANES,
    NEVER_SEEN,
    NONE,
    WHEEL_PANES,
    WINDOW_PANES,
    WINDOWS,
)
from geophone_detector.kernels.sketches import see_name
from geophone_detector.kernels.tables import Tables
from geophone_shared.jit import Array, inner_kernel, int64, kernel
from geophone_shared.kernels.index import enter, home_slot, next_slot, remove

_WINDOW_PANES = np.array(WINDOW_PANES, np.int64)


@inner_kernel
def find_pair(pairs: Array, slots: Array, hash_value: np.uint64) -> int:
    """The pair of a name's keyed hash, or `NONE`."""
    slot = home_slot(slots, hash_value)
    while True:
        pair = int64(slots[slot])
        if pair == NONE or pairs[pair]["hash"] == hash_value:
            return pair
        slot = next_slot(slots, slot)


@inner_kernel
def has_pair_left(heads: Array, capacity: int) -> bool:
    """Whether a new name can be a pair."""
    return bool(heads[0]["free_pair"] != NONE or heads[0]["unused_pair"] < capacity)


@inner_kernel
def add_pair(
    pairs: Array,
    slots: Array,
    heads: Array,
    hash_value: np.uint64,
    domain: int,
    information: int,
) -> int:
    """Take a pair, of which one is left, for a new name: in no window so far."""
    pair = int64(heads[0]["free_pair"])
    if pair != NONE:
        heads[0]["free_pair"] = pairs[pair]["next"][0]
    else:
        pair = int64(heads[0]["unused_pair"])
        heads[0]["unused_pair"] = pair + 1
    pairs[pair]["hash"] = hash_value
    pairs[pair]["pane"] = NEVER_SEEN
    pairs[pair]["domain"] = domain
    pairs[pair]["information"] = information
    heads[0]["live_pairs"] += 1
    enter(slots, pairs, pair)
    return pair


@inner_kernel
def hang(pairs: Array, wheels: Array, window: int, pair: int, pane: int) -> None:
    """Hang a pair into a window's wheel."""
    bucket = pane & (WHEEL_PANES - 1)
    pairs[pair]["next"][window] = wheels[window, bucket]
    wheels[window, bucket] = pair


@inner_kernel
def touch_pair(tables: Tables, pair: int, pane: int) -> bool:
    """See a name in a pane that the longest window holds.

    Returns:
        Whether a window gained the name; then its domain's counts have risen.
    """
    pairs, domains = tables.pairs, tables.domains
    old = int64(pairs[pair]["pane"])
    if pane <= old:
        return False
    pairs[pair]["pane"] = pane
    now = int64(tables.heads[0]["now_pane"])
    if old > now - WINDOW_PANES[0]:
        return False
    domain = int64(pairs[pair]["domain"])
    if old <= now - LONGEST_PANES and names_in(domains, tables.counts, domain, WINDOWS - 1) > 0:
        counts_of(domains, tables.counts, tables.heads, domain)
    information = int64(pairs[pair]["information"])
    has_gained = False
    for window in range(WINDOWS):
        if old <= now - _WINDOW_PANES[window] < pane:
            has_gained = True
            hang(pairs, tables.wheels, window, pair, pane)
            gain_name(domains, tables.counts, domain, window, information)
    return has_gained


@inner_kernel
def free_pair(tables: Tables, pair: int) -> None:
    """Free a pair that no window counts any more."""
    heads = tables.heads
    remove(tables.pair_slots, tables.pairs, pair)
    tables.pairs[pair]["pane"] = NEVER_SEEN
    tables.pairs[pair]["next"][0] = heads[0]["free_pair"]
    heads[0]["free_pair"] = pair
    heads[0]["live_pairs"] -= 1


@inner_kernel
def _advance_one(tables: Tables, now: int) -> None:
    pairs = tables.pairs
    for window in range(WINDOWS):
        leaving = now - _WINDOW_PANES[window]
        bucket = leaving & (WHEEL_PANES - 1)
        pair = int64(tables.wheels[window, bucket])
        tables.wheels[window, bucket] = NONE
        while pair != NONE:
            following = int64(pairs[pair]["next"][window])
            pane = int64(pairs[pair]["pane"])
            if pane > leaving:
                hang(pairs, tables.wheels, window, pair, pane)
            else:
                domain = int64(pairs[pair]["domain"])
                information = int64(pairs[pair]["information"])
                lose_name(tables.domains, tables.counts, domain, window, information)
                if window == WINDOWS - 1:
                    free_pair(tables, pair)
                    note_if_empty(tables, domain)
            pair = following


@kernel
def advance_panes(tables: Tables, now: int) -> None:
    """Move the windows' end to the pane `now`; what they no longer hold leaves them.

    A jump costs no more than the longest window: after that many panes nothing is left.
    """
    heads = tables.heads
    pane = int64(heads[0]["now_pane"])
    last = min(now, pane + LONGEST_PANES)
    while pane < last:
        pane += 1
        _advance_one(tables, pane)
    heads[0]["now_pane"] = now


@kernel
def copy_to_sketch(tables: Tables, domain: int, sketch: int, base_pane: int) -> None:
    """Let a sketch see all live names of a domain, each in the pane it was last seen in."""
    pairs = tables.pairs
    for pair in range(int64(tables.heads[0]["unused_pair"])):
        pane = int64(pairs[pair]["pane"])
        if pairs[pair]["domain"] == domain and pane != NEVER_SEEN:
            see_name(
                tables.sketch_panes,
                tables.sketch_weights,
                sketch,
                pane - base_pane,
                pairs[pair]["hash"],
                int64(pairs[pair]["information"]),
            )


@kernel
def reindex(slots: Array, records: Array, count: int) -> None:
    """Enter the first `count` records into an empty index, after it has grown."""
    for record in range(count):
        enter(slots, records, record)
