"""What makes room when the tables are full [core].

The attacker may send names of ever new domains. Those with the fewest live names go first, the ones
that weren't heard of for longest before others: what a tunnel needs is many names.
"""

import numpy as np

from geophone_detector.archive import Archive
from geophone_detector.kernels.domains import compact_names
from geophone_detector.kernels.layout import NEVER
from geophone_detector.kernels.sweep import count_to_sweep, sweep_domains, sweep_keys
from geophone_detector.kernels.tables import Tables
from geophone_shared.jit import Array


def make_room(tables: Tables, archive: Archive) -> int:
    """Sweep down to 75 % of what the tables hold, or close gaps among the domains' names.

    Where all domains have to stay, new ones are refused until time moves on.

    Returns:
        How many domains were swept.
    """
    keys = np.empty(int(tables.heads[0]["unused_domain"]), np.int64)
    sweep_keys(tables, keys)
    order = np.argsort(keys, kind="stable")
    count = count_to_sweep(
        tables,
        keys,
        order,
        _three_quarters(tables.pairs.size),
        _three_quarters(tables.domains.size),
        _three_quarters(tables.domain_names.size),
    )
    if count:
        archive.add(tables, order[:count])
        sweep_domains(tables, order, count)
    if tables.heads[0]["names_garbage_bytes"]:
        compact_names(tables, _by_name_offset(tables))
    elif count == 0:
        tables.heads["is_refusing"] = 1
    return count


def _three_quarters(capacity: int) -> int:
    return capacity * 3 // 4


def _by_name_offset(tables: Tables) -> Array:
    used = tables.domains[: int(tables.heads[0]["unused_domain"])]
    live = np.flatnonzero(used["first_us"] != NEVER)
    return live[np.argsort(used["name_offset"][live])]
