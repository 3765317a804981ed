"""Whether a state that came over the log is sound: what the kernels rely on without asking [core].

A wrong index would raise in a kernel or, if negative, count from the end; a list that goes round
would never end. Whether the numbers are true can't be checked; that they fit together is.
"""

from collections.abc import Sequence

import numpy as np

from geophone_detector.detector import AlertStates
from geophone_detector.kernels.checking import are_wire_names, is_free_list, is_wheel
from geophone_detector.kernels.layout import (
    COMPLETE,
    EVERYONE,
    LATEST_PANE,
    LONGEST_PANES,
    NEVER,
    NEVER_SEEN,
    NO_SKETCH_LEFT,
    NONE,
    PANE_UNSET,
    PANE_US,
    SAMPLE_BYTES,
    SAMPLE_NAMES,
    TOP_CLIENTS,
    TOP_TYPES,
    WINDOW_PANES,
    WINDOWS,
)
from geophone_detector.kernels.sketches import LARGEST_PANE
from geophone_detector.kernels.tables import Tables
from geophone_detector.sketched import SketchedState
from geophone_detector.summaries import domain_name
from geophone_detector.windows import MUTED
from geophone_shared.jit import Array
from geophone_shared.record_reasons import invalid_record
from geophone_shared.timestamps import LATEST_TIME_US
from geophone_shared.transactions import LONGEST_NAME_BYTES

_MOST = 1 << 62
"""Sums that stay below can't overflow."""
_MOST_NAMES = 1 << 32


def check_heads(tables: Tables) -> None:
    """See that the heads are within the tables.

    Raises:
        InvalidRecordError: `snapshot`.
    """
    heads = tables.heads[0]
    most = {
        "unused_pair": tables.pairs.size,
        "unused_domain": tables.domains.size,
        "unused_counts": tables.counts.size,
        "unused_evidence": tables.evidence.size,
        "evidence_hand": max(tables.evidence.size - 1, 0),
        "names_bytes": tables.domain_names.size,
        "emptied": min(tables.emptied.size, int(heads["unused_domain"])),
        "is_refusing": 1,
        "now_pane": LATEST_PANE,
        "clock_us": LATEST_PANE * PANE_US,
    }
    least = dict.fromkeys(
        ("clock_us", *(n for n in heads.dtype.names if n.startswith("free_"))), -1
    )
    for name in heads.dtype.names:
        value = int(heads[name])
        is_unset = name == "now_pane" and value == PANE_UNSET
        _require(is_unset or least.get(name, 0) <= value <= most.get(name, _MOST))


def check_sketches(tables: Tables, sketched: SketchedState) -> None:
    """See that the sketches are of the pool, each once.

    Raises:
        InvalidRecordError: `snapshot`.
    """
    _require(len(sketched.domains) == len(sketched.sketches))
    _require(_are_within(sketched.sketches, len(tables.sketches)))


def check_state(
    tables: Tables,
    watch: Array,
    free_watches: Sequence[int],
    sketched: SketchedState,
    alerts: AlertStates,
) -> None:
    """See that all parts of a state fit together.

    Args:
        tables: with heads that were checked.
        watch: int64[watches, rules].
        free_watches: those that no domain has.
        sketched: with sketches that were checked.
        alerts: what domains have to do with alerts.

    Raises:
        InvalidRecordError: `snapshot`.
    """
    heads = tables.heads[0]
    pairs = tables.pairs[: int(heads["unused_pair"])]
    domains = tables.domains[: int(heads["unused_domain"])]
    is_live = domains["first_us"] != NEVER
    _check_pairs(tables, pairs, is_live)
    _check_domains(tables, domains, is_live)
    _check_counts(tables, pairs, domains, is_live)
    _check_evidence(tables, domains, is_live)
    _check_sketched(tables, domains, is_live, sketched)
    _check_watches(tables, domains, is_live, watch, free_watches, alerts)
    _check_emptied(tables, domains, is_live)
    for domain, by_rule in alerts.open.items():
        name = domain_name(tables, domain)
        _require(all(alert.evidence.registered_domain == name for alert in by_rule.values()))


def _require(condition: bool) -> None:  # noqa: FBT001 - it is the condition itself
    if not condition:
        raise invalid_record("snapshot")


