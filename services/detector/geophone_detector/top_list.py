"""The list of a partition's busiest domains that goes to the log [core].

Unlike a replay's table (`top`), which has the most that a window ever held, it has what lives in
each window now.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from geophone_detector.kernels.layout import NEVER, NONE, WINDOW_SECONDS, WINDOWS
from geophone_detector.kernels.tables import Tables
from geophone_detector.partition import Partition
from geophone_detector.reading import live_counts
from geophone_detector.summaries import summary_now
from geophone_shared.drops import Drops
from geophone_shared.jit import Array
from geophone_shared.summaries import DomainSummary
from geophone_shared.top_domains import MOST_TOP_LIST_BYTES, TopList, encode_top_list, rank

MOST_DOMAINS = 100
"""Of each window, of those on the allow list and of all others: so both lists reach as far."""
MOST_WITH_EVIDENCE = 20
"""Of each of them."""

_SIZES = (
    (MOST_DOMAINS, MOST_WITH_EVIDENCE),
    (MOST_DOMAINS, 5),
    (MOST_DOMAINS, 0),
    (MOST_DOMAINS // 4, 0),
)
"""(domains, those with evidence), to be tried until the record is small enough."""


def encoded_top_list(partition: Partition, number: int, drops: Drops | None = None) -> bytes:
    """The value of the record of a partition, smaller than `MOST_TOP_LIST_BYTES`.

    Where names are so long and random that it would be larger, it has less evidence, and in the
    end fewer domains.

    Args:
        partition: its state.
        number: its number.
        drops: what was lost of it.
    """
    for most, most_with_evidence in _SIZES:
        top = replace(top_list(partition, number, most, most_with_evidence), drops=drops)
        encoded = encode_top_list(top)
        if len(encoded) < MOST_TOP_LIST_BYTES:
            break
    return encoded


def top_list(
    partition: Partition, number: int, most: int, most_with_evidence: int = MOST_WITH_EVIDENCE
) -> TopList:
    """The busiest domains of a partition.

    Args:
        partition: its state.
        number: its number.
        most: domains of each window, on the allow list and others each.
        most_with_evidence: those of them of which more than counts is told.
    """
    tables = partition.detector.windows.tables
    is_allowed = tables.domains["is_allowed"][: int(tables.heads[0]["unused_domain"])] != 0
    chosen: dict[int, bool] = {}
    for window in range(WINDOWS):
        names = _live_names(tables, window)
        for kind in (~is_allowed, is_allowed):
            for place, domain in enumerate(_highest(np.where(kind, names, 0), most)):
                has_evidence = place < most_with_evidence
                chosen[domain] = has_evidence or chosen.get(domain, False)
    windows: list[list[DomainSummary]] = [[] for _ in range(WINDOWS)]
    for domain, has_evidence in chosen.items():
        for window, summary in _in_all_windows(tables, domain, has_evidence):
            windows[window].append(summary)
    return TopList(
        partition=number,
        as_of_us=partition.clock_us or 0,
        position=partition.position,
        windows={
            seconds: tuple(sorted(summaries, key=rank))
            for seconds, summaries in zip(WINDOW_SECONDS, windows, strict=True)
        },
    )


def _live_names(tables: Tables, window: int) -> Array:
    """int64: the live names in a window of each domain record ever used; 0 for freed ones."""
    used = tables.domains[: int(tables.heads[0]["unused_domain"])]
    is_live = used["first_us"] != NEVER
    names = np.where(is_live, used["lives"] >> np.uint8(window) & 1, 0).astype(np.int64)
    many = np.flatnonzero(is_live & (used["counts"] != NONE))
    counts = used["counts"][many]
    names[many] = tables.counts["names"][counts, window]
    sketches = tables.counts["sketch"][counts]
    has_sketch = sketches >= 0
    names[many[has_sketch]] = tables.sketches["names"][sketches[has_sketch], window]
    return names


def _highest(names: Array, most: int) -> list[int]:
    """The domains (indexes) with the most names; of equal ones at the end, any."""
    least = max(int(np.partition(names, -most)[-most]) if most < names.size else 0, 1)
    above = np.flatnonzero(names > least)
    tied = np.flatnonzero(names == least)[: most - above.size]
    return [int(domain) for domain in (*above[np.argsort(-names[above])], *tied)]


def _in_all_windows(
    tables: Tables,
    domain: int,
    has_evidence: bool,  # noqa: FBT001 - one of two kinds
) -> Iterator[tuple[int, DomainSummary]]:
    """A domain in each window (an index) that holds a name of it."""
    longest = summary_now(tables, domain, WINDOWS - 1, with_evidence=has_evidence)
    for window in range(WINDOWS):
        counts = live_counts(tables, domain, window)
        if counts.names > 0:
            yield (
                window,
                replace(
                    longest,
                    window_seconds=WINDOW_SECONDS[window],
                    unique_hostnames=counts.names,
                    unique_hostnames_lower=counts.names_lower,
                    unique_hostnames_upper=counts.names_upper,
                    exact=counts.names_lower == counts.names_upper,
                    information_bytes=counts.information,
                ),
            )
