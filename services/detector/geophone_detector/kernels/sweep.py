"""Kernel: free the domains with the fewest names, oldest first, when the tables are full."""

from geophone_detector.kernels.counts import names_in, sketch_of
from geophone_detector.kernels.domains import free_domain
from geophone_detector.kernels.layout import (
    EVERYONE,
    NEVER,
    NEVER_SEEN,
    NONE,
    WHEEL_PANES,
    WINDOW_PANES,
    WINDOWS,
)
from geophone_detector.kernels.pairs import free_pair, hang
from geophone_detector.kernels.tables import Tables
from geophone_shared.jit import Array, int64, kernel

_MOST_NAMES = 4_095
"""More names count as these: whoever has them is swept last anyway."""
_TIME_BITS = 51
"""Microseconds until the year 2041; later ones count as of then."""
_SWEPT = 128
"""The bit of a domain's `lives` that marks it while pairs are swept."""

_WINDOW_PANES = WINDOW_PANES


@kernel
def sweep_keys(tables: Tables, keys: Array) -> None:
    """Rank the domains: the lower its key, the sooner a domain is swept.

    Args:
        tables: the state.
        keys: int64, one for each record of `domains` ever used, filled: live names, then the time
            of the last row; `NEVER` for those that stay: free, with an open alert, with a sketch.
    """
    for domain in range(keys.size):
        record = tables.domains[domain]
        is_sketched = sketch_of(tables.domains, tables.counts, domain) >= 0
        if record["first_us"] == NEVER or record["watch"] != EVERYONE or is_sketched:
            keys[domain] = NEVER
        else:
            names = min(names_in(tables.domains, tables.counts, domain, WINDOWS - 1), _MOST_NAMES)
            last_us = min(int64(record["last_us"]), (1 << _TIME_BITS) - 1)
            keys[domain] = (names << _TIME_BITS) | last_us


@kernel
def count_to_sweep(
    tables: Tables, keys: Array, order: Array, pairs: int, domains: int, names_bytes: int
) -> int:
    """How many domains have to go until no more is left of anything than these.

    Args:
        tables: the state.
        keys: int64 of `sweep_keys`.
        order: int64, the domains by their keys.
        pairs: live names to be left.
        domains: domains to be left.
        names_bytes: bytes of domains' names to be left.
    """
    heads = tables.heads
    live_pairs = int64(heads[0]["live_pairs"])
    live_domains = int64(heads[0]["live_domains"])
    live_bytes = int64(heads[0]["names_bytes"]) - int64(heads[0]["names_garbage_bytes"])
    for index in range(order.size):
        if live_pairs <= pairs and live_domains <= domains and live_bytes <= names_bytes:
            return index
        domain = order[index]
        if keys[domain] == NEVER:
            return index
        live_pairs -= names_in(tables.domains, tables.counts, domain, WINDOWS - 1)
        live_domains -= 1
        live_bytes -= int64(tables.domains[domain]["name_length"])
    return int64(order.size)


@kernel
def sweep_domains(tables: Tables, order: Array, count: int) -> None:
    """Free the first `count` domains of `order` with all their pairs, and hang the others anew."""
    pairs, domains = tables.pairs, tables.domains
    now = int64(tables.heads[0]["now_pane"])
    for index in range(count):
        domains[order[index]]["lives"] = _SWEPT
    for window in range(WINDOWS):
        for bucket in range(WHEEL_PANES):
            tables.wheels[window, bucket] = NONE
    for pair in range(int64(tables.heads[0]["unused_pair"])):
        pane = int64(pairs[pair]["pane"])
        if pane == NEVER_SEEN:
            continue
        if domains[pairs[pair]["domain"]]["lives"] == _SWEPT:
            free_pair(tables, pair)
            continue
        for window in range(WINDOWS):
            if pane > now - _WINDOW_PANES[window]:
                hang(pairs, tables.wheels, window, pair, pane)
    for index in range(count):
        free_domain(tables, int64(order[index]))
