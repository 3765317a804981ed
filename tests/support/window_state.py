"""What must be true of the detector's tables at any time, however they came about."""

from collections import Counter

import numpy as np

from geophone_detector.kernels.layout import (
    EVERYONE,
    NEVER,
    NEVER_SEEN,
    NONE,
    WHEEL_PANES,
    WINDOW_PANES,
    WINDOWS,
)
from geophone_detector.kernels.tables import Tables
from geophone_detector.reading import live_counts
from geophone_shared.jit import Array


def assert_consistent(tables: Tables) -> None:
    """Indexes, lists, wheels and counts agree with the records, and nothing is lost or twice."""
    heads = tables.heads[0]
    live_pairs = _live_pairs(tables)
    live_domains = _live_domains(tables)
    assert heads["live_pairs"] == len(live_pairs)
    assert heads["live_domains"] == len(live_domains)
    assert _indexed(tables.pair_slots) == live_pairs
    assert _indexed(tables.domain_slots) == live_domains
    assert _free(tables.pairs["next"][:, 0], heads["free_pair"]) == (
        set(range(heads["unused_pair"])) - set(live_pairs)
    )
    assert _free(tables.domains["counts"], heads["free_domain"]) == (
        set(range(heads["unused_domain"])) - set(live_domains)
    )
    _assert_pools(tables, live_domains)
    _assert_wheels(tables, live_pairs)
    _assert_counts(tables, live_pairs, live_domains)
    _assert_names(tables, live_domains)


def _live_pairs(tables: Tables) -> list[int]:
    used = tables.pairs[: int(tables.heads[0]["unused_pair"])]
    return [int(pair) for pair in np.flatnonzero(used["pane"] != NEVER_SEEN)]


def _live_domains(tables: Tables) -> list[int]:
    used = tables.domains[: int(tables.heads[0]["unused_domain"])]
    return [int(domain) for domain in np.flatnonzero(used["first_us"] != NEVER)]


def _indexed(slots: Array) -> list[int]:
    return sorted(int(record) for record in slots if record != NONE)


def _free(links: Array, first: int) -> set[int]:
    found: set[int] = set()
    record = int(first)
    while record != NONE:
        assert record not in found
        found.add(record)
        record = int(links[record])
    return found


def _assert_pools(tables: Tables, live_domains: list[int]) -> None:
    heads = tables.heads[0]
    counts = [int(tables.domains[domain]["counts"]) for domain in live_domains]
    held_counts = {index for index in counts if index != NONE}
    assert len(held_counts) == sum(index != NONE for index in counts)
    assert _free(tables.counts["sketch"], heads["free_counts"]) == (
        set(range(heads["unused_counts"])) - held_counts
    )
    held = {int(tables.domains[domain]["evidence"]): domain for domain in live_domains}
    held.pop(NONE, None)
    assert all(tables.evidence[record]["domain"] == domain for record, domain in held.items())
    assert _free(tables.evidence["clients"], heads["free_evidence"]) == (
        set(range(heads["unused_evidence"])) - set(held)
    )


def _assert_wheels(tables: Tables, live_pairs: list[int]) -> None:
    """Each name hangs once in each window that holds it, no later than it has to leave."""
    now = int(tables.heads[0]["now_pane"])
    for window in range(WINDOWS):
        left = now - WINDOW_PANES[window]
        hanging: Counter[int] = Counter()
        for bucket in np.flatnonzero(tables.wheels[window] != NONE):
            pair = int(tables.wheels[window, bucket])
            while pair != NONE:
                hanging[pair] += 1
                visited = left + 1 + (int(bucket) - left - 1) % WHEEL_PANES
                assert visited <= tables.pairs[pair]["pane"]
                pair = int(tables.pairs[pair]["next"][window])
        assert hanging == Counter(pair for pair in live_pairs if tables.pairs[pair]["pane"] > left)


def _assert_counts(tables: Tables, live_pairs: list[int], live_domains: list[int]) -> None:
    now = int(tables.heads[0]["now_pane"])
    for window in range(WINDOWS):
        names: Counter[int] = Counter()
        information: Counter[int] = Counter()
        for pair in live_pairs:
            if tables.pairs[pair]["pane"] > now - WINDOW_PANES[window]:
                names[int(tables.pairs[pair]["domain"])] += 1
                information[int(tables.pairs[pair]["domain"])] += int(
                    tables.pairs[pair]["information"]
                )
        assert set(names) <= set(live_domains)
        for domain in live_domains:
            index = int(tables.domains[domain]["counts"])
            if index != NONE:
                counts = tables.counts[index]
                counted = (int(counts["names"][window]), int(counts["information"][window]))
            else:
                single = live_counts(tables, domain, window)
                counted = (single.names, single.information)
            assert counted == (names[domain], information[domain])
            if window == WINDOWS - 1 and tables.domains[domain]["watch"] == EVERYONE:
                is_sketched = index != NONE and tables.counts[index]["sketch"] >= 0
                assert names[domain] > 0 or is_sketched


def _assert_names(tables: Tables, live_domains: list[int]) -> None:
    """Names lie side by side in the arena."""
    heads = tables.heads[0]
    spans = sorted(
        (int(record["name_offset"]), int(record["name_length"]))
        for record in tables.domains[live_domains]
    )
    end = 0
    for start, length in spans:
        assert start >= end
        end = start + length
    assert end <= heads["names_bytes"] <= tables.domain_names.size
    live_bytes = sum(length for _, length in spans)
    assert heads["names_bytes"] - heads["names_garbage_bytes"] == live_bytes
