"""The codec on any rows and on hostile bytes: sound rows or `InvalidRecordError`, nothing else."""

import random
import struct
from typing import get_args

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from geophone_shared.batch import decode_batch, encode_batch
from geophone_shared.errors import InvalidRecordError
from geophone_shared.kernels import batch as kernels
from geophone_shared.record_reasons import RecordReason
from geophone_shared.transactions import Transactions
from tests.support.batches import compress
from tests.support.rows import (
    broken_rule,
    random_transactions,
    same_transactions,
    transactions,
)

pytestmark = pytest.mark.kernels

RULES = {
    kernels.ROWS_ARE_GOOD: None,
    kernels.BAD_TIME: "row_time",
    kernels.BAD_ORDER: "row_order",
    kernels.BAD_OUTCOME: "row_outcome",
    kernels.BAD_DURATION: "row_duration",
    kernels.BAD_TRANSPORT: "row_transport",
    kernels.BAD_NAME: "row_name",
    kernels.BAD_DOMAIN_OFFSET: "row_domain_offset",
}
REASONS: dict[str, str] = {reason: reason for reason in get_args(RecordReason)}
CHANGED = ("completed_us", "time_us", "outcome", "duration_us", "transport", "domain_offset")
EXTREMES = [0, 1, -1, 6, 8, 64, 2**31 - 1, -(2**31), 2**62, 2**63 - 1, -(2**63)]


def decode(data: bytes) -> str | None:
    """Decode and look at everything; the reason when it was refused."""
    try:
        batch = decode_batch(data)
    except InvalidRecordError as error:
        return REASONS[str(error)]
    assert broken_rule(batch.transactions) is None
    for row in range(len(batch.transactions.rows)):
        batch.response(row)
    return None


@given(sent=transactions())
def test_round_trip(sent: Transactions) -> None:
    assert broken_rule(sent) is None
    received = decode_batch(encode_batch(sent)).transactions
    assert same_transactions(received, sent)
    # What was decoded is encoded to the same bytes: names are compact from there on.
    assert encode_batch(received) == encode_batch(sent)


@given(sent=transactions(), data=st.data())
def test_round_trip_with_responses(sent: Transactions, data: st.DataObject) -> None:
    rows = len(sent.rows)
    responses = data.draw(
        st.lists(st.none() | st.binary(max_size=600), min_size=rows, max_size=rows)
    )
    batch = decode_batch(encode_batch(sent, responses))
    assert [batch.response(row) for row in range(rows)] == responses
    assert same_transactions(batch.transactions, sent)


@given(sent=transactions(), data=st.data())
def test_check_rows_agrees_with_plain_python(sent: Transactions, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(0, 2))):
        if len(sent.names) and data.draw(st.booleans()):
            sent.names[data.draw(st.integers(0, len(sent.names) - 1))] = data.draw(
                st.sampled_from([0, 1, 63, 64, 192, 255])
            )
        elif len(sent.rows):
            field = data.draw(st.sampled_from(CHANGED))
            limits = np.iinfo(sent.rows.dtype[field])
            value = data.draw(
                st.sampled_from([value for value in EXTREMES if limits.min <= value <= limits.max])
                | st.integers(limits.min, limits.max)
            )
            sent.rows[data.draw(st.integers(0, len(sent.rows) - 1))][field] = value
    assert RULES[kernels.check_rows(sent.rows, sent.names)] == broken_rule(sent)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    assert decode(data) == "zstd_frame"


@given(st.binary(max_size=200))
def test_any_bytes_in_a_frame(stream: bytes) -> None:
    assert decode(compress(stream)) == "arrow"


@pytest.mark.parametrize("rows", [0, 1, 3, 40])
@pytest.mark.parametrize("has_responses", [False, True])
def test_damaged_streams(rows: int, *, has_responses: bool) -> None:
    """Offsets, lengths, counts and types of the Arrow stream changed, then a good frame around.

    Arrow crashes the process on some of these if a column is touched before it is validated.
    """
    chance = random.Random(rows)  # noqa: S311  (the same streams on every run)
    responses = [b"answer", None, b""] * rows if has_responses else None
    sent = random_transactions(rows, names=3)
    stream = zstandard.decompress(encode_batch(sent, responses and responses[:rows]))
    seen = {decode(compress(_damaged(stream, chance))) for _ in range(1_000)}
    assert {"arrow", None} <= seen


def _damaged(stream: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(stream)
    for _ in range(chance.choice([1, 1, 1, 2, 3, 8])):
        position = chance.randrange(len(damaged))
        match chance.randrange(4):
            case 0:
                damaged[position] ^= 1 << chance.randrange(8)
            case 1:
                damaged[position] = chance.choice([0, 1, 0x40, 0x7F, 0x80, 0xFF])
            case 2:
                struct.pack_into("<q", damaged, position & ~7, chance.choice(EXTREMES))
            case _:
                value = chance.choice([0, 1, -1, 8, 64, len(stream), 2**31 - 1, -(2**31)])
                struct.pack_into("<i", damaged, position & ~3, value)
    return bytes(damaged)
