"""The top domains: ranked by the most hostnames that their window ever held [core]."""

import numpy as np

from geophone_detector.archive import Archive, added, rank
from geophone_detector.kernels.layout import NEVER
from geophone_detector.kernels.tables import Tables
from geophone_detector.reading import peak_names
from geophone_detector.summaries import domain_name, summary_at_peak
from geophone_shared.jit import Array
from geophone_shared.summaries import DomainSummary


def top_domains(tables: Tables, archive: Archive, window: int, most: int) -> list[DomainSummary]:
    """The domains with the highest peaks; ties go by name.

    Args:
        tables: the detector's state.
        archive: what is kept of domains that were freed.
        window: index of the window.
        most: how many domains to return at the most.
    """
    if most < 1:
        return []
    used = tables.domains[: int(tables.heads[0]["unused_domain"])]
    live = np.flatnonzero(used["first_us"] != NEVER)
    returned = live[archive.holds(tables, live, window)]
    found = dict(archive.domains(window))
    for domain in {*_highest(tables, live, window, most), *map(int, returned)}:
        summary = summary_at_peak(tables, domain, window)
        earlier = found.get(summary.registered_domain)
        found[summary.registered_domain] = summary if earlier is None else added(earlier, summary)
    ranked = sorted(found.values(), key=rank)[:most]
    return [summary for summary in ranked if summary.unique_hostnames > 0]


def _highest(tables: Tables, live: Array, window: int, most: int) -> list[int]:
    peaks = peak_names(tables, live, window)
    least = np.partition(peaks, -most)[-most] if most < peaks.size else 0
    at_least = np.flatnonzero(peaks >= max(least, 1))
    ranked = sorted(
        (-int(peaks[index]), domain_name(tables, int(live[index])), int(live[index]))
        for index in at_least
    )
    return [domain for _, _, domain in ranked[:most]]
