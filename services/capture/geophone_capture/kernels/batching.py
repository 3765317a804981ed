"""Kernel: rows go to the open batch of their registered domain's partition."""

import numpy as np

from geophone_shared.jit import Array, int64, kernel
from geophone_shared.kernels.hashing import partition_of
from geophone_shared.transactions import LONGEST_MESSAGE_BYTES, LONGEST_NAME_BYTES, ROW

OPEN_BATCH = np.dtype(
    [("rows", "i8"), ("name_bytes", "i8"), ("response_bytes", "i8"), ("is_full", "u1")], align=True
)
"""How far a partition's open batch is filled, and whether it has to close now."""

ROW_BYTES = ROW.itemsize
"""What a row without its name takes in a batch before compression, or a little less."""


@kernel
def gather_rows(
    rows: Array,
    names: Array,
    first: int,
    until_us: int,
    most_bytes: int,
    open_rows: Array,
    open_names: Array,
    open_batches: Array,
    spans: Array,
    responses: Array,
    open_spans: Array,
    open_responses: Array,
    scratch: Array,
) -> int:
    """Copy rows into open batches until one is full or a row completes too late.

    Args:
        rows: `ROW` array in completion order, with registered domains.
        names: uint8 array that the rows' names lie in.
        first: index of the first row to copy.
        until_us: a row that completes then or later isn't copied.
        most_bytes: a batch is full where a further row could make it larger than this: a row
            counts with its name, its kept response and `ROW_BYTES`.
        open_rows: `ROW` array, partitions x rows at most.
        open_names: uint8 array, partitions x bytes: room for the names of as many rows.
        open_batches: `OPEN_BATCH` array, one for each partition; none is full.
        spans: `SPAN` array, one for each row: its raw response. Not read where none are kept.
        responses: uint8 array that they lie in.
        open_spans: `SPAN` array, partitions x rows at most; x 0 where responses aren't kept.
        open_responses: uint8 array, partitions x bytes: room for `most_bytes` and one more.
        scratch: uint8[`PRESENTATION_LIMIT_BYTES`], overwritten.

    Returns:
        The index of the first row that wasn't copied. If a batch is full, the row before it
        filled it.
    """
    most_rows = int64(open_rows.shape[1])
    keeps_responses = open_spans.shape[1] != 0
    longest_bytes = int64(LONGEST_NAME_BYTES)
    if keeps_responses:
        longest_bytes += int64(LONGEST_MESSAGE_BYTES)
    for index in range(first, len(rows)):
        if int64(rows[index]["completed_us"]) >= until_us:
            return index
        start = int64(rows[index]["name_offset"])
        length = int64(rows[index]["name_length"])
        domain = int64(rows[index]["domain_offset"])
        partition = partition_of(
            names, start + domain, length - domain, scratch, int64(len(open_batches))
        )
        count = int64(open_batches[partition]["rows"])
        end = int64(open_batches[partition]["name_bytes"])
        open_rows[partition, count] = rows[index]
        open_rows[partition, count]["name_offset"] = end
        for byte in range(length):
            open_names[partition, end + byte] = names[start + byte]
        kept = int64(open_batches[partition]["response_bytes"])
        if keeps_responses:
            response = int64(spans[index]["offset"])
            response_bytes = int64(spans[index]["length"])  # or NOTHING
            open_spans[partition, count]["offset"] = kept
            open_spans[partition, count]["length"] = response_bytes
            for byte in range(response_bytes):
                open_responses[partition, kept + byte] = responses[response + byte]
            kept += max(response_bytes, int64(0))
        count += 1
        end += length
        open_batches[partition]["rows"] = count
        open_batches[partition]["name_bytes"] = end
        open_batches[partition]["response_bytes"] = kept
        next_bytes = (count + 1) * ROW_BYTES + end + kept + longest_bytes
        if count == most_rows or next_bytes > most_bytes:
            open_batches[partition]["is_full"] = 1
            return index + 1
    return len(rows)
