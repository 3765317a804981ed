"""The domains above the exact cap: their sketches, begun, judged at pane edges, ended [core]."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from geophone_detector.kernels.counts import give_counts
from geophone_detector.kernels.layout import (
    LONGEST_PANES,
    NEVER,
    NO_SKETCH_LEFT,
    NONE,
    WINDOW_PANES,
    WINDOWS,
)
from geophone_detector.kernels.pairs import copy_to_sketch
from geophone_detector.kernels.sketches import REGISTERS, clear, move_base, window_registers
from geophone_detector.kernels.tables import Tables
from geophone_detector.sketch_image import estimate
from geophone_shared.jit import Record

_MOVE_AT_PANE = 60_000
"""From here on a sketch's panes are counted from a later one: they have 16 bits."""
_MOST = int(np.iinfo(np.uint32).max)
"""What a peak can hold."""


class SketchedState(NamedTuple):
    """All that `SketchedDomains` knows.

    Attributes:
        begun: sketches begun so far.
        domains: those that have a sketch, in the order in which they got it.
        sketches: their sketches.
        without: domains that have to do without.
    """

    begun: int
    domains: tuple[int, ...]
    sketches: tuple[int, ...]
    without: tuple[int, ...]


class SketchedDomains:
    """Which domains have a sketch, and which have to do without because none was left.

    From the exact cap on a domain's new names are no pairs any more. Below half of it they become
    pairs again, beside the sketch; after the longest window they are all there, and count.

    Attributes:
        begun: sketches begun so far.
    """

    def __init__(self, capacity: int) -> None:
        self.begun = 0
        self._free = list(reversed(range(capacity)))
        self._sketches: dict[int, int] = {}
        self._without: set[int] = set()
        self._registers = np.empty(REGISTERS, np.uint8)
        self._estimated: dict[int, tuple[int, int, list[int]]] = {}
        """By sketch: when it was estimated last, and its rows and pairs then."""

    def __len__(self) -> int:
        return len(self._sketches)

    def __iter__(self) -> Iterator[int]:
        return iter(self._sketches)

    @property
    def state(self) -> SketchedState:
        """For a snapshot."""
        held = self._sketches
        return SketchedState(self.begun, tuple(held), tuple(held.values()), tuple(self._without))

    def restore(self, state: SketchedState) -> None:
        """Go on from a snapshot's, which fits the tables."""
        self.begun = state.begun
        self._sketches = dict(zip(state.domains, state.sketches, strict=True))
        held = set(state.sketches)
        self._free = [sketch for sketch in self._free if sketch not in held]
        self._without = set(state.without)

    def begin(self, tables: Tables, domain: int) -> None:
        """Give a domain that is at the cap a sketch of its live names, if one is left."""
        counts = tables.counts[give_counts(tables, domain)]
        if not self._free:
            counts["sketch"] = NO_SKETCH_LEFT
            self._without.add(domain)
            return
        self.begun += 1
        sketch = self._free.pop()
        self._estimated.pop(sketch, None)
        self._sketches[domain] = sketch
        base_pane = int(tables.heads[0]["now_pane"]) - LONGEST_PANES
        clear(tables.sketch_panes, sketch)
        copy_to_sketch(tables, domain, sketch, base_pane)
        record = tables.sketches[sketch]
        record["domain"] = domain
        record["base_pane"] = base_pane
        record["rows"] = counts["names"][WINDOWS - 1]
        record["is_recording"] = 0
        record["recording_since_pane"] = NEVER
        for of_names in ("names", "names_lower", "names_upper"):
            record[of_names] = counts["names"]
        record["information"] = counts["information"]
        counts["sketch"] = sketch

    def judge(self, tables: Tables) -> list[int]:
        """At a pane edge: have each sketch say what lives in the windows now.

        Returns:
            The domains that need none any more.
        """
        now = int(tables.heads[0]["now_pane"])
        ended = []
        for domain, sketch in self._sketches.items():
            self._estimate(tables, sketch, now)
            if self._is_covered(tables, domain, sketch, now):
                ended.append(domain)
        for domain in ended:
            sketch = self._sketches.pop(domain)
            self._free.append(sketch)
            _counts(tables, domain)["sketch"] = NONE
        if self._free:
            self._give_hope(tables)
        return ended

    def _give_hope(self, tables: Tables) -> None:
        """Let the domains that had to do without ask again; some may have been freed since."""
        for domain in self._without:
            record = tables.domains[domain]
            index = int(record["counts"])
            if record["first_us"] != NEVER and index != NONE:
                counts = tables.counts[index]
                if counts["sketch"] == NO_SKETCH_LEFT:
                    counts["sketch"] = NONE
        self._without.clear()

    def _estimate(self, tables: Tables, sketch: int, now: int) -> None:
        record = tables.sketches[sketch]
        if now - int(record["base_pane"]) > _MOVE_AT_PANE:
            by = now - LONGEST_PANES - int(record["base_pane"])
            move_base(tables.sketch_panes, sketch, by)
            record["base_pane"] += by
            self._estimated.pop(sketch, None)  # what has left is forgotten, and can't be seen leave
        counts = _counts(tables, int(record["domain"]))
        rows = min(int(record["rows"]), _MOST)
        panes = tables.sketch_panes[sketch]
        before = self._estimated.get(sketch)
        self._estimated[sketch] = (now, int(record["rows"]), counts["names"].tolist())
        for window in range(WINDOWS):
            left = now - WINDOW_PANES[window] - int(record["base_pane"])
            if before is not None and before[1:] == self._estimated[sketch][1:]:
                # Without a row nothing changes but by what has left the window since.
                before_left = left - (now - before[0])
                if not np.any((panes > max(before_left, 0)) & (panes <= max(left, 0))):
                    continue
            mean_information = window_registers(
                tables.sketch_panes, tables.sketch_weights, sketch, left, self._registers
            )
            of_names = estimate(self._registers)
            # Each name came with a row of its own, and those that are pairs are counted.
            pairs = int(counts["names"][window])
            names = max(min(of_names.value, rows), pairs)
            record["names"][window] = names
            record["names_lower"][window] = max(min(of_names.lower, rows), pairs)
            record["names_upper"][window] = max(min(of_names.upper, rows), pairs)
            record["information"][window] = min(round(names * mean_information), _MOST)
            if names > counts["peak_names"][window]:
                counts["peak_names"][window] = names
                counts["peak_names_lower"][window] = record["names_lower"][window]
                counts["peak_names_upper"][window] = record["names_upper"][window]
            counts["peak_information"][window] = max(
                counts["peak_information"][window], record["information"][window]
            )

    def _is_covered(self, tables: Tables, domain: int, sketch: int, now: int) -> bool:
        """Whether the names that are pairs are all that live; at half the cap, begin with that."""
        record = tables.sketches[sketch]
        names = int(record["names"][WINDOWS - 1])
        counts = _counts(tables, domain)
        if names == 0:
            return True
        if not record["is_recording"]:
            if 2 * names < tables.exact_cap:
                record["is_recording"] = 1
                record["recording_since_pane"] = now
            return False
        if counts["names"][WINDOWS - 1] >= tables.exact_cap:
            record["is_recording"] = 0
            return False
        return now - int(record["recording_since_pane"]) >= LONGEST_PANES


def _counts(tables: Tables, domain: int) -> Record:
    """The record of `COUNTS` of a domain that has one; writing to it writes to the table."""
    return tables.counts[int(tables.domains[domain]["counts"])]
