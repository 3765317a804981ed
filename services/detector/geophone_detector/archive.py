"""The best of the domains that were freed: what a table of the whole input shows [core]."""

import ipaddress
from collections import Counter
from collections.abc import Mapping

import numpy as np

from geophone_detector.kernels.layout import SAMPLE_NAMES, TOP_CLIENTS, WINDOWS
from geophone_detector.kernels.tables import Tables
from geophone_detector.reading import peak_names
from geophone_detector.summaries import summary_at_peak
from geophone_shared.jit import Array
from geophone_shared.summaries import ClientQueries, DomainSummary

MOST_DOMAINS = 1_000
"""Domains that are kept for each window."""


class Archive:
    """For each window, the freed domains that ever had the most hostnames in it, at their peaks.

    A domain that comes back is a new record in the tables; what it had before is added to it here.
    Beyond `MOST_DOMAINS` those with the lowest peaks are left out: they can't be in a table that
    shows no more.
    """

    def __init__(self, most: int = MOST_DOMAINS) -> None:
        self._rankings = [_Ranking(window, most) for window in range(WINDOWS)]

    def add(self, tables: Tables, domains: Array) -> None:
        """Keep what is worth it of domains (indexes) that are about to be freed."""
        for ranking in self._rankings:
            ranking.add(tables, domains)

    def domains(self, window: int) -> Mapping[str, DomainSummary]:
        """What is kept for a window, by registered domain."""
        return self._rankings[window].kept

    def holds(self, tables: Tables, domains: Array, window: int) -> Array:
        """Bool: which of the domains (indexes) may be kept for a window: by their hashes."""
        return self._rankings[window].holds(tables, domains)


class _Ranking:
    def __init__(self, window: int, most: int) -> None:
        self.kept: dict[str, DomainSummary] = {}
        self._window = window
        self._most = most
        self._hashes = np.empty(0, np.uint32)
        self._least = 0
        """Peaks up to this one aren't worth keeping."""

    def holds(self, tables: Tables, domains: Array) -> Array:
        return np.isin(tables.domains["hash"][domains], self._hashes)

    def add(self, tables: Tables, domains: Array) -> None:
        peaks = peak_names(tables, domains, self._window)
        returning = self.holds(tables, domains)
        better = np.flatnonzero((peaks > self._least) & ~returning)
        better = better[np.argsort(-peaks[better], kind="stable")[: self._most]]
        chosen = domains[np.concatenate([np.flatnonzero(returning), better])]
        if chosen.size == 0:
            return
        for domain in chosen:
            summary = summary_at_peak(tables, int(domain), self._window)
            earlier = self.kept.get(summary.registered_domain)
            self.kept[summary.registered_domain] = (
                summary if earlier is None else added(earlier, summary)
            )
        hashes = np.union1d(self._hashes, tables.domains["hash"][chosen])
        if len(self.kept) > self._most:
            ranked = sorted(self.kept.values(), key=rank)[: self._most]
            self.kept = {summary.registered_domain: summary for summary in ranked}
            self._least = ranked[-1].unique_hostnames
        # A hash too many costs a look at a name, no more; they are bounded all the same.
        self._hashes = hashes[-8 * self._most :]


def rank(summary: DomainSummary) -> tuple[int, str]:
    """What domains are sorted by: the most hostnames first, then by name."""
    return -summary.unique_hostnames, summary.registered_domain


def added(earlier: DomainSummary, later: DomainSummary) -> DomainSummary:
    """A domain that was freed and came back: totals of both, the higher peaks."""
    higher = max(earlier, later, key=lambda summary: summary.unique_hostnames)
    client_queries: Counter[str] = Counter()
    for client in (*earlier.top_clients, *later.top_clients):
        client_queries[client.address] += client.queries
    clients_exact = earlier.clients_exact and later.clients_exact
    return DomainSummary(
        registered_domain=later.registered_domain,
        window_seconds=later.window_seconds,
        unique_hostnames=higher.unique_hostnames,
        unique_hostnames_lower=higher.unique_hostnames_lower,
        unique_hostnames_upper=higher.unique_hostnames_upper,
        exact=higher.exact,
        information_bytes=max(earlier.information_bytes, later.information_bytes),
        queries=earlier.queries + later.queries,
        unanswered=earlier.unanswered + later.unanswered,
        bytes_in=earlier.bytes_in + later.bytes_in,
        bytes_out=earlier.bytes_out + later.bytes_out,
        clients=max(len(client_queries), earlier.clients, later.clients),
        clients_exact=clients_exact,
        top_clients=_most_queries(client_queries),
        query_types=Counter(earlier.query_types) + Counter(later.query_types),
        response_codes=Counter(earlier.response_codes) + Counter(later.response_codes),
        first_seen_us=min(earlier.first_seen_us, later.first_seen_us),
        last_seen_us=max(earlier.last_seen_us, later.last_seen_us),
        sample_names=tuple(dict.fromkeys(earlier.sample_names + later.sample_names))[:SAMPLE_NAMES],
        allowed=earlier.allowed or later.allowed,
        evidence_since_us=earlier.evidence_since_us or later.evidence_since_us,
    )


def _most_queries(client_queries: Mapping[str, int]) -> tuple[ClientQueries, ...]:
    ranked = sorted(
        client_queries.items(),
        key=lambda client: (-client[1], int(ipaddress.ip_address(client[0]))),
    )
    return tuple(ClientQueries(address, queries) for address, queries in ranked[:TOP_CLIENTS])
