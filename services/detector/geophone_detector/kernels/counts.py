"""Kernel: how many names, and information bytes of names, live in each window of a domain."""

import numpy as np

from geophone_detector.kernels.layout import NONE, WINDOWS
from geophone_detector.kernels.tables import Tables
from geophone_shared.jit import Array, inner_kernel, int64, kernel


@inner_kernel
def names_in(domains: Array, all_counts: Array, domain: int, window: int) -> int:
    """The live names that are pairs: of a domain without a sketch, all."""
    counts = int64(domains[domain]["counts"])
    if counts == NONE:
        return (int64(domains[domain]["lives"]) >> window) & 1
    return int64(all_counts[counts]["names"][window])


@inner_kernel
def information_in(domains: Array, all_counts: Array, domain: int, window: int) -> int:
    """The information bytes of the names that `names_in` counts."""
    counts = int64(domains[domain]["counts"])
    if counts == NONE:
        lives = (int64(domains[domain]["lives"]) >> window) & 1
        return lives * int64(domains[domain]["information"])
    return int64(all_counts[counts]["information"][window])


@inner_kernel
def sketch_of(domains: Array, all_counts: Array, domain: int) -> int:
    """The domain's sketch; below 0 where it has none."""
    counts = int64(domains[domain]["counts"])
    return NONE if counts == NONE else int64(all_counts[counts]["sketch"])


@inner_kernel
def counts_of(domains: Array, all_counts: Array, heads: Array, domain: int) -> int:
    """The domain's record of `COUNTS`, given to it now if it was single."""
    counts = int64(domains[domain]["counts"])
    if counts != NONE:
        return counts
    # There are as many records as domains: it can't be that none is left.
    counts = int64(heads[0]["free_counts"])
    if counts != NONE:
        heads[0]["free_counts"] = all_counts[counts]["sketch"]
    else:
        counts = int64(heads[0]["unused_counts"])
        heads[0]["unused_counts"] = counts + 1
    lives = int64(domains[domain]["lives"])
    peaks = int64(domains[domain]["peaks"])
    for window in range(WINDOWS):
        living = (lives >> window) & 1
        all_counts[counts]["names"][window] = living
        all_counts[counts]["information"][window] = living * int64(domains[domain]["information"])
        all_counts[counts]["peak_names"][window] = (peaks >> window) & 1
        all_counts[counts]["peak_information"][window] = domains[domain]["peak_information"][window]
        all_counts[counts]["peak_names_upper"][window] = 0
    all_counts[counts]["refused"] = 0
    all_counts[counts]["sketch"] = NONE
    domains[domain]["counts"] = counts
    return counts


@inner_kernel
def free_counts(tables: Tables, domain: int) -> None:
    """Take the record of `COUNTS` from a domain that is freed."""
    counts = int64(tables.domains[domain]["counts"])
    if counts != NONE:
        tables.counts[counts]["sketch"] = tables.heads[0]["free_counts"]
        tables.heads[0]["free_counts"] = counts


@inner_kernel
def gain_name(
    domains: Array, all_counts: Array, domain: int, window: int, information: int
) -> None:
    """A window gains a name. Where another one lives already, the domain has its `COUNTS`."""
    counts = int64(domains[domain]["counts"])
    if counts == NONE:
        bit = 1 << window
        domains[domain]["lives"] = int64(domains[domain]["lives"]) | bit
        domains[domain]["peaks"] = int64(domains[domain]["peaks"]) | bit
        domains[domain]["information"] = information
        domains[domain]["peak_information"][window] = max(
            int64(domains[domain]["peak_information"][window]), information
        )
        return
    names = int64(all_counts[counts]["names"][window]) + 1
    in_all = int64(all_counts[counts]["information"][window]) + information
    all_counts[counts]["names"][window] = names
    all_counts[counts]["information"][window] = in_all
    if names > all_counts[counts]["peak_names"][window]:
        all_counts[counts]["peak_names"][window] = names
        all_counts[counts]["peak_names_upper"][window] = 0
    all_counts[counts]["peak_information"][window] = max(
        int64(all_counts[counts]["peak_information"][window]), in_all
    )


@inner_kernel
def lose_name(
    domains: Array, all_counts: Array, domain: int, window: int, information: int
) -> None:
    """A name leaves a window."""
    counts = int64(domains[domain]["counts"])
    if counts == NONE:
        domains[domain]["lives"] = int64(domains[domain]["lives"]) & ~(1 << window)
    else:
        all_counts[counts]["names"][window] -= np.uint32(1)
        all_counts[counts]["information"][window] -= np.uint32(information)


@kernel
def give_counts(tables: Tables, domain: int) -> int:
    """`counts_of`, for callers in Python."""
    return counts_of(tables.domains, tables.counts, tables.heads, domain)
