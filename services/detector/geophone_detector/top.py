"""The top domains: ranked by the most hostnames that their window ever held [core]."""

import numpy as np

from geophone_detector.kernels.layout import Tables
from geophone_detector.summaries import domain_name, summary_at_peak
from geophone_shared.summaries import DomainSummary


def top_domains(tables: Tables, window: int, most: int) -> list[DomainSummary]:
    """The domains with the highest peaks; ties go by name.

    Args:
        tables: the detector's state.
        window: index of the window.
        most: how many domains to return at the most.
    """
    peaks = tables.domains["peak_names"][: int(tables.heads[0]["domains"]), window]
    if peaks.size == 0 or most < 1:
        return []
    most = min(most, peaks.size)
    least = np.partition(peaks, -most)[-most]
    candidates = np.flatnonzero(peaks >= max(least, 1))
    ranked = sorted(
        (-int(peaks[domain]), domain_name(tables, int(domain)), int(domain))
        for domain in candidates
    )
    return [summary_at_peak(tables, domain, window) for _, _, domain in ranked[:most]]