def _are_within(indexes: Sequence[int] | Array, size: int) -> bool:
    """Whether indexes are of a table of that size, each once."""
    array = np.asarray(indexes, np.int64)
    return bool(np.all((array >= 0) & (array < size)) and np.unique(array).size == array.size)


def _is_free_list(links: Array, first: int, is_live: Array) -> bool:
    return is_free_list(
        np.ascontiguousarray(links, np.int64), int(first), (~is_live).astype(np.uint8)
    )


def _check_pairs(tables: Tables, pairs: Array, is_live_domain: Array) -> None:
    heads = tables.heads[0]
    now = int(heads["now_pane"])
    is_live = pairs["pane"] != NEVER_SEEN
    live = pairs[is_live]
    _require(live.size == heads["live_pairs"])
    _require(bool(np.all((live["pane"] > now - LONGEST_PANES) & (live["pane"] <= now))))
    _require(bool(np.all((live["domain"] >= 0) & (live["domain"] < is_live_domain.size))))
    _require(bool(np.all(is_live_domain[live["domain"]])))
    _require(_is_free_list(pairs["next"][:, 0], heads["free_pair"], is_live))
    panes = pairs["pane"].astype(np.int64)
    for window in range(WINDOWS):
        links = np.ascontiguousarray(pairs["next"][:, window], np.int64)
        left = max(now, 0) - WINDOW_PANES[window]
        marks = np.zeros(panes.size, np.uint8)
        _require(is_wheel(tables.wheels[window].astype(np.int64), links, panes, left, marks))


def _check_domains(tables: Tables, domains: Array, is_live: Array) -> None:
    heads = tables.heads[0]
    live = domains[is_live]
    _require(live.size == heads["live_domains"])
    _require(_is_free_list(domains["counts"], heads["free_domain"], is_live))
    for name in ("first_us", "last_us"):
        _require(bool(np.all((live[name] >= 0) & (live[name] <= LATEST_TIME_US))))
    for name in ("bytes_in", "bytes_out"):
        _require(bool(np.all(live[name] <= np.uint64(_MOST))))
    for name in ("lives", "peaks"):
        _require(bool(np.all(live[name] < 1 << WINDOWS)))
    starts = live["name_offset"].astype(np.int64)
    lengths = live["name_length"].astype(np.int64)
    order = np.argsort(starts, kind="stable")
    ends = (starts + lengths)[order]
    _require(bool(np.all(ends <= heads["names_bytes"])))
    _require(bool(np.all(starts[order][1:] >= ends[:-1])))
    garbage_bytes = int(heads["names_bytes"]) - int(lengths.sum())
    _require(garbage_bytes == heads["names_garbage_bytes"])
    _require(bool(np.all(lengths <= LONGEST_NAME_BYTES)))
    _require(are_wire_names(tables.domain_names, starts, lengths))


def _check_counts(tables: Tables, pairs: Array, domains: Array, is_live: Array) -> None:
    """What is counted of each domain is what its pairs come to."""
    heads = tables.heads[0]
    used = tables.counts[: int(heads["unused_counts"])]
    many = np.flatnonzero(is_live & (domains["counts"] != NONE))
    single = np.flatnonzero(is_live & (domains["counts"] == NONE))
    held = domains["counts"][many]
    _require(_are_within(held, used.size))
    is_held = np.zeros(used.size, np.bool_)
    is_held[held] = True
    _require(_is_free_list(used["sketch"], heads["free_counts"], is_held))
    live = pairs[pairs["pane"] != NEVER_SEEN]
    for window in range(WINDOWS):
        inside = live[live["pane"] > int(heads["now_pane"]) - WINDOW_PANES[window]]
        names = np.bincount(inside["domain"], minlength=domains.size)
        information = np.bincount(
            inside["domain"], weights=inside["information"], minlength=domains.size
        )
        _require(bool(np.all(used["names"][held, window] == names[many])))
        _require(bool(np.all(used["information"][held, window] == information[many])))
        lives = domains["lives"][single] >> np.uint8(window) & 1
        _require(bool(np.all(lives == names[single])))
        _require(bool(np.all(lives * domains["information"][single] == information[single])))


