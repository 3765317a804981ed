"""The packet clock of a live source moves when no packet comes, and changes no row by that."""

import pytest

from geophone_capture.batching import Batcher
from geophone_capture.stages import Stages
from geophone_shared.transactions import Transactions
from tests.support.decoded_rows import create_decoder
from tests.support.packets import Packet, packet_block
from tests.support.published import NamedRow, named_rows, rows_in
from tests.support.scenes import START_US, query, response, us

pytestmark = pytest.mark.kernels


def rows(
    packets: list[Packet], idle: dict[int, list[float]], capacity: int = 100
) -> list[NamedRow]:
    """The rows of packets, one block each.

    Args:
        packets: in order.
        idle: to which times the clock moves before the packet of that index.
        capacity: of the output.
    """
    decoder = create_decoder(rows_at_a_time=capacity)
    found: list[NamedRow] = []

    def take(transactions: Transactions) -> None:
        found.extend(named_rows(transactions))

    for index, packet in enumerate(packets):
        for at in idle.get(index, []):
            for transactions in decoder.advance(us(at)):
                take(transactions)
        for transactions in decoder.feed(packet_block([packet])):
            take(transactions)
    for transactions in decoder.close():
        take(transactions)
    return found


PACKETS = [
    *(query(0.0, 1), query(0.5, 2), query(2.0, 3)),
    *(response(11.5, 3), query(12.0, 4), response(30.0, 4), query(31.0, 5)),
]


@pytest.mark.parametrize("capacity", [2, 100])
@pytest.mark.parametrize(
    "idle",
    [
        {3: [2.5, 9.9, 10.0, 10.1, 11.4]},
        {3: [11.4], 4: [11.9], 5: [13.0, 21.9, 22.0, 29.9]},
        {0: [0.0], 1: [0.2], 6: [30.5]},
    ],
)
def test_rows_are_those_of_packets_alone(idle: dict[int, list[float]], capacity: int) -> None:
    assert rows(PACKETS, idle, capacity) == rows(PACKETS, {})


def test_queries_complete_when_their_time_is_up() -> None:
    decoder = create_decoder()
    for packet in (query(0.0, 1), query(3.0, 2)):
        assert list(decoder.feed(packet_block([packet]))) == []
    assert list(decoder.advance(us(9.999999))) == []
    [transactions] = decoder.advance(us(10.0))
    assert [int(row["completed_us"]) for row in transactions.rows] == [us(10.0)]
    assert decoder.clock_us == us(10.0)
    assert list(decoder.advance(us(5.0))) == []  # a system clock that was set back
    assert decoder.clock_us == us(10.0)


def test_what_is_open_closes_and_minutes_are_marked() -> None:
    def no_domain(transactions: Transactions) -> None:
        transactions.rows["domain_offset"] = 0

    stages = Stages(
        *(create_decoder(), Batcher(2, 100, sensor="s", producer="p"), no_domain),
        linger_us=200_000,
        shift_us=0,
    )
    for packet in (query(0.0), response(0.1)):
        assert list(stages.take(packet_block([packet]))) == []
    [(_, batch)] = stages.idle(us(0.15))
    assert len(rows_in([batch])) == 1
    assert list(stages.idle(us(0.25))) == []
    minute = 60.0 - START_US / 1_000_000 % 60.0
    assert [due for at in (minute + 1, minute + 2) for due in stages.idle(us(at))]
    marks = [batch for _, batch in stages.idle(us(minute + 61))]
    assert [(mark.partition, mark.headers.last_time_us) for mark in marks] == [
        (partition, us(minute + 61)) for partition in range(2)
    ]
    assert list(stages.idle(us(minute + 62))) == []
