"""Compiling the kernels before there is work for them [core]."""

from dataclasses import replace

import numpy as np

from geophone_detector.capacities import Capacities
from geophone_detector.plan import DetectorPlan
from geophone_shared.batch import decode_batch, encode_batch
from geophone_shared.transactions import ROW, Transactions

_FEW = Capacities(pairs=8, domains=8, domain_name_bytes=2_048, evidence=8, sketches=1)
_NAME = b"\x01a\x01b"
_UDP = 17


def warm(plan: DetectorPlan) -> None:
    """Take one transaction through a detector that is thrown away: seconds, the first time."""
    rows = np.zeros(1, ROW)
    rows["duration_us"] = 0
    rows["transport"] = _UDP
    rows["name_length"] = len(_NAME)
    rows["domain_offset"] = 2
    names = np.frombuffer(_NAME, np.uint8).copy()
    transactions = decode_batch(encode_batch(Transactions(rows, names))).transactions
    detector = replace(plan, capacities=_FEW).create()
    detector.observe(transactions, 0)
    detector.advance(1)