def _check_evidence(tables: Tables, domains: Array, is_live: Array) -> None:
    heads = tables.heads[0]
    used = tables.evidence[: int(heads["unused_evidence"])]
    holders = np.flatnonzero(is_live & (domains["evidence"] != NONE))
    held = domains["evidence"][holders].astype(np.int64)
    _require(_are_within(held, used.size))
    is_held = np.zeros(used.size, np.bool_)
    is_held[held] = True
    _require(bool(np.all(used["domain"][held] == holders)))
    _require(_is_free_list(used["clients"], heads["free_evidence"], is_held))
    shown = used[held]
    _require(bool(np.all((shown["clients"] >= 0) & (shown["clients"] <= TOP_CLIENTS + 1))))
    _require(bool(np.all(shown["type_count"] <= TOP_TYPES)))
    _require(bool(np.all(shown["samples"] <= SAMPLE_NAMES)))
    _require(bool(np.all((shown["since_us"] >= COMPLETE) & (shown["since_us"] <= LATEST_TIME_US))))
    starts = held * SAMPLE_BYTES
    for sample in range(SAMPLE_NAMES):
        has_sample = shown["samples"] > sample
        lengths = np.where(has_sample, shown["sample_length"][:, sample].astype(np.int64), 0)
        _require(bool(np.all(lengths <= LONGEST_NAME_BYTES)))
        _require(bool(np.all(starts + lengths <= (held + 1) * SAMPLE_BYTES)))
        _require(are_wire_names(tables.samples, starts[has_sample], lengths[has_sample]))
        starts += lengths


def _check_sketched(
    tables: Tables, domains: Array, is_live: Array, sketched: SketchedState
) -> None:
    now = int(tables.heads[0]["now_pane"])
    _require(_are_within(sketched.without, domains.size))
    many = np.flatnonzero(is_live & (domains["counts"] != NONE))
    sketches = tables.counts["sketch"][domains["counts"][many]]
    _require(bool(np.all(sketches >= NO_SKETCH_LEFT)))
    has_sketch = sketches >= 0
    found = dict(zip(many[has_sketch].tolist(), sketches[has_sketch].tolist(), strict=True))
    _require(found == dict(zip(sketched.domains, sketched.sketches, strict=True)))
    for domain, sketch in found.items():
        record = tables.sketches[sketch]
        _require(int(record["domain"]) == domain)
        _require(LONGEST_PANES <= now - int(record["base_pane"]) <= LARGEST_PANE)
        _require(0 <= int(record["rows"]) <= _MOST)
        _require(0 <= int(record["is_recording"]) <= 1)
        since = int(record["recording_since_pane"])
        _require(since == NEVER or 0 <= since <= now)
        for name in ("names", "names_lower", "names_upper", "information"):
            _require(bool(np.all((record[name] >= 0) & (record[name] < _MOST_NAMES))))


def _check_watches(
    tables: Tables,
    domains: Array,
    is_live: Array,
    watch: Array,
    free_watches: Sequence[int],
    alerts: AlertStates,
) -> None:
    """Who has a watch of its own has an open alert, or is crossed by a rule that may not open."""
    shared = len(tables.watch)
    _require(np.array_equal(watch[:shared], tables.watch))
    watchers = np.flatnonzero(is_live & (domains["watch"] > MUTED))
    own = domains["watch"][watchers].astype(np.int64)
    _require(_are_within(np.concatenate([own, np.asarray(free_watches, np.int64)]), len(watch)))
    _require(own.size + len(free_watches) == len(watch) - shared)
    _require(all(each >= shared for each in free_watches))
    _require(sorted((*alerts.open, *alerts.blocked)) == watchers.tolist())
    muted = np.flatnonzero(is_live & (domains["watch"] == MUTED))
    _require(sorted(alerts.muted) == muted.tolist())


def _check_emptied(tables: Tables, domains: Array, is_live: Array) -> None:
    emptied = tables.emptied[: int(tables.heads[0]["emptied"])]
    _require(_are_within(emptied, domains.size))
    listed = domains[emptied]
    _require(bool(np.all(is_live[emptied] & (listed["watch"] == EVERYONE))))
    is_single = listed["counts"] == NONE
    _require(bool(np.all(listed["lives"][is_single] >> np.uint8(WINDOWS - 1) & 1 == 0)))
    counts = tables.counts[listed["counts"][~is_single]]
    _require(bool(np.all((counts["names"][:, -1] == 0) & (counts["sketch"] < 0))))
