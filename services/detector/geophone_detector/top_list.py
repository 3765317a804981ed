"""The list of a partition's busiest domains that goes to the log [core].

Unlike a replay's table (`top`), which has the most that a window ever held, it has what lives in
each window now.
"""

from collections.abc import Iterator, Mapping
from itertools import starmap

import numpy as np

from geophone_detector.kernels.layout import NEVER, NONE, WINDOW_SECONDS, WINDOWS
from geophone_detector.kernels.tables import Tables
from geophone_detector.partition import Partition
from geophone_detector.reading import live_counts_of_all
from geophone_detector.summaries import summaries_with
from geophone_shared.drops import Drops
from geophone_shared.jit import Array
from geophone_shared.summaries import WindowCounts
from geophone_shared.top_domains import MOST_TOP_LIST_BYTES, ListedDomain, TopList, encode_top_list

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
        encoded = encode_top_list(top_list(partition, number, most, most_with_evidence, drops))
        if len(encoded) < MOST_TOP_LIST_BYTES:
            break
    return encoded


def top_list(
    partition: Partition,
    number: int,
    most: int,
    most_with_evidence: int = MOST_WITH_EVIDENCE,
    drops: Drops | None = None,
) -> TopList:
    """The busiest domains of a partition.

    Args:
        partition: its state.
        number: its number.
        most: domains of each window, on the allow list and others each.
        most_with_evidence: those of them of which more than counts is told.
        drops: what was lost of it.
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
    return TopList(
        partition=number,
        as_of_us=partition.clock_us or 0,
        position=partition.position,
        windows=WINDOW_SECONDS,
        domains=tuple(sorted(_listed(tables, chosen), key=_place)),
        drops=drops,
    )


def _place(domain: ListedDomain) -> tuple[int, int, str]:
    """What domains are sorted by: their first window, and what they have in it."""
    first = domain.windows[0]
    return first.window_seconds, -first.unique_hostnames, domain.name


def _listed(tables: Tables, chosen: Mapping[int, bool]) -> Iterator[ListedDomain]:
    """Domains (indexes), each with or without evidence."""
    if not chosen:
        return
    domains = list(chosen)
    counts = (each.tolist() for each in live_counts_of_all(tables, np.array(domains)))
    windows = [
        tuple(
            WindowCounts(seconds, names, lower, upper, lower == upper, information)
            for seconds, names, lower, upper, information in zip(WINDOW_SECONDS, *of, strict=True)
            if names > 0
        )
        for of in zip(*counts, strict=True)
    ]
    longest = [each[-1] for each in windows]
    summaries = summaries_with(tables, domains, longest, list(chosen.values()))
    yield from starmap(ListedDomain, zip(summaries, windows, strict=True))


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
    """The domains (indexes) with the most names; of equal ones those that lie first."""
    several = np.flatnonzero(names > 1)
    highest = several[np.argsort(-names[several], kind="stable")[:most]]
    if highest.size < most:
        # Most domains have one name, so they aren't sorted.
        highest = np.append(highest, np.flatnonzero(names == 1)[: most - highest.size])
    found: list[int] = highest.tolist()
    return found
