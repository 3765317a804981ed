"""What the tables hold of one domain, as people and other services read it [core]."""

import ipaddress
import math

import numpy as np

from geophone_detector.kernels.layout import (
    CLIENT_BITS,
    COMPLETE,
    NONE,
    RESPONSE_CODES,
    SAMPLE_BYTES,
    TOP_CLIENTS,
    WINDOW_SECONDS,
)
from geophone_detector.kernels.tables import Tables
from geophone_detector.reading import Counts, live_counts, peak_counts
from geophone_shared.jit import Array
from geophone_shared.mnemonics import query_type_name, response_code_name
from geophone_shared.names import presentation
from geophone_shared.summaries import ClientQueries, DomainSummary

_MAPPED_PREFIX = 0xFFFF << 32


def domain_name(tables: Tables, domain: int) -> str:
    """The domain in presentation form."""
    record = tables.domains[domain]
    start = int(record["name_offset"])
    return presentation(tables.domain_names[start : start + int(record["name_length"])].tobytes())


def summary_now(
    tables: Tables, domain: int, window: int, *, with_evidence: bool = True
) -> DomainSummary:
    """A domain with what lives in the window (an index) now.

    Args:
        tables: the detector's state.
        domain: index of its record.
        window: index of the window.
        with_evidence: whether to tell clients, types, response codes and sample names, too: that is
            most of the work.
    """
    counts = live_counts(tables, domain, window)
    return _summary(tables, domain, window, counts, with_evidence=with_evidence)


def summary_at_peak(tables: Tables, domain: int, window: int) -> DomainSummary:
    """A domain with the most that ever lived in the window, hostnames and bytes each."""
    return _summary(tables, domain, window, peak_counts(tables, domain, window))


def client_count(tables: Tables, domain: int) -> tuple[int, bool]:
    """How many clients a domain has, and whether that is exact.

    Above `TOP_CLIENTS` it is the estimate of a linear counter (Whang et al., 1990).
    """
    record = int(tables.domains[domain]["evidence"])
    if record == NONE:
        return 0, False
    clients = int(tables.evidence[record]["clients"])
    if clients <= TOP_CLIENTS:
        return clients, True
    unset = CLIENT_BITS - int(np.bitwise_count(tables.evidence[record]["client_bits"]).sum())
    estimate = round(CLIENT_BITS * math.log(CLIENT_BITS / max(unset, 1)))
    return max(estimate, clients), False


def _summary(
    tables: Tables, domain: int, window: int, counts: Counts, *, with_evidence: bool = True
) -> DomainSummary:
    record = tables.domains[domain]
    clients, clients_exact = client_count(tables, domain)
    evidence_index = int(record["evidence"])
    # The last record is any: nothing of it is shown where the domain has none.
    evidence = tables.evidence[evidence_index]
    has_evidence = with_evidence and evidence_index != NONE
    since_us = int(evidence["since_us"])
    return DomainSummary(
        registered_domain=domain_name(tables, domain),
        window_seconds=WINDOW_SECONDS[window],
        unique_hostnames=counts.names,
        unique_hostnames_lower=counts.names_lower,
        unique_hostnames_upper=counts.names_upper,
        exact=counts.exact,
        information_bytes=counts.information,
        queries=int(record["queries"]),
        unanswered=int(record["unanswered"]),
        bytes_in=int(record["bytes_in"]),
        bytes_out=int(record["bytes_out"]),
        clients=clients,
        clients_exact=clients_exact,
        top_clients=_top_clients(evidence) if has_evidence else (),
        query_types=_query_types(evidence) if has_evidence else {},
        response_codes=_response_codes(evidence) if has_evidence else {},
        first_seen_us=int(record["first_us"]),
        last_seen_us=int(record["last_us"]),
        sample_names=_sample_names(tables, evidence_index) if has_evidence else (),
        allowed=bool(record["is_allowed"]),
        evidence_since_us=since_us if has_evidence and since_us != COMPLETE else None,
    )


def _top_clients(evidence: Array) -> tuple[ClientQueries, ...]:
    clients = [
        (
            -int(evidence["client_queries"][index]),
            int(evidence["client_high"][index]) << 64 | int(evidence["client_low"][index]),
        )
        for index in range(min(int(evidence["clients"]), TOP_CLIENTS))
    ]
    return tuple(ClientQueries(_address(address), -queries) for queries, address in sorted(clients))


def _address(address: int) -> str:
    if address >> 32 == _MAPPED_PREFIX >> 32:
        return str(ipaddress.IPv4Address(address & 0xFFFFFFFF))
    return str(ipaddress.IPv6Address(address))


def _query_types(evidence: Array) -> dict[str, int]:
    types = {
        query_type_name(int(evidence["types"][index])): int(evidence["type_queries"][index])
        for index in range(int(evidence["type_count"]))
    }
    other = int(evidence["other_types"])
    return types | ({"other": other} if other else {})


def _response_codes(evidence: Array) -> dict[str, int]:
    return {
        response_code_name(code): int(evidence["response_codes"][code])
        for code in range(RESPONSE_CODES)
        if evidence["response_codes"][code]
    }


def _sample_names(tables: Tables, evidence_index: int) -> tuple[str, ...]:
    evidence = tables.evidence[evidence_index]
    names = []
    start = evidence_index * SAMPLE_BYTES
    for length in evidence["sample_length"][: int(evidence["samples"])]:
        names.append(presentation(tables.samples[start : start + int(length)].tobytes()))
        start += int(length)
    return tuple(names)
