"""What the tables hold of one domain, as people and other services read it [core]."""

import ipaddress
import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise, starmap
from typing import NamedTuple

import numpy as np

from geophone_detector.kernels.layout import (
    CLIENT_BITS,
    COMPLETE,
    NONE,
    SAMPLE_BYTES,
    TOP_CLIENTS,
    WINDOW_SECONDS,
)
from geophone_detector.kernels.tables import Tables
from geophone_detector.reading import Counts, live_counts, peak_counts
from geophone_shared.jit import Array, Record
from geophone_shared.mnemonics import query_type_name, response_code_name
from geophone_shared.names import presentation
from geophone_shared.summaries import ClientQueries, DomainSummary, WindowCounts

_MAPPED_PREFIX = 0xFFFF << 32
_MOST_ADDRESSES = 16_384
"""Whose text is kept: the clients of a list are those of the one before it."""


def domain_name(tables: Tables, domain: int) -> str:
    """The domain in presentation form."""
    record = tables.domains[domain]
    return _name(tables, int(record["name_offset"]), int(record["name_length"]))


def summary_now(tables: Tables, domain: int, window: int) -> DomainSummary:
    """A domain with what lives in the window (an index) now."""
    return _summary_with(tables, domain, window, live_counts(tables, domain, window))


def summary_at_peak(tables: Tables, domain: int, window: int) -> DomainSummary:
    """A domain with the most that ever lived in the window, hostnames and bytes each."""
    return _summary_with(tables, domain, window, peak_counts(tables, domain, window))


def summaries_with(
    tables: Tables,
    domains: Sequence[int],
    counts: Sequence[WindowCounts],
    with_evidence: Sequence[bool],
) -> list[DomainSummary]:
    """Domains and what lives in a window of each.

    Args:
        tables: the detector's state.
        domains: indexes of their records.
        counts: of each.
        with_evidence: of each, whether to tell clients, types, response codes and sample names,
            too: that is most of the work.
    """
    found = tables.domains[list(domains)]
    columns = (found[name].tolist() for name in _Record._fields)
    records = starmap(_Record, zip(*columns, strict=True))
    clients = _client_counts(tables, found["evidence"])
    each = zip(records, counts, clients, with_evidence, strict=True)
    return [
        _summary(tables, record, of_window, client_count, with_evidence=is_wanted)
        for record, of_window, client_count, is_wanted in each
    ]


def client_count(tables: Tables, domain: int) -> tuple[int, bool]:
    """How many clients a domain has, and whether that is exact."""
    (count,) = _client_counts(tables, tables.domains["evidence"][[domain]])
    return count


class _Record(NamedTuple):
    """Fields of a `DOMAIN` record."""

    name_offset: int
    name_length: int
    queries: int
    unanswered: int
    bytes_in: int
    bytes_out: int
    first_us: int
    last_us: int
    is_allowed: int
    evidence: int


def _summary_with(tables: Tables, domain: int, window: int, counts: Counts) -> DomainSummary:
    in_window = WindowCounts(
        WINDOW_SECONDS[window],
        counts.names,
        counts.names_lower,
        counts.names_upper,
        counts.exact,
        counts.information,
    )
    (summary,) = summaries_with(tables, [domain], [in_window], [True])
    return summary


def _summary(
    tables: Tables,
    record: _Record,
    counts: WindowCounts,
    client_count: tuple[int, bool],
    *,
    with_evidence: bool,
) -> DomainSummary:
    clients, clients_exact = client_count
    # The last record is any: nothing of it is shown where the domain has none.
    evidence = tables.evidence[record.evidence]
    has_evidence = with_evidence and record.evidence != NONE
    since_us = int(evidence["since_us"])
    return DomainSummary(
        registered_domain=_name(tables, record.name_offset, record.name_length),
        **counts._asdict(),
        queries=record.queries,
        unanswered=record.unanswered,
        bytes_in=record.bytes_in,
        bytes_out=record.bytes_out,
        clients=clients,
        clients_exact=clients_exact,
        top_clients=_top_clients(evidence) if has_evidence else (),
        query_types=_query_types(evidence) if has_evidence else {},
        response_codes=_response_codes(evidence) if has_evidence else {},
        first_seen_us=record.first_us,
        last_seen_us=record.last_us,
        sample_names=_sample_names(tables, record.evidence) if has_evidence else (),
        allowed=bool(record.is_allowed),
        evidence_since_us=since_us if has_evidence and since_us != COMPLETE else None,
    )


def _client_counts(tables: Tables, evidence: Array) -> list[tuple[int, bool]]:
    """As `client_count`, of records of evidence (indexes; some may be `NONE`)."""
    found = tables.evidence[evidence]
    bits = np.bitwise_count(found["client_bits"]).sum(axis=1)
    each = zip(evidence.tolist(), found["clients"].tolist(), bits.tolist(), strict=True)
    return [
        (0, False)
        if index == NONE
        else (clients, True)
        if clients <= TOP_CLIENTS
        else (max(_estimate(set_bits), clients), False)
        for index, clients, set_bits in each
    ]


def _estimate(set_bits: int) -> int:
    """How many clients set so many bits of a linear counter (Whang et al., 1990)."""
    return round(CLIENT_BITS * math.log(CLIENT_BITS / max(CLIENT_BITS - set_bits, 1)))


def _name(tables: Tables, offset: int, length: int) -> str:
    return presentation(tables.domain_names[offset : offset + length].tobytes())


def _top_clients(evidence: Record) -> tuple[ClientQueries, ...]:
    count = min(int(evidence["clients"]), TOP_CLIENTS)
    fields = ("client_queries", "client_high", "client_low")
    columns = (evidence[name][:count].tolist() for name in fields)
    clients = [(-queries, high << 64 | low) for queries, high, low in zip(*columns, strict=True)]
    clients.sort()
    return tuple([ClientQueries(_address(address), -queries) for queries, address in clients])


@lru_cache(_MOST_ADDRESSES)
def _address(address: int) -> str:
    if address >> 32 == _MAPPED_PREFIX >> 32:
        return str(ipaddress.IPv4Address(address & 0xFFFFFFFF))
    return str(ipaddress.IPv6Address(address))


def _query_types(evidence: Record) -> dict[str, int]:
    count = int(evidence["type_count"])
    types = zip(
        evidence["types"][:count].tolist(), evidence["type_queries"][:count].tolist(), strict=True
    )
    found = {query_type_name(query_type): queries for query_type, queries in types}
    other = int(evidence["other_types"])
    return found | ({"other": other} if other else {})


def _response_codes(evidence: Record) -> dict[str, int]:
    return {
        response_code_name(code): responses
        for code, responses in enumerate(evidence["response_codes"].tolist())
        if responses
    }


def _sample_names(tables: Tables, evidence_index: int) -> tuple[str, ...]:
    evidence = tables.evidence[evidence_index]
    first = evidence_index * SAMPLE_BYTES
    samples = tables.samples[first : first + SAMPLE_BYTES].tobytes()
    ends = evidence["sample_length"][: int(evidence["samples"])].cumsum(dtype=np.int64).tolist()
    return tuple(presentation(samples[start:end]) for start, end in pairwise([0, *ends]))
