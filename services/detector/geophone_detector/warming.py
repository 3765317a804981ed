"""Compiling the kernels, and loading what else is loaded late, before there is work [core].

Once compiled, a kernel still takes some 20 ms to load, in which nothing else runs.
"""

import numpy as np

from geophone_detector.capacities import Capacities
from geophone_detector.kernels.layout import NONE
from geophone_detector.kernels.pairs import reindex
from geophone_detector.partition import Partition
from geophone_detector.plan import DetectorPlan
from geophone_detector.rules import SHIPPED_RULES
from geophone_detector.snapshots import Snapshot, restored
from geophone_detector.top_list import encoded_top_list
from geophone_shared.batch import decode_batch, encode_batch
from geophone_shared.hashing import KEY_BYTES, SecretKey
from geophone_shared.suffixes import compile_suffix_set
from geophone_shared.transactions import ROW, Transactions

_FEW = Capacities(pairs=8, domains=8, domain_name_bytes=2_048, evidence=8, sketches=1)
_NAME = b"\x01a\x01b"
_UDP = 17


def warm() -> None:
    """Take one transaction through a partition that is thrown away: seconds, the first time."""
    rows = np.zeros(1, ROW)
    rows["transport"] = _UDP
    rows["name_length"] = len(_NAME)
    rows["domain_offset"] = 2
    names = np.frombuffer(_NAME, np.uint8).copy()
    transactions = decode_batch(encode_batch(Transactions(rows, names))).transactions
    small = DetectorPlan(
        rules=SHIPPED_RULES,
        allow_list=compile_suffix_set(()),
        secret=SecretKey.from_bytes(bytes(KEY_BYTES)),
        exact_cap_names=_FEW.pairs,
        capacities=_FEW,
    )
    partition = Partition(small.create(), 0)
    partition.detector.observe(transactions, 0)
    partition.detector.advance(1)
    encoded_top_list(partition, 0)
    snapshot = Snapshot(small, partition)
    chunks = list(snapshot.chunks())
    again = restored(small, snapshot.manifest(range(len(chunks))), chunks)
    tables = again.detector.windows.tables
    for records in (tables.pairs, tables.domains):
        reindex(np.full(2, NONE, np.int32), records, 1)
