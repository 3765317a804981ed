"""Kernel: the records of registered domains: found, made, added to, freed."""

import numpy as np

from geophone_detector.kernels.counts import free_counts, names_in, sketch_of
from geophone_detector.kernels.evidence import free_evidence
from geophone_detector.kernels.layout import EVERYONE, NEVER, NONE, UNSEEN, WINDOWS
from geophone_detector.kernels.tables import Tables
from geophone_shared.jit import Array, inner_kernel, int64, kernel
from geophone_shared.kernels.domains import longest_suffix_match
from geophone_shared.kernels.hashing import siphash13
from geophone_shared.kernels.index import enter, home_slot, next_slot, remove
from geophone_shared.kernels.octets import is_same_name, lower_cased, octet
from geophone_shared.transactions import Outcome

_UNANSWERED = int(Outcome.UNANSWERED)
_UNSOLICITED = int(Outcome.UNSOLICITED)

_HASH_BITS = np.uint64(0xFFFF_FFFF)


@inner_kernel
def _add_domain(
    tables: Tables, hash_value: np.uint64, names: Array, start: int, length: int
) -> int:
    domains, heads = tables.domains, tables.heads
    at = int64(heads[0]["names_bytes"])
    if at + length > tables.domain_names.size:
        return NONE
    domain = int64(heads[0]["free_domain"])
    if domain != NONE:
        heads[0]["free_domain"] = domains[domain]["counts"]
    elif heads[0]["unused_domain"] < domains.size:
        domain = int64(heads[0]["unused_domain"])
        heads[0]["unused_domain"] = domain + 1
    else:
        return NONE
    heads[0]["live_domains"] += 1
    heads[0]["names_bytes"] = at + length
    for index in range(length):
        tables.domain_names[at + index] = lower_cased(octet(names, start + index))
    domains[domain]["hash"] = hash_value
    domains[domain]["name_offset"] = at
    domains[domain]["name_length"] = length
    domains[domain]["first_us"] = NEVER
    domains[domain]["last_us"] = UNSEEN
    domains[domain]["bytes_in"] = 0
    domains[domain]["bytes_out"] = 0
    domains[domain]["queries"] = 0
    domains[domain]["unanswered"] = 0
    domains[domain]["counts"] = NONE
    domains[domain]["evidence"] = NONE
    domains[domain]["watch"] = EVERYONE
    domains[domain]["lives"] = 0
    domains[domain]["peaks"] = 0
    domains[domain]["information"] = 0
    for window in range(WINDOWS):
        domains[domain]["peak_information"][window] = 0
    enter(tables.domain_slots, domains, domain)
    return domain


@inner_kernel
def domain_of(
    tables: Tables, names: Array, start: int, length: int, domain_offset: int, may_add: bool
) -> int:
    """The record of a name's domain, made where there is none.

    The key is the registered domain, or the entry of the allow list that covers the name where
    that is finer. Names are compared byte by byte: a collision of hashes can't mix two domains.

    Args:
        tables: the state.
        names: uint8; the name is `names[start : start + length]`, wire form.
        start: where the name starts.
        length: its length.
        domain_offset: where its registered domain starts, counted from `start`.
        may_add: whether to make one.

    Returns:
        The record's index, or `NONE` where there is none and no room.
    """
    entry_offset = longest_suffix_match(
        names, start, length, tables.allow_slots, tables.allow_labels
    )
    key_offset = domain_offset
    if 0 <= entry_offset < domain_offset:
        key_offset = entry_offset
    start += key_offset
    length -= key_offset
    domains, slots = tables.domains, tables.domain_slots
    hash_value = siphash13(names, start, length, tables.key0, tables.key1) & _HASH_BITS
    slot = home_slot(slots, hash_value)
    while True:
        domain = int64(slots[slot])
        if domain == NONE:
            if not may_add:
                return NONE
            domain = _add_domain(tables, hash_value, names, start, length)
            if domain != NONE:
                domains[domain]["is_allowed"] = entry_offset >= 0
            return domain
        if (
            np.uint64(domains[domain]["hash"]) == hash_value
            and domains[domain]["name_length"] == length
            and is_same_name(
                tables.domain_names, int64(domains[domain]["name_offset"]), names, start, length
            )
        ):
            return domain
        slot = next_slot(slots, slot)


@inner_kernel
def count_row(domains: Array, domain: int, row: Array, time_us: int) -> None:
    """Add a row (one `ROW`), which is of `time_us`, to the domain's totals."""
    domains[domain]["first_us"] = min(domains[domain]["first_us"], time_us)
    domains[domain]["last_us"] = max(domains[domain]["last_us"], time_us)
    domains[domain]["bytes_in"] += np.uint64(row["bytes_in"])
    domains[domain]["bytes_out"] += np.uint64(row["bytes_out"])
    if row["outcome"] != _UNSOLICITED:
        domains[domain]["queries"] += np.uint32(1)
    if row["outcome"] == _UNANSWERED:
        domains[domain]["unanswered"] += np.uint32(1)


@inner_kernel
def note_if_empty(tables: Tables, domain: int) -> None:
    """List a domain in `emptied` whose last name has left, unless an alert of it is open."""
    if (
        names_in(tables.domains, tables.counts, domain, WINDOWS - 1) == 0
        and tables.domains[domain]["watch"] == EVERYONE
        and sketch_of(tables.domains, tables.counts, domain) < 0
    ):
        emptied = int64(tables.heads[0]["emptied"])
        tables.emptied[emptied] = domain
        tables.heads[0]["emptied"] = emptied + 1


@kernel
def note_domain(tables: Tables, domain: int) -> None:
    """`note_if_empty`, for callers in Python."""
    note_if_empty(tables, domain)


@inner_kernel
def free_domain(tables: Tables, domain: int) -> None:
    """Free a domain that has no pairs: its record, its counts, its evidence, its name."""
    domains, heads = tables.domains, tables.heads
    remove(tables.domain_slots, domains, domain)
    free_counts(tables, domain)
    free_evidence(tables, domain)
    heads[0]["names_garbage_bytes"] += int64(domains[domain]["name_length"])
    domains[domain]["first_us"] = NEVER
    domains[domain]["counts"] = heads[0]["free_domain"]
    heads[0]["free_domain"] = domain
    heads[0]["live_domains"] -= 1


@kernel
def free_emptied(tables: Tables) -> None:
    """Free the domains that are listed in `emptied`."""
    for index in range(int64(tables.heads[0]["emptied"])):
        free_domain(tables, int64(tables.emptied[index]))
    tables.heads[0]["emptied"] = 0


@kernel
def compact_names(tables: Tables, order: Array) -> None:
    """Close the gaps that freed domains left among the names.

    Args:
        tables: the state.
        order: int64, all live domains by their `name_offset`.
    """
    names, domains = tables.domain_names, tables.domains
    at = 0
    for index in range(order.size):
        domain = order[index]
        start = int64(domains[domain]["name_offset"])
        length = int64(domains[domain]["name_length"])
        for octet_index in range(length):
            names[at + octet_index] = names[start + octet_index]
        domains[domain]["name_offset"] = at
        at += length
    tables.heads[0]["names_bytes"] = at
    tables.heads[0]["names_garbage_bytes"] = 0
