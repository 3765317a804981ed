"""The tables that the kernels work on: one bundle of arrays, which every kernel takes first."""

from typing import NamedTuple

import numpy as np

from geophone_shared.jit import Array

HEADS = np.dtype(
    [
        ("now_pane", "i8"),
        ("clock_us", "i8"),
        ("free_pair", "i8"),
        ("unused_pair", "i8"),
        ("live_pairs", "i8"),
        ("free_domain", "i8"),
        ("unused_domain", "i8"),
        ("live_domains", "i8"),
        ("free_counts", "i8"),
        ("unused_counts", "i8"),
        ("free_evidence", "i8"),
        ("unused_evidence", "i8"),
        ("evidence_hand", "i8"),
        ("names_bytes", "i8"),
        ("names_garbage_bytes", "i8"),
        ("emptied", "i8"),
        ("is_refusing", "i8"),
        ("event_domain", "i8"),
        ("event_pane", "i8"),
        ("late_rows", "i8"),
        ("future_rows", "i8"),
        ("names_at_cap", "i8"),
        ("names_without_room", "i8"),
        ("rows_without_room", "i8"),
        ("evidence_taken", "i8"),
    ]
)
"""Clocks, free lists, what the last call stopped for, and counters."""


class Tables(NamedTuple):
    """The state of one detector.

    Attributes:
        pairs: `PAIR` array: the table's capacity.
        pair_slots: int32, their index.
        wheels: int32[WINDOWS, WHEEL_PANES]: the first pair of each bucket's list.
        domains: `DOMAIN` array: the table's capacity.
        domain_slots: int32, their index.
        domain_names: uint8: wire names, lower case.
        counts: `COUNTS` array, as many as domains.
        emptied: int32, as many as domains: those whose last name has left, `heads` says how many.
        evidence: `EVIDENCE` array: the pool.
        samples: uint8[len(evidence) * SAMPLE_BYTES]: wire names, original case, side by side.
        sketches: `SKETCH` array: the pool.
        sketch_panes: uint16[sketches, *SKETCH_SHAPE], see `kernels.sketches`.
        sketch_weights: uint8[sketches, *SKETCH_SHAPE].
        watch: int64[n, rules]: values at which the kernel stops; row 0 is everyone's.
        rule_window: int64[rules]: index into the windows.
        rule_measure: int64[rules]: `NAMES` or `INFORMATION`.
        allow_slots: the allow list's suffixes, with `allow_labels`.
        allow_labels: uint8.
        heads: one `HEADS`.
        key0: first half of the secret that keys all hashes.
        key1: its second half.
        exact_cap: from how many live names on a domain gets a sketch.
    """

    pairs: Array
    pair_slots: Array
    wheels: Array
    domains: Array
    domain_slots: Array
    domain_names: Array
    counts: Array
    emptied: Array
    evidence: Array
    samples: Array
    sketches: Array
    sketch_panes: Array
    sketch_weights: Array
    watch: Array
    rule_window: Array
    rule_measure: Array
    allow_slots: Array
    allow_labels: Array
    heads: Array
    key0: np.uint64
    key1: np.uint64
    exact_cap: int
