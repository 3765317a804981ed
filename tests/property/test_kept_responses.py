"""Raw responses of any traffic come back byte for byte: decoded, in a batch, decoded again."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geophone_capture.batching import Batcher, EncodedBatch
from geophone_capture.decoder import TransactionDecoder
from geophone_shared.batch import decode_batch
from geophone_shared.hashing import SecretKey
from geophone_shared.timestamps import LATEST_TIME_US
from geophone_shared.transactions import (
    LONGEST_MESSAGE_BYTES,
    NOTHING,
    ROW,
    SPAN,
    Note,
    Outcome,
    Responses,
    Transactions,
)
from tests.support.carried_streams import Carried, carried_streams
from tests.support.decoded_rows import Row, create_decoder, decode_packets, rows_of
from tests.support.packets import packet_block
from tests.support.published import NamedRow, named_rows
from tests.support.rows import transactions

pytestmark = pytest.mark.kernels

TCP = 6


@given(
    stream=carried_streams(),
    rows_at_a_time=st.sampled_from([1, 2, 1_000]),
    room_bytes=st.sampled_from([0, LONGEST_MESSAGE_BYTES + 700, 1 << 20]),
)
def test_each_row_has_the_response_that_made_it(
    stream: list[Carried], rows_at_a_time: int, room_bytes: int
) -> None:
    packets = [packet for carried in stream for packet in carried.packets]
    decoder = TransactionDecoder(
        SecretKey.from_bytes(bytes(16)),
        rows_at_a_time=rows_at_a_time,
        keep_responses=True,
        response_bytes_at_a_time=room_bytes,
    )
    rows: list[Row] = []
    responses: list[bytes | None] = []
    for part in (decoder.feed(packet_block(packets)), decoder.close()):
        for made in part:
            assert made.responses is not None
            rows += rows_of(made)
            responses += map(made.responses.response, range(len(made.rows)))
    assert rows == decode_packets(create_decoder(), packets)
    for row, response in zip(rows, responses, strict=True):
        assert (response is None) == (row.outcome == Outcome.UNANSWERED)
        if response is None:
            continue
        assert int.from_bytes(response[:2]) == row.dns_id
        assert int.from_bytes(response[2:4]) == row.response_flags
        assert any(response in carried.plain.frame for carried in stream)
        if Note.CUT_BY_SNAPLEN not in row.notes:
            assert len(response) == row.bytes_out - (2 if row.transport == TCP else 0)


@st.composite
def with_responses(draw: st.DrawFn) -> tuple[Transactions, list[bytes | None]]:
    """Rows and their responses, which lie in any order."""
    made = draw(transactions(most_rows=12))
    any_size = st.binary(max_size=40) | st.integers(0, 3_000).map(bytes)
    responses = [draw(st.none() | any_size) for _ in made.rows]
    spans = np.zeros(len(made.rows), SPAN)
    octets = bytearray(draw(st.binary(max_size=3)))
    for index in draw(st.permutations(range(len(responses)))):
        response = responses[index]
        spans[index] = (len(octets), NOTHING if response is None else len(response))
        octets += response or b""
    kept = Responses(spans, np.frombuffer(bytes(octets), np.uint8).copy())
    return Transactions(made.rows, made.names, kept), responses


@given(
    made=with_responses(),
    cuts=st.lists(st.integers(1, 12), max_size=3),
    partitions=st.integers(1, 3),
    most_row_bytes=st.sampled_from([1_000, LONGEST_MESSAGE_BYTES + 3_000, 950_000]),
)
def test_batches_have_the_responses_and_no_more_bytes_than_they_may(
    made: tuple[Transactions, list[bytes | None]],
    cuts: list[int],
    partitions: int,
    most_row_bytes: int,
) -> None:
    stream, responses = made
    assert stream.responses is not None
    batcher = Batcher(
        *(partitions, 5),
        sensor="s",
        producer="p",
        most_row_bytes=most_row_bytes,
        keep_responses=True,
    )
    batches: list[EncodedBatch] = []
    edges = sorted({0, len(stream.rows), *(cut for cut in cuts if cut < len(stream.rows))})
    for start, stop in pairwise(edges):
        part = Responses(stream.responses.spans[start:stop], stream.responses.octets)
        batches += batcher.add(Transactions(stream.rows[start:stop], stream.names, part))
    batches += batcher.close(LATEST_TIME_US)
    found: list[tuple[NamedRow, bytes | None]] = []
    for batch in batches:
        if batch.headers.is_minute_mark():
            continue
        decoded = decode_batch(batch.value)
        rows = named_rows(decoded.transactions)
        kept = [decoded.response(index) for index in range(len(rows))]
        found += zip(rows, kept, strict=True)
        row_bytes = sum(ROW.itemsize + len(name) for _, name in rows)
        assert (
            row_bytes + sum(map(len, filter(None, kept))) <= most_row_bytes
            or len(rows) == 1  # one always has room
        )
    expected = list(zip(named_rows(stream), responses, strict=True))
    assert sorted(found, key=repr) == sorted(expected, key=repr)
