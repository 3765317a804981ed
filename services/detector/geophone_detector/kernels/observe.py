"""Kernel: rows in, counts up; stops where the caller has to decide something."""

import numpy as np

from geophone_detector.kernels.domains import count_row, domain_of
from geophone_detector.kernels.evidence import add_evidence, add_sample, take_evidence
from geophone_detector.kernels.layout import (
    COMPLETE,
    FEW_NAMES,
    INFORMATION,
    LONGEST_PANES,
    NONE,
    PANE_US,
    UNSEEN,
    WINDOWS,
    Tables,
)
from geophone_detector.kernels.pairs import add_pair, find_pair, touch_pair
from geophone_shared.jit import Array, inner_kernel, int64, kernel
from geophone_shared.kernels.hashing import siphash13

EXHAUSTED = 0
"""All rows are counted."""
PANE_AHEAD = 1
"""The next row completes in a later pane, `event_pane`: advance, then go on with it."""
CROSSED = 2
"""By the last row, a watched value of `event_domain` was reached."""
INDEX_FULL = 3
"""An index has to grow before the next row."""


@inner_kernel
def _has_crossed(tables: Tables, domain: int) -> bool:
    record = tables.domains[domain]
    watch = int64(record["watch"])
    for rule in range(tables.rule_window.size):
        window = tables.rule_window[rule]
        if tables.rule_measure[rule] == INFORMATION:
            value = int64(record["information"][window])
        else:
            value = int64(record["names"][window])
        if value >= tables.watch[watch, rule]:
            return True
    return False


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
        if (
            2 * heads[0]["live_pairs"] >= tables.pair_slots.size
            or 2 * heads[0]["domains"] >= tables.domain_slots.size
        ):
            return index, INDEX_FULL
        heads[0]["clock_us"] = clock_us
        time_us = int64(row["time_us"])
        if time_us > latest_us:
            heads[0]["future_rows"] += 1
            time_us = int64(latest_us)
        pane = min(time_us // PANE_US, now)
        if pane <= now - LONGEST_PANES:
            heads[0]["late_rows"] += 1
            continue
        start = int64(row["name_offset"])
        length = int64(row["name_length"])
        hash_value = siphash13(names, start, length, tables.key0, tables.key1)
        pair = find_pair(tables, hash_value)
        is_new = pair == NONE
        if is_new:
            domain = domain_of(tables, names, start, length, int64(row["domain_offset"]))
            if domain == NONE:
                heads[0]["rows_without_room"] += 1
                continue
            if domains[domain]["names"][WINDOWS - 1] >= tables.exact_cap:
                domains[domain]["refused"] += np.uint32(1)
                heads[0]["names_at_cap"] += 1
            else:
                key_length = int64(domains[domain]["name_length"])
                information = max(length - key_length - 1, 0)
                pair = add_pair(tables, hash_value, domain, information)
                if pair == NONE:
                    domains[domain]["refused"] += np.uint32(1)
                    heads[0]["names_without_room"] += 1
        else:
            domain = int64(tables.pairs[pair]["domain"])
        record = int64(domains[domain]["evidence"])
        if record == NONE:
            if domains[domain]["last_us"] == UNSEEN:
                record = take_evidence(tables, domain, int64(COMPLETE))
            elif domains[domain]["names"][WINDOWS - 1] >= FEW_NAMES:
                record = take_evidence(tables, domain, time_us)
        count_row(domains, domain, row, time_us)
        if record != NONE:
            add_evidence(tables.evidence, record, row)
            if is_new and pair != NONE:
                add_sample(tables, record, names, start, length)
        if pair != NONE and touch_pair(tables, pair, pane) and _has_crossed(tables, domain):
            heads[0]["event_domain"] = domain
            return index + 1, CROSSED
    return rows.size, EXHAUSTED
