"""Kernel: rows in, counts up; stops where the caller has to decide something."""

import numpy as np

from geophone_detector.kernels.counts import counts_of, information_in, names_in, sketch_of
from geophone_detector.kernels.domains import count_row, domain_of
from geophone_detector.kernels.evidence import (
    add_evidence,
    add_sample,
    has_few_names,
    take_evidence,
)
from geophone_detector.kernels.layout import (
    COMPLETE,
    INFORMATION,
    LONGEST_PANES,
    NO_SKETCH_LEFT,
    NONE,
    PANE_US,
    UNSEEN,
    WINDOWS,
)
from geophone_detector.kernels.pairs import add_pair, find_pair, has_pair_left, touch_pair
from geophone_detector.kernels.sketches import see_name
from geophone_detector.kernels.tables import Tables
from geophone_shared.jit import Array, inner_kernel, int64, kernel
from geophone_shared.kernels.hashing import siphash13
from geophone_shared.kernels.index import is_full

EXHAUSTED = 0
"""All rows are counted."""
PANE_AHEAD = 1
"""The next row completes in a later pane, `event_pane`: advance, then go on with it."""
CROSSED = 2
"""By the last row, a watched value of `event_domain` was reached."""
INDEX_FULL = 3
"""An index has to grow before the next row."""
NO_ROOM = 4
"""The next row needs a record and none is left: free some, or refuse it (`is_refusing`)."""
CAP_REACHED = 5
"""The next row has a new name of `event_domain`, which is at the exact cap and has no sketch."""


@inner_kernel
def _has_crossed(tables: Tables, domain: int) -> bool:
    domains = tables.domains
    watch = int64(domains[domain]["watch"])
    for rule in range(tables.rule_window.size):
        window = int64(tables.rule_window[rule])
        if tables.rule_measure[rule] == INFORMATION:
            value = information_in(domains, tables.counts, domain, window)
        else:
            value = names_in(domains, tables.counts, domain, window)
        if value >= tables.watch[watch, rule]:
            return True
    return False


@inner_kernel
def _refuse(domains: Array, all_counts: Array, heads: Array, domain: int) -> None:
    """A row's new name isn't counted: the domain's count is a lower bound from now on."""
    all_counts[counts_of(domains, all_counts, heads, domain)]["refused"] += np.uint32(1)


@kernel
def observe_rows(
    tables: Tables, rows: Array, names: Array, first: int, latest_us: int
) -> tuple[int, int]:
    """Count rows until one asks for a decision.

    Args:
        tables: the state.
        rows: `ROW` array, in completion order.
        names: uint8, in which their names lie.
        first: index of the first row to count.
        latest_us: rows dated later are counted as of this time.

    Returns:
        (index of the next row, why it stopped)
    """
    heads, domains = tables.heads, tables.domains
    for index in range(first, rows.size):
        row = rows[index]
        clock_us = max(int64(heads[0]["clock_us"]), min(int64(row["completed_us"]), latest_us))
        # A minute mark may have moved the windows ahead of the rows of a slower producer.
        now = max(clock_us // PANE_US, int64(heads[0]["now_pane"]))
        if now > heads[0]["now_pane"]:
            heads[0]["event_pane"] = now
            return index, PANE_AHEAD
        if is_full(tables.pair_slots, int64(heads[0]["live_pairs"])) or is_full(
            tables.domain_slots, int64(heads[0]["live_domains"])
        ):
            return index, INDEX_FULL
        heads[0]["clock_us"] = clock_us
        time_us = min(int64(row["time_us"]), latest_us)
        pane = min(time_us // PANE_US, now)
        if pane <= now - LONGEST_PANES:
            heads[0]["late_rows"] += 1
            continue
        start = int64(row["name_offset"])
        length = int64(row["name_length"])
        hash_value = siphash13(names, start, length, tables.key0, tables.key1)
        pair = find_pair(tables.pairs, tables.pair_slots, hash_value)
        is_new = pair == NONE
        is_pair = not is_new
        if is_new:
            has_room = has_pair_left(heads, int64(tables.pairs.size))
            domain = domain_of(tables, names, start, length, int64(row["domain_offset"]), has_room)
            if domain == NONE:
                if heads[0]["is_refusing"] == 0:
                    return index, NO_ROOM
                heads[0]["rows_without_room"] += 1
                continue
        else:
            domain = int64(tables.pairs[pair]["domain"])
        sketch = sketch_of(domains, tables.counts, domain)
        if is_new:
            is_pair = sketch < 0 or tables.sketches[sketch]["is_recording"] != 0
            names_live = names_in(domains, tables.counts, domain, WINDOWS - 1)
            if sketch < 0 and names_live >= tables.exact_cap:
                if sketch != NO_SKETCH_LEFT:
                    heads[0]["event_domain"] = domain
                    return index, CAP_REACHED
                is_pair = False
                heads[0]["names_at_cap"] += 1
                tables.counts[counts_of(domains, tables.counts, heads, domain)]["refused"] += (
                    np.uint32(1)
                )
            elif is_pair and not has_room:
                if heads[0]["is_refusing"] == 0:
                    return index, NO_ROOM
                is_pair = False
                heads[0]["names_without_room"] += 1
                tables.counts[counts_of(domains, tables.counts, heads, domain)]["refused"] += (
                    np.uint32(1)
                )
        information = max(length - int64(domains[domain]["name_length"]) - 1, 0)
        if is_new and is_pair:
            pair = add_pair(tables.pairs, tables.pair_slots, heads, hash_value, domain, information)
        record = int64(domains[domain]["evidence"])
        if record == NONE:
            if domains[domain]["last_us"] == UNSEEN:
                record = take_evidence(tables, domain, int64(COMPLETE))
            elif not has_few_names(domains, tables.counts, domain):
                record = take_evidence(tables, domain, time_us)
        heads[0]["future_rows"] += int64(int64(row["time_us"]) > latest_us)
        count_row(domains, domain, row, time_us)
        if record != NONE:
            add_evidence(tables.evidence, record, row)
            if is_new and (is_pair or sketch >= 0):
                add_sample(tables, record, names, start, length)
        if sketch >= 0:
            tables.sketches[sketch]["rows"] += 1
            base = int64(tables.sketches[sketch]["base_pane"])
            see_name(
                tables.sketch_panes,
                tables.sketch_weights,
                sketch,
                pane - base,
                hash_value,
                information,
            )
        if is_pair and touch_pair(tables, pair, pane) and sketch < 0:
            if _has_crossed(tables, domain):
                heads[0]["event_domain"] = domain
                return index + 1, CROSSED
    return rows.size, EXHAUSTED
