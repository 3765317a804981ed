"""The largest batch there can be is one that the log takes; and the kernel is compiled once."""

from typing import Any, cast

import numpy as np
import pytest

from geophone_capture.batching import Batcher
from geophone_capture.kernels.batching import gather_rows
from geophone_shared.batch import decode_batch
from geophone_shared.bus.topics import RECORD_LIMIT_BYTES
from geophone_shared.jit import is_interpreted
from geophone_shared.transactions import (
    LONGEST_MESSAGE_BYTES,
    ROW,
    SPAN,
    Responses,
    Transactions,
)
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


def test_batches_with_responses_that_do_not_compress_fit_into_a_record() -> None:
    rng = np.random.default_rng(2)
    stream = random_transactions(200, names=1)
    sizes = rng.choice([12, 1_232, LONGEST_MESSAGE_BYTES], 200)
    spans = np.zeros(200, SPAN)
    spans["offset"], spans["length"] = np.cumsum(sizes) - sizes, sizes
    responses = Responses(spans, np.frombuffer(rng.bytes(int(sizes.sum())), np.uint8).copy())
    batcher = Batcher(12, 2_500, sensor="s" * 255, producer="p" * 32, keep_responses=True)
    stream = Transactions(stream.rows, stream.names, responses)
    batches = [*batcher.add(stream), *batcher.close(0)]
    assert max(batch.to_record().size_bytes for batch in batches) <= RECORD_LIMIT_BYTES
    decoded = [decode_batch(batch.value) for batch in batches if batch.headers.rows]
    kept = [each.response(row) for each in decoded for row in range(len(each.transactions.rows))]
    assert kept == [responses.response(row) for row in range(200)]


@pytest.mark.skipif(is_interpreted(), reason="nothing is compiled under NUMBA_DISABLE_JIT=1")
def test_the_kernel_is_compiled_for_one_kind_of_arguments() -> None:
    stream = random_transactions(100)
    responses = Responses(np.zeros(93, SPAN), np.zeros(1, np.uint8))
    part = Transactions(stream.rows[7:], stream.names, responses)
    for partitions, rows, keep in ((1, stream, False), (12, part, False), (12, part, True)):
        batcher = Batcher(partitions, 10, sensor="s", producer="p", keep_responses=keep)
        assert any(batch.headers.rows for batch in batcher.add(rows))
    assert len(cast("Any", gather_rows).signatures) == 1
