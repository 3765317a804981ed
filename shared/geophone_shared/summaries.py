"""What was counted under a registered domain in a window: evidence, and a row of top domains.

Core.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from geophone_shared.json_fields import JsonFields
from geophone_shared.timestamps import rfc3339


class ClientQueries(NamedTuple):
    """A client of a domain and how many queries it sent."""

    address: str
    queries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainSummary:
    """What the detector counted under one registered domain in one window.

    Attributes:
        registered_domain: presentation form, as are the sample names.
        window_seconds: length of the window.
        unique_hostnames: distinct names, lower-cased; `_lower` and `_upper` bound the true count.
        exact: whether the three are the same because every name was kept.
        information_bytes: summed length of the distinct names' sub-domains.
        queries: rows with a query.
        unanswered: queries without a response.
        bytes_in: DNS bytes in queries.
        bytes_out: DNS bytes in responses.
        clients: distinct clients.
        clients_exact: whether `clients` is the true count, not the least it can be.
        top_clients: clients with the most queries, those first.
        query_types: queries by mnemonic.
        response_codes: responses by mnemonic.
        first_seen_us: time of the first row, µs since the epoch.
        last_seen_us: time of the last row.
        sample_names: the first distinct names in completion order.
        allowed: whether an allow list has the domain.
        evidence_since_us: since when the clients, types, codes and sample names were collected,
            where that was later than the domain's first row.
    """

    registered_domain: str
    window_seconds: int
    unique_hostnames: int
    unique_hostnames_lower: int
    unique_hostnames_upper: int
    exact: bool
    information_bytes: int
    queries: int
    unanswered: int
    bytes_in: int
    bytes_out: int
    clients: int
    clients_exact: bool
    top_clients: tuple[ClientQueries, ...]
    query_types: Mapping[str, int]
    response_codes: Mapping[str, int]
    first_seen_us: int
    last_seen_us: int
    sample_names: tuple[str, ...]
    allowed: bool
    evidence_since_us: int | None = None


class WindowCounts(NamedTuple):
    """The fields of a domain's summary that are of one window; the others are the same in all."""

    window_seconds: int
    unique_hostnames: int
    unique_hostnames_lower: int
    unique_hostnames_upper: int
    exact: bool
    information_bytes: int


def summary_to_json(summary: DomainSummary, rank: int | None = None) -> dict[str, object]:
    """The JSON object of a summary; `rank` comes first where there is one."""
    since_us = summary.evidence_since_us
    fields: dict[str, object] = {
        "registered_domain": summary.registered_domain,
        "window_seconds": summary.window_seconds,
        "unique_hostnames": summary.unique_hostnames,
        "unique_hostnames_lower": summary.unique_hostnames_lower,
        "unique_hostnames_upper": summary.unique_hostnames_upper,
        "exact": summary.exact,
        "information_bytes": summary.information_bytes,
        "queries": summary.queries,
        "unanswered": summary.unanswered,
        "bytes_in": summary.bytes_in,
        "bytes_out": summary.bytes_out,
        "bytes_total": summary.bytes_in + summary.bytes_out,
        "clients": summary.clients,
        "top_clients": [
            {"address": client.address, "queries": client.queries} for client in summary.top_clients
        ],
        "query_types": _most_first(summary.query_types),
        "response_codes": _most_first(summary.response_codes),
        "first_seen": rfc3339(summary.first_seen_us),
        "last_seen": rfc3339(summary.last_seen_us),
        "sample_names": list(summary.sample_names),
        "allowed": summary.allowed,
        "clients_exact": summary.clients_exact,
        "evidence_since": None if since_us is None else rfc3339(since_us),
    }
    return fields if rank is None else {"rank": rank} | fields


def summary_from_json(fields: JsonFields) -> DomainSummary:
    """The summary in a JSON object; fields that aren't known are ignored.

    Raises:
        InvalidRecordError: `missing_field` or `ill_typed_field`.
    """
    return DomainSummary(
        registered_domain=fields.text("registered_domain"),
        window_seconds=fields.integer("window_seconds"),
        unique_hostnames=fields.integer("unique_hostnames"),
        unique_hostnames_lower=fields.integer("unique_hostnames_lower"),
        unique_hostnames_upper=fields.integer("unique_hostnames_upper"),
        exact=fields.boolean("exact"),
        information_bytes=fields.integer("information_bytes"),
        queries=fields.integer("queries"),
        unanswered=fields.integer("unanswered"),
        bytes_in=fields.integer("bytes_in"),
        bytes_out=fields.integer("bytes_out"),
        clients=fields.integer("clients"),
        clients_exact=fields.boolean("clients_exact"),
        top_clients=tuple(
            ClientQueries(client.text("address"), client.integer("queries"))
            for client in fields.nested_list("top_clients")
        ),
        query_types=fields.counts("query_types"),
        response_codes=fields.counts("response_codes"),
        first_seen_us=fields.time_us("first_seen"),
        last_seen_us=fields.time_us("last_seen"),
        sample_names=fields.texts("sample_names"),
        allowed=fields.boolean("allowed"),
        evidence_since_us=fields.optional_time_us("evidence_since"),
    )


def _most_first(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts, largest first; equal ones by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
