"""Kernel: live hostnames, and when they leave the windows.

Each window has a wheel: a list of pairs for every one-minute pane. A pair hangs in the wheel of
each window that counts it, at the pane it had when it entered. Seeing it again only moves its
`pane`; when the wheel comes to its bucket, a pair that was seen since is hung at its newer pane,
the others leave the window. So a repeated name costs one store, and a minute's work is in
proportion to what hangs there (hierarchical timing wheels with lazy restarts: Varghese and Lauck,
1987).
"""

import numpy as np

from geophone_detector.kernels.layout import (
    LONGEST_PANES,
    NEVER_SEEN,
    NONE,
    WHEEL_PANES,
    WINDOW_PANES,
    WINDOWS,
    Tables,
)
from geophone_shared.jit import Array, inner_kernel, int64, kernel
from geophone_shared.kernels.index import enter, home_slot, next_slot, remove

_WINDOW_PANES = np.array(WINDOW_PANES, np.int64)


@kernel
def find_pair(tables: Tables, hash_value: np.uint64) -> int:
    """The pair of a name's keyed hash, or `NONE`."""
    pairs, slots = tables.pairs, tables.pair_slots
    slot = home_slot(slots, hash_value)
    while True:
        pair = int64(slots[slot])
        if pair == NONE or pairs[pair]["hash"] == hash_value:
            return pair
        slot = next_slot(slots, slot)


@kernel
def add_pair(tables: Tables, hash_value: np.uint64, domain: int, information: int) -> int:
    """Take a pair for a new name, in no window so far; `NONE` where there is no room."""
    pairs, heads = tables.pairs, tables.heads
    pair = int64(heads[0]["free_pair"])
    if pair != NONE:
        heads[0]["free_pair"] = pairs[pair]["next"][0]
    elif heads[0]["unused_pair"] < pairs.size:
        pair = int64(heads[0]["unused_pair"])
        heads[0]["unused_pair"] += 1
    else:
        return NONE
    pairs[pair]["hash"] = hash_value
    pairs[pair]["pane"] = NEVER_SEEN
    pairs[pair]["domain"] = domain
    pairs[pair]["information"] = information
    heads[0]["live_pairs"] += 1
    enter(tables.pair_slots, pairs, pair)
    return pair


@inner_kernel
def _hang(tables: Tables, window: int, pair: int, pane: int) -> None:
    bucket = pane & (WHEEL_PANES - 1)
    tables.pairs[pair]["next"][window] = tables.wheels[window, bucket]
    tables.wheels[window, bucket] = pair


@kernel
def touch_pair(tables: Tables, pair: int, pane: int) -> bool:
    """See a name in a pane that the longest window holds.

    Returns:
        Whether a window gained the name; then its domain's counts and peaks have risen.
    """
    pairs, domains = tables.pairs, tables.domains
    old = int64(pairs[pair]["pane"])
    if pane <= old:
        return False
    pairs[pair]["pane"] = pane
    now = int64(tables.heads[0]["now_pane"])
    if old > now - WINDOW_PANES[0]:
        return False
    has_gained = False
    domain = int64(pairs[pair]["domain"])
    for window in range(WINDOWS):
        left = now - _WINDOW_PANES[window]
        if old <= left < pane:
            has_gained = True
            _hang(tables, window, pair, pane)
            domains[domain]["names"][window] += np.uint32(1)
            domains[domain]["information"][window] += np.uint32(pairs[pair]["information"])
            domains[domain]["peak_names"][window] = max(
                domains[domain]["peak_names"][window], domains[domain]["names"][window]
            )
            domains[domain]["peak_information"][window] = max(
                domains[domain]["peak_information"][window], domains[domain]["information"][window]
            )
    return has_gained


@inner_kernel
def _free_pair(tables: Tables, pair: int) -> None:
    heads = tables.heads
    remove(tables.pair_slots, tables.pairs, pair)
    tables.pairs[pair]["next"][0] = heads[0]["free_pair"]
    heads[0]["free_pair"] = pair
    heads[0]["live_pairs"] -= 1


@inner_kernel
def _advance_one(tables: Tables, now: int) -> None:
    pairs, domains = tables.pairs, tables.domains
    for window in range(WINDOWS):
        leaving = now - _WINDOW_PANES[window]
        bucket = leaving & (WHEEL_PANES - 1)
        pair = int64(tables.wheels[window, bucket])
        tables.wheels[window, bucket] = NONE
        while pair != NONE:
            following = int64(pairs[pair]["next"][window])
            pane = int64(pairs[pair]["pane"])
            if pane > leaving:
                _hang(tables, window, pair, pane)
            else:
                domain = int64(pairs[pair]["domain"])
                domains[domain]["names"][window] -= np.uint32(1)
                domains[domain]["information"][window] -= np.uint32(pairs[pair]["information"])
                if window == WINDOWS - 1:
                    _free_pair(tables, pair)
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
def reindex(slots: Array, records: Array, count: int) -> None:
    """Enter the first `count` records into an empty index, after it has grown."""
    for record in range(count):
        enter(slots, records, record)
