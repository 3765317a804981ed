"""How the detector's state lies in memory: the records that the kernels work on.

    name ─► pair ─► domain ─► counts ─► sketch (above the exact cap)
             │         ├────► evidence
             │         └────► watch (the values at which the caller wants to be told)
             └─ wheels (which pairs leave which window when)

A *pair* is a live hostname: its keyed hash, the last one-minute pane it was seen in, its domain.
All windows are counted from the one pane.
"""

import numpy as np

from geophone_shared.kernels.index import VACANT

NONE = VACANT
"""No record."""

PANE_US = 60_000_000
WINDOW_PANES = (10, 240, 1440)
"""The windows' lengths in panes, shortest first: 10 min, 4 h, 24 h."""
WINDOWS = len(WINDOW_PANES)
LONGEST_PANES = WINDOW_PANES[-1]

WINDOW_SECONDS = tuple(panes * PANE_US // 1_000_000 for panes in WINDOW_PANES)

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
        ("hash", "u4"),
        ("name_offset", "u4"),
        ("first_us", "i8"),
        ("last_us", "i8"),
        ("bytes_in", "u8"),
        ("bytes_out", "u8"),
        ("queries", "u4"),
        ("unanswered", "u4"),
        ("counts", "i4"),
        ("evidence", "i2"),
        ("watch", "u2"),
        ("name_length", "u1"),
        ("is_allowed", "u1"),
        ("lives", "u1"),
        ("peaks", "u1"),
        ("information", "u1"),
        ("peak_information", "u1", (WINDOWS,)),
    ],
    align=True,
)
"""A registered domain, or an entry of the allow list that is finer than one: a cache line.

19 of 20 domains never have two live names. Such a *single* one has no `COUNTS` (`counts` is
`NONE`): bit `1 << window` of `lives` says whether the window holds its name, of `peaks` whether it
ever held one; `information` is its name's, `peak_information` the most a name in the window had.
Totals are since the record began. A freed record has `first_us` `NEVER`; `counts` then links it.
"""

COUNTS = np.dtype(
    [
        ("names", "u4", (WINDOWS,)),
        ("information", "u4", (WINDOWS,)),
        ("peak_names", "u4", (WINDOWS,)),
        ("peak_information", "u4", (WINDOWS,)),
        ("peak_names_lower", "u4", (WINDOWS,)),
        ("peak_names_upper", "u4", (WINDOWS,)),
        ("refused", "u4"),
        ("sketch", "i4"),
    ],
    align=True,
)
"""What lives in each window of a domain that had two names at a time, and the most that ever did.

Where `peak_names_upper` isn't 0, the peak is an estimate between `peak_names_lower` and it.
`refused` counts rows whose new name was not counted. `sketch` is the domain's record of `SKETCH`;
while it has one, `names` and `information` are of the names that are pairs, too, and the sketch
says how many there are in all. In a freed record it links the next one.
"""

NO_SKETCH_LEFT = -2
"""`sketch` of a domain at the exact cap for which there was none."""

SKETCH = np.dtype(
    [
        ("domain", "i8"),
        ("base_pane", "i8"),
        ("rows", "i8"),
        ("is_recording", "i8"),
        ("recording_since_pane", "i8"),
        ("names", "i8", (WINDOWS,)),
        ("names_lower", "i8", (WINDOWS,)),
        ("names_upper", "i8", (WINDOWS,)),
        ("information", "i8", (WINDOWS,)),
    ]
)
"""The sliding HLL of a domain above the exact cap, and what it said at the last pane edge.

`base_pane` is what its panes count from, `rows` how many rows it has seen: it can't have more names
than those and the ones that it began with. While `is_recording`, since `recording_since_pane`, new
names become pairs as well.
"""

UNSEEN = -1
"""`last_us` of a domain before its first row."""

NEVER = int(np.iinfo(np.int64).max)
"""A time, or a watched value, that isn't reached."""

EVERYONE = 0
"""The watch that a domain has until it gets its own."""

FEW_NAMES = 8
"""A domain with fewer live names may lose its evidence to another."""
COMPLETE = -1
"""`since_us` of evidence that was collected from the domain's first row on."""
TOP_CLIENTS = 16
TOP_TYPES = 12
RESPONSE_CODES = 16
"""Response codes 0..15 of the header; extended ones (RFC 6891) need the OPT record's contents."""
SAMPLE_NAMES = 8
SAMPLE_BYTES = 512
"""Room for the sample names of a domain: two of the longest, or eight ordinary ones."""
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

LATEST_PANE = int(np.iinfo(np.int32).max)
"""In the year 6053. What is dated later counts as of then: a pair's pane must not overflow."""

NEVER_SEEN = int(np.iinfo(np.int32).min)
"""The pane of a pair that hasn't been seen yet."""

PANE_UNSET = -(1 << 40)

NAMES = 0
INFORMATION = 1
"""The measures of a rule."""
