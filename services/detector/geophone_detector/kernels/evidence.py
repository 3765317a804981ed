"""Kernel: what is remembered of a domain for people: clients, types, response codes, names.

The pool is bounded. A domain gets a record with its first row; when none is free, the oldest held
by a domain with few live names is taken.
"""

import numpy as np

from geophone_detector.kernels.counts import names_in, sketch_of
from geophone_detector.kernels.layout import (
    CLIENT_BITS,
    FEW_NAMES,
    NONE,
    RESPONSE_CODES,
    SAMPLE_BYTES,
    SAMPLE_NAMES,
    TOP_CLIENTS,
    TOP_TYPES,
    WINDOWS,
)
from geophone_detector.kernels.tables import Tables
from geophone_shared.jit import Array, Record, inner_kernel, int64
from geophone_shared.kernels.octets import copy_octets, is_same_name
from geophone_shared.transactions import Outcome

_UNANSWERED = int(Outcome.UNANSWERED)
_UNSOLICITED = int(Outcome.UNSOLICITED)

_LONGEST_SEARCH = 64
"""How many records are looked at for one that may be taken: bounds the work of a row."""

_MIX = np.uint64(0x9E3779B97F4A7C15)
_MIX_2 = np.uint64(0xBF58476D1CE4E5B9)
_SHIFT = np.uint64(31)


@inner_kernel
def has_few_names(domains: Array, all_counts: Array, domain: int) -> bool:
    """Whether a domain may lose its evidence to another."""
    if sketch_of(domains, all_counts, domain) >= 0:
        return False
    return names_in(domains, all_counts, domain, WINDOWS - 1) < FEW_NAMES


@inner_kernel
def free_evidence(tables: Tables, domain: int) -> None:
    """Give the record of a domain that is freed back to the pool."""
    record = int64(tables.domains[domain]["evidence"])
    if record != NONE:
        tables.evidence[record]["domain"] = NONE
        tables.evidence[record]["clients"] = tables.heads[0]["free_evidence"]
        tables.heads[0]["free_evidence"] = record


@inner_kernel
def take_evidence(tables: Tables, domain: int, since_us: int) -> int:
    """Give a domain a record of the pool; `NONE` where all are held by domains with many names."""
    evidence, domains, heads = tables.evidence, tables.domains, tables.heads
    record = int64(heads[0]["free_evidence"])
    if record != NONE:
        heads[0]["free_evidence"] = evidence[record]["clients"]
    elif heads[0]["unused_evidence"] < evidence.size:
        record = int64(heads[0]["unused_evidence"])
        heads[0]["unused_evidence"] = record + 1
    else:
        hand = int64(heads[0]["evidence_hand"])
        for _ in range(min(_LONGEST_SEARCH, evidence.size)):
            candidate = hand
            hand = hand + 1 if hand + 1 < evidence.size else 0
            holder = int64(evidence[candidate]["domain"])
            if has_few_names(domains, tables.counts, holder):
                domains[holder]["evidence"] = NONE
                heads[0]["evidence_taken"] += 1
                record = candidate
                break
        heads[0]["evidence_hand"] = hand
        if record == NONE:
            return NONE
    evidence[record]["domain"] = domain
    evidence[record]["clients"] = 0
    evidence[record]["since_us"] = since_us
    evidence[record]["type_count"] = 0
    evidence[record]["other_types"] = 0
    evidence[record]["samples"] = 0
    for index in range(CLIENT_BITS // 64):
        evidence[record]["client_bits"][index] = 0
    for index in range(RESPONSE_CODES):
        evidence[record]["response_codes"][index] = 0
    domains[domain]["evidence"] = record
    return record


@inner_kernel
def add_sample(tables: Tables, record: int, names: Array, start: int, length: int) -> None:
    """Remember a domain's new name, if it is among the first and not one that came back."""
    evidence = tables.evidence
    sample = int64(evidence[record]["samples"])
    if sample == SAMPLE_NAMES:
        return
    at = record * SAMPLE_BYTES
    for earlier in range(sample):
        earlier_length = int64(evidence[record]["sample_length"][earlier])
        if earlier_length == length and is_same_name(tables.samples, at, names, start, length):
            return
        at += earlier_length
    if at + length > (record + 1) * SAMPLE_BYTES:
        return
    copy_octets(tables.samples, at, names, start, length)
    evidence[record]["sample_length"][sample] = length
    evidence[record]["samples"] = sample + 1


@inner_kernel
def _count_client(
    evidence: Array, record: int, high: np.uint64, low: np.uint64, query: int
) -> None:
    """Space-Saving (Metwally et al., 2005) over the clients, and a linear counter of them all.

    Neither depends on the secret: the same rows give the same clients under every key.
    """
    count = int64(evidence[record]["clients"])
    held = min(count, TOP_CLIENTS)
    least = 0
    for index in range(held):
        if (
            evidence[record]["client_low"][index] == low
            and evidence[record]["client_high"][index] == high
        ):
            evidence[record]["client_queries"][index] += np.uint32(query)
            return
        if evidence[record]["client_queries"][index] < evidence[record]["client_queries"][least]:
            least = index
    # A client in the list was counted when it came into it.
    mixed = (high ^ (low * _MIX)) * _MIX_2
    mixed ^= mixed >> _SHIFT
    mixed *= _MIX
    bit = int64(mixed >> np.uint64(54))  # 10 bits: CLIENT_BITS
    evidence[record]["client_bits"][bit >> 6] |= np.uint64(1) << np.uint64(bit & 63)
    if held < TOP_CLIENTS:
        least = held
        evidence[record]["client_queries"][least] = 0
        evidence[record]["clients"] = held + 1
    else:
        evidence[record]["clients"] = TOP_CLIENTS + 1
    evidence[record]["client_high"][least] = high
    evidence[record]["client_low"][least] = low
    evidence[record]["client_queries"][least] += np.uint32(query)


@inner_kernel
def _count_type(evidence: Array, record: int, query_type: int) -> None:
    count = int64(evidence[record]["type_count"])
    for index in range(count):
        if evidence[record]["types"][index] == query_type:
            evidence[record]["type_queries"][index] += np.uint32(1)
            return
    if count == TOP_TYPES:
        evidence[record]["other_types"] += np.uint32(1)
        return
    evidence[record]["types"][count] = query_type
    evidence[record]["type_queries"][count] = 1
    evidence[record]["type_count"] = count + 1


@inner_kernel
def add_evidence(evidence: Array, record: int, row: Record) -> None:
    """Remember a row (one `ROW`): its client, and its type and response code where it has them."""
    has_query = int64(row["outcome"] != _UNSOLICITED)
    _count_client(evidence, record, row["client_high"], row["client_low"], has_query)
    if has_query == 1:
        _count_type(evidence, record, int64(row["query_type"]))
    if row["outcome"] != _UNANSWERED:
        evidence[record]["response_codes"][row["response_flags"] & 15] += np.uint32(1)
