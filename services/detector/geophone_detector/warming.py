"""Compiling the kernels, and loading what else is loaded late, before there is work [core].

Once compiled, a kernel still takes some 20 ms to load, in which nothing else runs.
"""

from collections.abc import Sequence

import numpy as np

from geophone_detector.capacities import Capacities
from geophone_detector.kernels.layout import NONE, PANE_US, WINDOW_SECONDS
from geophone_detector.kernels.pairs import reindex
from geophone_detector.kernels.sketches import move_base
from geophone_detector.partition import Partition
from geophone_detector.plan import DetectorPlan
from geophone_detector.rules import SHIPPED_RULES
from geophone_detector.snapshots import Snapshot, restored
from geophone_detector.top_list import encoded_top_list
from geophone_shared.batch import decode_batch, encode_batch
from geophone_shared.hashing import KEY_BYTES, SecretKey
from geophone_shared.kernels.index import is_full
from geophone_shared.suffixes import compile_suffix_set
from geophone_shared.transactions import ROW, Transactions

_FEW = Capacities(pairs=64, domains=8, domain_name_bytes=2_048, evidence=8, sketches=1)
_EXACT_CAP_NAMES = 2
_UDP = 17
_NAMES = tuple(b"\x01%c\x01b" % letter for letter in b"acde")
"""More of one domain than are counted exactly."""
_DOMAINS = tuple(b"\x01a\x02x%c" % letter for letter in b"abcdefghij")
"""More than there is room for."""
_LATER_US = 2 * WINDOW_SECONDS[-1] * 1_000_000


def warm() -> None:
    """Take some transactions through a partition that is thrown away: seconds, the first time.

    They fill the tables, so that a domain is estimated and others are swept.
    """
    plan = DetectorPlan(
        rules=SHIPPED_RULES,
        allow_list=compile_suffix_set(()),
        secret=SecretKey.from_bytes(bytes(KEY_BYTES)),
        exact_cap_names=_EXACT_CAP_NAMES,
        capacities=_FEW,
    )
    partition = Partition(plan.create(), 0)
    partition.detector.observe(_decoded(_NAMES), _LATER_US)
    partition.detector.advance(PANE_US)
    partition.detector.observe(_decoded(_DOMAINS), _LATER_US)
    encoded_top_list(partition, 0)
    snapshot = Snapshot(plan, partition)
    chunks = list(snapshot.chunks())
    again = restored(plan, snapshot.manifest(range(len(chunks))), chunks)
    tables = again.detector.windows.tables
    for records in (tables.pairs, tables.domains):
        slots = np.full(2, NONE, np.int32)
        is_full(slots, 1)
        reindex(slots, records, 1)
    move_base(tables.sketch_panes, 0, 1)
    partition.detector.advance(_LATER_US)


def _decoded(names: Sequence[bytes]) -> Transactions:
    """A row for each of these names, through a batch and back."""
    rows = np.zeros(len(names), ROW)
    rows["transport"] = _UDP
    rows["name_length"] = [len(name) for name in names]
    rows["name_offset"] = np.cumsum(rows["name_length"]) - rows["name_length"]
    rows["domain_offset"] = 2
    wire = np.frombuffer(b"".join(names), np.uint8).copy()
    return decode_batch(encode_batch(Transactions(rows, wire))).transactions
