"""Kernel: the records of registered domains."""

import numpy as np

from geophone_detector.kernels.layout import NEVER, NONE, UNSEEN, Tables
from geophone_shared.jit import Array, inner_kernel, int64, kernel
from geophone_shared.kernels.domains import longest_suffix_match
from geophone_shared.kernels.hashing import siphash13
from geophone_shared.kernels.index import enter, home_slot, next_slot
from geophone_shared.kernels.octets import is_same_name, lower_cased, octet
from geophone_shared.transactions import Outcome

_UNANSWERED = int(Outcome.UNANSWERED)
_UNSOLICITED = int(Outcome.UNSOLICITED)


@inner_kernel
def _add_domain(
    tables: Tables, hash_value: np.uint64, names: Array, start: int, length: int
) -> int:
    domains, heads = tables.domains, tables.heads
    domain = int64(heads[0]["domains"])
    at = int64(heads[0]["names_bytes"])
    if domain == domains.size or at + length > tables.domain_names.size:
        return NONE
    heads[0]["domains"] = domain + 1
    heads[0]["names_bytes"] = at + length
    for index in range(length):
        tables.domain_names[at + index] = lower_cased(octet(names, start + index))
    domains[domain]["hash"] = hash_value
    domains[domain]["name_offset"] = at
    domains[domain]["name_length"] = length
    domains[domain]["evidence"] = NONE
    domains[domain]["watch"] = 0
    domains[domain]["first_us"] = NEVER
    domains[domain]["last_us"] = UNSEEN
    enter(tables.domain_slots, domains, domain)
    return domain


@kernel
def domain_of(tables: Tables, names: Array, start: int, length: int, domain_offset: int) -> int:
    """The record of a name's domain, made where there is none.

    The key is the registered domain, or the entry of the allow list that covers the name where
    that is finer. Names are compared byte by byte: a collision of hashes can't mix two domains.

    Args:
        tables: the state.
        names: uint8; the name is `names[start : start + length]`, wire form.
        start: where the name starts.
        length: its length.
        domain_offset: where its registered domain starts, counted from `start`.

    Returns:
        The record's index, or `NONE` where there is no room.
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
    hash_value = siphash13(names, start, length, tables.key0, tables.key1)
    slot = home_slot(slots, hash_value)
    while True:
        domain = int64(slots[slot])
        if domain == NONE:
            domain = _add_domain(tables, hash_value, names, start, length)
            if domain != NONE:
                domains[domain]["is_allowed"] = entry_offset >= 0
            return domain
        if (
            domains[domain]["hash"] == hash_value
            and domains[domain]["name_length"] == length
            and is_same_name(
                tables.domain_names, int64(domains[domain]["name_offset"]), names, start, length
            )
        ):
            return domain
        slot = next_slot(slots, slot)


@kernel
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
