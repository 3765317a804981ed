"""When batches close by time, minute marks, and shifted times: small scenes by hand."""

import pytest

from geophone_capture.batching import Batcher, EncodedBatch
from geophone_capture.stages import Due, Stages
from geophone_shared.transactions import Transactions
from tests.support.decoded_rows import create_decoder
from tests.support.packets import Packet, packet_block
from tests.support.published import rows_in
from tests.support.scenes import START_US, arp, query, response, us

pytestmark = pytest.mark.kernels

FIFTH_US = 200_000
MINUTE = 60.0 - START_US / 1_000_000 % 60.0
"""The first minute mark after the start, in seconds after it."""


def whole_name(transactions: Transactions) -> None:
    transactions.rows["domain_offset"] = 0


def taken(
    packets: list[Packet], *, linger_us: int | None, shift_us: int = 0, partitions: int = 1
) -> list[Due]:
    """What comes of packets, one block each, before the end of the input."""
    stages = Stages(
        create_decoder(),
        Batcher(partitions, 100, sensor="s", producer="p"),
        whole_name,
        linger_us=linger_us,
        shift_us=shift_us,
    )
    return [due for packet in packets for due in stages.take(packet_block([packet]))]


def answered(at: float, dns_id: int = 1) -> list[Packet]:
    return [query(at, dns_id), response(at, dns_id)]


def rows_and_due(due: list[Due]) -> list[tuple[int, float]]:
    return [(batch.headers.rows, elapsed_us / 1_000_000) for elapsed_us, batch in due]


def marks(batches: list[EncodedBatch]) -> list[tuple[int, float]]:
    """Partition and clock."""
    return [
        (batch.partition, (batch.headers.last_time_us - START_US) / 1_000_000)
        for batch in batches
        if batch.headers.is_minute_mark()
    ]


def test_with_a_speed_what_is_open_closes_at_the_first_packet_of_another_fifth() -> None:
    packets = [*answered(0.0), *answered(0.1), *answered(0.25), arp(0.39), arp(0.4), arp(1.0)]
    assert rows_and_due(taken(packets, linger_us=FIFTH_US)) == [(2, 0.1), (1, 0.39)]


def test_at_max_only_minutes_close_a_batch() -> None:
    packets = [*answered(0.0), *answered(MINUTE - 0.001), *answered(MINUTE), arp(MINUTE + 1)]
    assert rows_and_due(taken(packets, linger_us=None)) == [(2, 0.0)]


def test_a_partition_that_gets_nothing_gets_a_mark_a_minute() -> None:
    packets = [packet for at in range(0, 240, 20) for packet in answered(float(at))]
    batches = [batch for _, batch in taken(packets, linger_us=None, partitions=2)]
    [busy] = {batch.partition for batch in batches if batch.headers.rows}
    # At the first row of each minute.
    firsts = [next(at for at in range(0, 240, 20) if at >= MINUTE + 60 * n) for n in range(3)]
    assert marks(batches) == [(1 - busy, first) for first in firsts]
    assert sum(batch.headers.rows > 0 for batch in batches) == 3


def test_minutes_that_nobody_saw_are_one_mark() -> None:
    packets = [*answered(0.0), *answered(MINUTE + 600), *answered(MINUTE + 660)]
    batches = [batch for _, batch in taken(packets, linger_us=None, partitions=2)]
    [busy] = {batch.partition for batch in batches if batch.headers.rows}
    by_partition = sorted(marks(batches))
    late = [(busy, MINUTE + 600)]
    quiet = [(1 - busy, MINUTE + 600), (1 - busy, MINUTE + 660)]
    assert by_partition == sorted(late + quiet)


def test_packets_that_are_not_dns_carry_the_clock() -> None:
    packets = [*answered(0.0), arp(MINUTE + 1), arp(MINUTE + 61), arp(MINUTE + 121)]
    batches = [batch for _, batch in taken(packets, linger_us=None, partitions=2)]
    [busy] = {batch.partition for batch in batches if batch.headers.rows}
    assert marks(batches) == [
        (1 - busy, MINUTE + 1),
        *((each, MINUTE + 61) for each in range(2)),
    ]


def test_every_time_is_shifted_and_minutes_are_those_of_the_sum() -> None:
    shift_us = 7_000_000_000_000
    packets = [*answered(0.0), *answered(MINUTE), *answered(MINUTE + 60)]
    [(_, first), (_, second)] = taken(packets, linger_us=None, shift_us=shift_us - us(MINUTE))
    assert first.headers.first_time_us == us(0.0) + shift_us - us(MINUTE)
    assert [row[0][0] for row in rows_in([second])] == [shift_us]


def test_shifted_times_stay_within_what_a_record_holds() -> None:
    packets = [*answered(0.0), *answered(1_000.0), *answered(2_000.0)]
    batches = [batch for _, batch in taken(packets, linger_us=None, shift_us=-us(1_500.0))]
    # 0 and 500 s after the epoch lie in different minutes.
    assert [row[0][1] for row in rows_in(batches)] == [0, 0]
