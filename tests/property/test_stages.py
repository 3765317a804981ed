"""Batches of any packets: where they end depends on the packets, not on how files are read."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geophone_capture.batching import Batcher, EncodedBatch
from geophone_capture.stages import Stages
from geophone_shared.timestamps import LATEST_TIME_US
from geophone_shared.transactions import Outcome, Transactions
from tests.support.decoded_rows import create_decoder, decode_packets
from tests.support.packet_streams import packet_streams
from tests.support.packets import Packet, packet_block
from tests.support.published import rows_in

pytestmark = pytest.mark.kernels

SECOND_US = 1_000_000


def whole_name(transactions: Transactions) -> None:
    """Instead of the public suffixes: the whole name is the domain."""
    transactions.rows["domain_offset"] = 0


def stages_of(*, linger_us: int | None, shift_us: int = 0, rows_at_a_time: int = 1_000) -> Stages:
    return Stages(
        create_decoder(rows_at_a_time=rows_at_a_time),
        Batcher(3, 4, sensor="s", producer="p"),
        whole_name,
        linger_us=linger_us,
        shift_us=shift_us,
    )


def batches_of(
    stages: Stages, packets: list[Packet], at_once: int
) -> tuple[list[list[EncodedBatch]], list[int]]:
    """The batches of each partition, and when each batch of all is due."""
    due = []
    for start in range(0, len(packets), at_once):
        due += list(stages.take(packet_block(packets[start : start + at_once])))
    due += stages.finish()
    return (
        [[batch for _, batch in due if batch.partition == number] for number in range(3)],
        [elapsed_us for elapsed_us, _ in due],
    )


lingers_us = st.sampled_from([None, 1, 200_000, 3 * SECOND_US, 60 * SECOND_US])


@given(
    packets=packet_streams(),
    linger_us=lingers_us,
    shift_us=st.sampled_from([0, 12_345_678, -LATEST_TIME_US]),
    at_once=st.integers(1, 10),
    rows_at_a_time=st.integers(2, 5),
)
def test_block_sizes_make_no_difference(
    packets: list[Packet], linger_us: int | None, shift_us: int, at_once: int, rows_at_a_time: int
) -> None:
    whole = stages_of(linger_us=linger_us, shift_us=shift_us)
    pieces = stages_of(linger_us=linger_us, shift_us=shift_us, rows_at_a_time=rows_at_a_time)
    expected, _ = batches_of(whole, packets, len(packets))
    found, elapsed_us = batches_of(pieces, packets, at_once)
    assert found == expected
    assert elapsed_us == sorted(elapsed_us)
    assert pieces.clock_us == whole.clock_us


@given(packets=packet_streams(), linger_us=lingers_us)
def test_the_partitions_have_the_rows_of_the_decoder(
    packets: list[Packet], linger_us: int | None
) -> None:
    stages = stages_of(linger_us=linger_us)
    partitions, _ = batches_of(stages, packets, 7)
    names = [[name for _, name in rows_in(batches)] for batches in partitions]
    expected = decode_packets(create_decoder(), packets)
    assert sorted(chain.from_iterable(names)) == sorted(row.name for row in expected)
    for found in names:
        # A name is in one partition, and its rows are in order there.
        assert found == [row.name for row in expected if row.name in set(found)]
    outcomes = [sum(row.outcome == outcome for row in expected) for outcome in Outcome]
    assert stages.outcomes.tolist() == outcomes
