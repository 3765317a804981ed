"""Transactions as the value of a record on `dns.transactions`, and back. Core.

One Arrow record batch inside one zstd frame (docs/records.md). Whoever can write to the log can
send anything, so the decoder either returns rows that every reader can rely on or raises
`InvalidRecordError`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import zstandard

from geophone_shared.arrow_ipc import Columns, binary_array, read_stream, write_stream
from geophone_shared.jit import Array
from geophone_shared.kernels import batch as kernels
from geophone_shared.record_reasons import RecordReason, invalid_record
from geophone_shared.transactions import LONGEST_NAME_BYTES, ROW, Transactions

MOST_RAW_BYTES = 16 * 1024 * 1024
"""A reader decompresses no more than this."""

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_LEVEL = 1
"""Level 3 takes 30 % longer and saves 4 % of the bytes."""

_ADDRESSES = ("client", "server")
_SAME_IN_ROW = tuple(
    name
    for name in ROW.names or ()
    if name not in {"name_offset", "name_length"} and not name.endswith(("_high", "_low"))
)
"""The columns that lie in a row just as they go over the log."""

_REASONS: dict[int, RecordReason] = {
    kernels.BAD_TIME: "row_time",
    kernels.BAD_ORDER: "row_order",
    kernels.BAD_OUTCOME: "row_outcome",
    kernels.BAD_DURATION: "row_duration",
    kernels.BAD_TRANSPORT: "row_transport",
    kernels.BAD_NAME: "row_name",
    kernels.BAD_DOMAIN_OFFSET: "row_domain_offset",
}


@dataclass(frozen=True, slots=True)
class DecodedBatch:
    """What a batch held.

    Attributes:
        transactions: the rows; their names lie in the buffer in the order of the rows, without
            gaps.
        responses: an Arrow array that the raw responses lie in, None where they weren't kept.
            It keeps the decompressed batch alive.
    """

    transactions: Transactions
    responses: Any

    def response(self, row: int) -> bytes | None:
        """The raw response of a row; None where there was none or it wasn't kept."""
        if self.responses is None:
            return None
        response: bytes | None = self.responses[row].as_py()
        return response


def encode_batch(
    transactions: Transactions, responses: Sequence[bytes | None] | None = None
) -> bytes:
    """The record's value for these rows.

    Args:
        transactions: rows in completion order, as `docs/records.md` describes them.
        responses: the raw response of each row, where responses are kept.

    Raises:
        ValueError: a name lies outside of the names, there aren't as many responses as rows, or
            the batch is larger than `MOST_RAW_BYTES`, so that no reader would take it.
    """
    if responses is not None and len(responses) != len(transactions.rows):
        raise ValueError("every row needs a response or None")
    stream = write_stream(_columns_from(transactions, responses))
    if len(stream) > MOST_RAW_BYTES:
        raise ValueError(
            f"a batch must not be larger than {MOST_RAW_BYTES} bytes: close it earlier"
        )
    return zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).compress(stream)


def decode_batch(data: bytes) -> DecodedBatch:
    """The rows of a record's value; what it costs is bounded before anything is allocated.

    Raises:
        InvalidRecordError: with one of the reasons in docs/records.md, "What a reader refuses".
    """
    size = raw_bytes(data)
    try:
        # zstd itself sees to it that the content has just the declared size.
        stream = zstandard.ZstdDecompressor().decompress(
            data, max_output_size=size, allow_extra_data=False
        )
    except zstandard.ZstdError as error:
        raise invalid_record("zstd_frame") from error
    columns = read_stream(stream)
    return DecodedBatch(_transactions_from(columns), columns.responses)


def raw_bytes(data: bytes) -> int:
    """Size of a batch before compression, as its frame declares it (RFC 8878 §3.1.1.1).

    Raises:
        InvalidRecordError: `zstd_frame` (not a zstd frame, or one that doesn't declare its size)
            or `too_large`.
    """
    try:
        frame = zstandard.get_frame_parameters(data)
    except zstandard.ZstdError as error:
        raise invalid_record("zstd_frame") from error
    # A skippable frame has a header that zstd reads, too, but no content.
    if not data.startswith(_ZSTD_MAGIC) or frame.content_size == zstandard.CONTENTSIZE_UNKNOWN:
        raise invalid_record("zstd_frame")
    if frame.content_size > MOST_RAW_BYTES:
        raise invalid_record("too_large")
    return int(frame.content_size)


def _columns_from(transactions: Transactions, responses: Sequence[bytes | None] | None) -> Columns:
    rows = transactions.rows
    values = {name: np.ascontiguousarray(rows[name]) for name in _SAME_IN_ROW}
    for side in _ADDRESSES:
        halves = np.empty((len(rows), 2), ">u8")
        halves[:, 0] = rows[f"{side}_high"]
        halves[:, 1] = rows[f"{side}_low"]
        values[f"{side}_address"] = halves
    name_offsets = np.zeros(len(rows) + 1, np.int32)
    np.cumsum(rows["name_length"], dtype=np.int32, out=name_offsets[1:])
    return Columns(
        values=values,
        name_offsets=name_offsets,
        name_bytes=_names_in_order(transactions, name_offsets),
        responses=None if responses is None else binary_array(responses),
    )


def _names_in_order(transactions: Transactions, name_offsets: Array) -> Array:
    """The names one after the other, as `name_offsets` says: their own array, where they lie so."""
    rows, names = transactions.rows, transactions.names
    if len(names) == name_offsets[-1] and np.array_equal(rows["name_offset"], name_offsets[:-1]):
        return names
    name_bytes = np.empty(int(name_offsets[-1]), np.uint8)
    if kernels.gather_names(rows, names, name_bytes) != len(rows):
        raise ValueError("a row's name lies outside of the names")
    return name_bytes


def _transactions_from(columns: Columns) -> Transactions:
    offsets = columns.name_offsets
    name_lengths = np.diff(offsets)
    if len(name_lengths) and int(name_lengths.max()) > LONGEST_NAME_BYTES:
        raise invalid_record("row_name")
    rows = np.zeros(len(name_lengths), ROW)
    for name in _SAME_IN_ROW:
        rows[name] = columns.values[name]
    for side in _ADDRESSES:
        rows[f"{side}_high"] = columns.values[f"{side}_address"][:, 0]
        rows[f"{side}_low"] = columns.values[f"{side}_address"][:, 1]
    rows["name_length"] = name_lengths
    rows["name_offset"] = offsets[:-1] - offsets[0]
    # A copy: kernels are compiled for writable arrays, and the batch need not stay in memory.
    names = columns.name_bytes[offsets[0] : offsets[-1]].copy()
    status = kernels.check_rows(rows, names)
    if status != kernels.ROWS_ARE_GOOD:
        raise invalid_record(_REASONS[status])
    return Transactions(rows, names)
