"""The largest batch there can be is one that the log takes; and the kernel is compiled once."""

from typing import Any, cast

import numpy as np
import pytest

from geophone_capture.batching import Batcher
from geophone_capture.kernels.batching import gather_rows
from geophone_shared.bus.topics import RECORD_LIMIT_BYTES
from geophone_shared.jit import is_interpreted
from geophone_shared.transactions import ROW, Transactions
from tests.support.published import named_rows, rows_in
from tests.support.rows import random_transactions, transactions_from, wire_name

LONGEST = (63, 63, 63, 61)
"""Label lengths of the longest name."""


@pytest.mark.parametrize("batch_rows", [2_500, 10_000])
def test_batches_that_do_not_compress_fit_into_a_record(batch_rows: int) -> None:
    rng = np.random.default_rng(1)
    rows = np.frombuffer(rng.bytes(ROW.itemsize * 6_000), ROW).copy()
    for field in ("time_us", "completed_us"):
        rows[field] = 1_282_356_664_000_000
    rows["outcome"], rows["duration_us"], rows["transport"] = 1, -1, 17
    rows["domain_offset"] = 64
    names = [
        wire_name(rng.bytes(63), *(b"x" * length for length in LONGEST[1:3]), rng.bytes(61))
        for _ in rows
    ]
    # One registered domain, so one partition.
    stream = transactions_from(rows, [name[:64] + names[0][64:] for name in names])
    batcher = Batcher(12, batch_rows, sensor="s" * 255, producer="p" * 32)
    batches = [*batcher.add(stream), *batcher.close(0)]
    assert max(batch.to_record().size_bytes for batch in batches) <= RECORD_LIMIT_BYTES
    sizes = [batch.headers.rows for batch in batches if batch.headers.rows]
    assert min(sizes[:-1]) >= 2_500
    assert rows_in(batches) == named_rows(stream)


@pytest.mark.skipif(is_interpreted(), reason="nothing is compiled under NUMBA_DISABLE_JIT=1")
def test_the_kernel_is_compiled_for_one_kind_of_arguments() -> None:
    stream = random_transactions(100)
    for partitions, part in ((1, stream), (12, Transactions(stream.rows[7:], stream.names))):
        batcher = Batcher(partitions, 10, sensor="s", producer="p")
        assert any(batch.headers.rows for batch in batcher.add(part))
    assert len(cast("Any", gather_rows).signatures) == 1
