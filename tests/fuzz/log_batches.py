"""Any bytes as a batch of the log: sound rows or `InvalidRecordError`.

Mutations are those of the Arrow stream inside of the zstd frame; they would hardly ever get there
through the frame's checksum.
"""

from typing import get_args

from geophone_shared.batch import decode_batch, encode_batch
from geophone_shared.errors import InvalidRecordError
from geophone_shared.record_reasons import RecordReason
from tests.fuzz.packing import ZSTD_MAGIC, change_inside
from tests.fuzz.target import Target
from tests.support.batches import batch_of, compress, good_columns, stream_of
from tests.support.rows import broken_rule, random_transactions, same_transactions

_REASONS = frozenset(get_args(RecordReason))
_MOST_ROWS = 10_000


def fuzz_one(data: bytes) -> None:
    try:
        batch = decode_batch(data)
    except InvalidRecordError as error:
        if str(error) not in _REASONS:
            raise AssertionError("a reason that docs/records.md doesn't list") from error
        return
    rows = len(batch.transactions.rows)
    responses = [batch.response(row) for row in range(min(rows, _MOST_ROWS))]
    if rows > _MOST_ROWS:
        return
    assert broken_rule(batch.transactions) is None
    again = decode_batch(
        encode_batch(batch.transactions, None if batch.responses is None else responses)
    )
    assert same_transactions(again.transactions, batch.transactions)
    assert [again.response(row) for row in range(rows)] == responses


def batch_seeds() -> list[bytes]:
    """Of no, one and several rows, with and without responses and columns of a later version."""
    later = good_columns() | {"later": good_columns()["bytes_in"], "note": good_columns()["name"]}
    return [
        encode_batch(random_transactions(0)),
        encode_batch(random_transactions(1)),
        encode_batch(random_transactions(9, names=3)),
        encode_batch(random_transactions(3), [b"answer", None, b""]),
        compress(stream_of(batch_of(later))),
        compress(stream_of(batch_of(good_columns(0)))),
    ]


TARGET = Target(
    fuzz_one,
    batch_seeds,
    change_inside,
    (
        b"\xff\xff\xff\xff",
        b"\xff\xff\xff\x7f",
        b"geophone.schema",
        bytes(8),
        b"\x08\0\0\0",
        ZSTD_MAGIC,
    ),
)
