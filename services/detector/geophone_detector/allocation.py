"""The tables of a detector, empty [core]."""

from collections.abc import Sequence

import numpy as np

from geophone_detector.capacities import Capacities, slots_for
from geophone_detector.kernels.checking import index_live
from geophone_detector.kernels.layout import (
    COUNTS,
    DOMAIN,
    EVIDENCE,
    INFORMATION,
    NAMES,
    NEVER,
    NEVER_SEEN,
    NONE,
    PAIR,
    PANE_UNSET,
    SAMPLE_BYTES,
    SKETCH,
    WHEEL_PANES,
    WINDOW_SECONDS,
    WINDOWS,
)
from geophone_detector.kernels.sketches import SKETCH_SHAPE
from geophone_detector.kernels.tables import HEADS, Tables
from geophone_detector.rules import Rule
from geophone_shared.errors import ConfigError
from geophone_shared.hashing import SecretKey
from geophone_shared.jit import Array
from geophone_shared.suffixes import SuffixTable

_FIRST_SLOTS = 1 << 14
_CACHE_LINE_BYTES = 64


def empty_tables(
    rules: Sequence[Rule],
    allow_list: SuffixTable,
    secret: SecretKey,
    exact_cap_names: int,
    capacities: Capacities,
) -> Tables:
    """Tables that hold nothing.

    Each is as large as it may ever become: pages that were never touched cost no memory. Only the
    indexes start small, for they are touched everywhere.

    Raises:
        ConfigError: the cap is below 1 name, or a rule has a window that there isn't.
    """
    if exact_cap_names < 1:
        raise ConfigError("the exact cap has to be at least 1 name")
    measures = {"unique_hostnames": NAMES, "information_bytes": INFORMATION}
    heads = np.zeros(1, HEADS)
    heads["now_pane"] = PANE_UNSET
    heads["clock_us"] = -1
    for free_list in ("free_pair", "free_domain", "free_counts", "free_evidence"):
        heads[free_list] = NONE
    sketch_shape = (capacities.sketches, *SKETCH_SHAPE)
    return Tables(
        pairs=_aligned(capacities.pairs, PAIR),
        pair_slots=np.full(_FIRST_SLOTS, NONE, np.int32),
        wheels=np.full((WINDOWS, WHEEL_PANES), NONE, np.int32),
        domains=_aligned(capacities.domains, DOMAIN),
        domain_slots=np.full(_FIRST_SLOTS, NONE, np.int32),
        domain_names=np.empty(capacities.domain_name_bytes, np.uint8),
        counts=_aligned(capacities.domains, COUNTS),
        emptied=np.empty(capacities.domains, np.int32),
        evidence=_aligned(capacities.evidence, EVIDENCE),
        # Zeros, for a snapshot holds also what lies between the names.
        samples=np.zeros(capacities.evidence * SAMPLE_BYTES, np.uint8),
        sketches=np.zeros(capacities.sketches, SKETCH),
        sketch_panes=np.zeros(sketch_shape, np.uint16),
        sketch_weights=np.zeros(sketch_shape, np.uint8),
        watch=np.array(
            [[rule.least_value for rule in rules], [NEVER] * len(rules)],
            np.int64,
        ),
        rule_window=np.array([_window_index(rule.window_seconds) for rule in rules], np.int64),
        rule_measure=np.array([measures[rule.measure] for rule in rules], np.int64),
        allow_slots=allow_list.slots,
        allow_labels=allow_list.labels,
        heads=heads,
        key0=secret.key0,
        key1=secret.key1,
        exact_cap=exact_cap_names,
    )


def indexed(tables: Tables) -> Tables:
    """Tables whose records came from a snapshot, with indexes of those that are live.

    The indexes have room for as many as were ever live before they have to grow.
    """
    pairs = tables.pairs[: int(tables.heads[0]["unused_pair"])]
    domains = tables.domains[: int(tables.heads[0]["unused_domain"])]
    return tables._replace(
        pair_slots=_index(pairs, pairs["pane"] != NEVER_SEEN),
        domain_slots=_index(domains, domains["first_us"] != NEVER),
    )


def _index(records: Array, is_live: Array) -> Array:
    slots = np.full(max(_FIRST_SLOTS, slots_for(records.size)), NONE, np.int32)
    index_live(slots, records, is_live.astype(np.uint8))
    return slots


def _aligned(count: int, dtype: np.dtype[np.void]) -> Array:
    """Zeroed records that start at a cache line, so that small ones never lie across two."""
    buffer = np.zeros(count * dtype.itemsize + _CACHE_LINE_BYTES, np.uint8)
    start = -buffer.ctypes.data % _CACHE_LINE_BYTES
    return buffer[start : start + count * dtype.itemsize].view(dtype)


def _window_index(window_seconds: int) -> int:
    if window_seconds not in WINDOW_SECONDS:
        raise ConfigError(
            f"{window_seconds} s is not a window: the windows are"
            f" {', '.join(f'{seconds} s' for seconds in WINDOW_SECONDS)}"
        )
    return WINDOW_SECONDS.index(window_seconds)
