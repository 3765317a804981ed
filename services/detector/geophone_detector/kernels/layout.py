"""How the detector's state lies in memory: the records and the tables that the kernels work on.

    name ─► pair ─► domain ─► evidence
             │         └────► watch (the values at which the caller wants to be told)
             └─ wheels (which pairs leave which window when)

A *pair* is a live hostname: its keyed hash, the last one-minute pane it was seen in, its domain.
All windows are counted from the one pane.
"""

from typing import NamedTuple

import numpy as np

from geophone_shared.jit import Array
from geophone_shared.kernels.index import VACANT

NONE = VACANT
"""No record."""

PANE_US = 60_000_000
WINDOW_PANES = (10, 240, 1440)
"""The windows' lengths in panes, shortest first: 10 min, 4 h, 24 h."""
WINDOWS = len(WINDOW_PANES)
LONGEST_PANES = WINDOW_PANES[-1]

WHEEL_PANES = 2048
"""Buckets of a wheel: a power of two above the longest window, so live panes never share one."""

PAIR = np.dtype(
    [
        ("hash", "u8"),
        ("pane", "i4"),
        ("domain", "i4"),
        ("next", "i4", (WINDOWS,)),
        ("information", "u1"),
    ],
    align=True,
)
"""A live hostname. `pane` is the minute since the epoch in which it was last seen, `information`
its information bytes, `next` the links of the wheels' lists (`next[0]` also that of the freed)."""

DOMAIN = np.dtype(
    [
        ("hash", "u8"),
        ("first_us", "i8"),
        ("last_us", "i8"),
        ("bytes_in", "u8"),
        ("bytes_out", "u8"),
        ("names", "u4", (WINDOWS,)),
        ("information", "u4", (WINDOWS,)),
        ("peak_names", "u4", (WINDOWS,)),
        ("peak_information", "u4", (WINDOWS,)),
        ("queries", "u4"),
        ("unanswered", "u4"),
        ("refused", "u4"),
        ("name_offset", "u4"),
        ("evidence", "i4"),
        ("watch", "i4"),
        ("name_length", "u1"),
        ("is_allowed", "u1"),
    ],
    align=True,
)
"""A registered domain, or an entry of the allow list that is finer than one.

`names` and `information` are what lives in each window; the peaks, what ever did at a time.
`refused` counts rows whose new name was not counted, because the domain was at the exact cap.
Totals are since the record began.
"""

UNSEEN = -1
"""`last_us` of a domain before its first row."""

FEW_NAMES = 8
"""A domain with fewer live names may lose its evidence to another."""
COMPLETE = -1
"""`since_us` of evidence that was collected from the domain's first row on."""
TOP_CLIENTS = 16
TOP_TYPES = 12
RESPONSE_CODES = 16
"""Response codes 0..15 of the header; extended ones (RFC 6891) need the OPT record's contents."""
SAMPLE_NAMES = 8
SAMPLE_STRIDE = 256
CLIENT_BITS = 1024

EVIDENCE = np.dtype(
    [
        ("domain", "i4"),
        ("clients", "i4"),
        ("since_us", "i8"),
        ("client_high", "u8", (TOP_CLIENTS,)),
        ("client_low", "u8", (TOP_CLIENTS,)),
        ("client_queries", "u4", (TOP_CLIENTS,)),
        ("client_bits", "u8", (CLIENT_BITS // 64,)),
        ("type_queries", "u4", (TOP_TYPES,)),
        ("types", "u2", (TOP_TYPES,)),
        ("response_codes", "u4", (RESPONSE_CODES,)),
        ("type_count", "u1"),
        ("other_types", "u4"),
        ("sample_length", "u1", (SAMPLE_NAMES,)),
        ("samples", "u1"),
    ],
    align=True,
)
"""What an alert shows of a domain beside its counts.

`clients` of them are exact up to `TOP_CLIENTS`; `TOP_CLIENTS + 1` means more, and `client_bits` (a
linear counter) then says about how many. The sample names lie in a buffer of their own.
"""

HEADS = np.dtype(
    [
        ("now_pane", "i8"),
        ("clock_us", "i8"),
        ("free_pair", "i8"),
        ("unused_pair", "i8"),
        ("live_pairs", "i8"),
        ("domains", "i8"),
        ("names_bytes", "i8"),
        ("unused_evidence", "i8"),
        ("evidence_hand", "i8"),
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

LATEST_PANE = int(np.iinfo(np.int32).max)
"""In the year 6053. What is dated later counts as of then: a pair's pane must not overflow."""

NEVER_SEEN = int(np.iinfo(np.int32).min)
"""The pane of a pair that hasn't been seen yet."""

PANE_UNSET = -(1 << 40)

NEVER = int(np.iinfo(np.int64).max)
"""A watched value that isn't reached."""

NAMES = 0
INFORMATION = 1
"""The measures of a rule."""


class Tables(NamedTuple):
    """The state of one detector.

    Attributes:
        pairs: `PAIR` array: the table's capacity.
        pair_slots: int32, their index.
        wheels: int32[WINDOWS, WHEEL_PANES]: the first pair of each bucket's list.
        domains: `DOMAIN` array: the table's capacity.
        domain_slots: int32, their index.
        domain_names: uint8: wire names, lower case.
        evidence: `EVIDENCE` array: the pool.
        samples: uint8[SAMPLE_NAMES, len(evidence) * SAMPLE_STRIDE]: wire names, original case.
        watch: int64[n, rules]: values at which the kernel stops; row 0 is everyone's.
        rule_window: int64[rules]: index into the windows.
        rule_measure: int64[rules]: `NAMES` or `INFORMATION`.
        allow_slots: the allow list's suffixes, with `allow_labels`.
        allow_labels: uint8.
        heads: one `HEADS`.
        key0: first half of the secret that keys all hashes.
        key1: its second half.
        exact_cap: how many live names of a domain are counted.
    """

    pairs: Array
    pair_slots: Array
    wheels: Array
    domains: Array
    domain_slots: Array
    domain_names: Array
    evidence: Array
    samples: Array
    watch: Array
    rule_window: Array
    rule_measure: Array
    allow_slots: Array
    allow_labels: Array
    heads: Array
    key0: np.uint64
    key1: np.uint64
    exact_cap: int
