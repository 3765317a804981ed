"""What lives in a window of a domain, and the most that ever did, read from the tables [core]."""

from dataclasses import dataclass

import numpy as np

from geophone_detector.kernels.layout import NONE, WINDOWS
from geophone_detector.kernels.tables import Tables
from geophone_shared.jit import Array


@dataclass(frozen=True, slots=True)
class Counts:
    """Names and information bytes of a window.

    Attributes:
        names: how many distinct names.
        names_lower: there aren't fewer ...
        names_upper: ... nor more.
        exact: whether every name was kept; else the bounds of an estimate hold 19 times of 20.
        information: the names' information bytes, together; of estimated names, with their mean.
    """

    names: int
    names_lower: int
    names_upper: int
    exact: bool
    information: int

    @property
    def information_bounds(self) -> tuple[int, int]:
        """Between what the information bytes lie, taking the names' mean as right."""
        if self.exact or self.names == 0:
            return self.information, self.information
        mean = self.information / self.names
        return round(self.names_lower * mean), round(self.names_upper * mean)


def live_counts(tables: Tables, domain: int, window: int) -> Counts:
    """What lives in the window (an index) now; above the exact cap, as of the last pane edge."""
    record = tables.domains[domain]
    index = int(record["counts"])
    if index == NONE:
        lives = int(record["lives"]) >> window & 1
        return Counts(
            lives, lives, lives, exact=True, information=lives * int(record["information"])
        )
    counts = tables.counts[index]
    sketch = int(counts["sketch"])
    if sketch >= 0:
        estimate = tables.sketches[sketch]
        return Counts(
            int(estimate["names"][window]),
            int(estimate["names_lower"][window]),
            int(estimate["names_upper"][window]),
            exact=False,
            information=int(estimate["information"][window]),
        )
    names = int(counts["names"][window])
    refused = int(counts["refused"])
    return Counts(
        names,
        names,
        names + refused,
        exact=refused == 0,
        information=int(counts["information"][window]),
    )


def live_counts_of_all(tables: Tables, domains: Array) -> tuple[Array, Array, Array, Array]:
    """What lives in each window of many domains (indexes) now, as `live_counts` has it of one.

    Returns:
        int64[domains, WINDOWS] each: names, `names_lower`, `names_upper`, information.
    """
    records = tables.domains[domains]
    names = (records["lives"][:, None] >> np.arange(WINDOWS, dtype=np.uint8) & 1).astype(np.int64)
    information = names * records["information"][:, None]
    refused = np.zeros_like(names)
    several = np.flatnonzero(records["counts"] != NONE)
    counts = tables.counts[records["counts"][several]]
    names[several], information[several] = counts["names"], counts["information"]
    refused[several] = counts["refused"][:, None]
    lower, upper = names.copy(), names + refused
    has_sketch = counts["sketch"] >= 0
    estimated, estimates = several[has_sketch], tables.sketches[counts["sketch"][has_sketch]]
    names[estimated], information[estimated] = estimates["names"], estimates["information"]
    lower[estimated], upper[estimated] = estimates["names_lower"], estimates["names_upper"]
    return names, lower, upper, information


def peak_counts(tables: Tables, domain: int, window: int) -> Counts:
    """The most that ever lived in the window, names and information bytes each."""
    record = tables.domains[domain]
    index = int(record["counts"])
    if index == NONE:
        names = int(record["peaks"]) >> window & 1
        information = int(record["peak_information"][window])
        return Counts(names, names, names, exact=True, information=information)
    counts = tables.counts[index]
    names = int(counts["peak_names"][window])
    lower, upper = names, names
    is_estimate = bool(counts["peak_names_upper"][window])
    if is_estimate:
        lower = int(counts["peak_names_lower"][window])
        upper = int(counts["peak_names_upper"][window])
    refused = int(counts["refused"])
    return Counts(
        names,
        lower,
        upper + refused,
        exact=not is_estimate and refused == 0,
        information=int(counts["peak_information"][window]),
    )


def peak_names(tables: Tables, domains: Array, window: int) -> Array:
    """int64: the peaks of many domains (indexes) in a window."""
    records = tables.domains[domains]
    peaks = (records["peaks"] >> np.uint8(window) & 1).astype(np.int64)
    with_counts = np.flatnonzero(records["counts"] != NONE)
    counts = records["counts"][with_counts]
    peaks[with_counts] = tables.counts["peak_names"][counts, window]
    return peaks
