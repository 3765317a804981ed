"""What a detector should find: counted from the exchanges, without any of its code."""

from dataclasses import asdict, dataclass

import numpy as np

from geophone_shared.jit import Array
from geophone_shared.transactions import LONGEST_NAME_BYTES
from tests.support.generator.arrivals import Mixture
from tests.support.generator.kernels.wire import measure_names

_SEEN = np.dtype([("hash", "u8"), ("domain", "i4"), ("information", "i4")])
_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class DomainTruth:
    """One registered domain over the whole of the traffic.

    Attributes:
        unique_hostnames: distinct names, lower-cased.
        information_bytes: of those names.
        queries: packets that ask.
        tunnel: the tool that hides under it, None for an ordinary domain.
    """

    unique_hostnames: int
    information_bytes: int
    queries: int
    tunnel: str | None


def truth_of(mixture: Mixture) -> dict[str, DomainTruth]:
    """The truth by registered domain, of those that appear.

    Names are told apart by 64-bit hashes: of 100 million, two fall together once in 3,700 runs.
    """
    tools = {tunnel.domain: tunnel.tool for tunnel in mixture.tunnels}
    queries = np.zeros(len(mixture.domains), np.int64)
    seen = [np.zeros(0, _SEEN)]
    for exchanges in mixture.slices():
        fresh = np.zeros(exchanges.size, _SEEN)
        hashes = np.zeros(exchanges.size, np.uint64)
        information = np.zeros(exchanges.size, np.int64)
        buffer = np.zeros(LONGEST_NAME_BYTES, np.uint8)
        measure_names(mixture.tables, exchanges, buffer, hashes, information)
        fresh["hash"], fresh["information"] = hashes, information
        fresh["domain"] = exchanges["domain"]
        queries += np.bincount(exchanges["domain"], minlength=queries.size)
        seen.append(fresh)
        if sum(each.size for each in seen[1:]) > max(seen[0].size, _AT_ONCE):
            seen = [_distinct(seen)]
    distinct = _distinct(seen)
    unique = np.bincount(distinct["domain"], minlength=queries.size)
    total = np.bincount(distinct["domain"], distinct["information"], queries.size)
    return {
        domain: DomainTruth(int(unique[i]), int(total[i]), int(queries[i]), tools.get(domain))
        for i, domain in enumerate(mixture.domains)
        if queries[i]
    }


def truth_as_json(truth: dict[str, DomainTruth]) -> dict[str, object]:
    """The truth for a file beside the capture; the domains with most names first."""
    ranked = sorted(truth.items(), key=lambda item: (-item[1].unique_hostnames, item[0]))
    return {domain: asdict(counted) for domain, counted in ranked}


def _distinct(seen: list[Array]) -> Array:
    together = np.concatenate(seen)
    _, first = np.unique(together["hash"], return_index=True)
    return together[first]
