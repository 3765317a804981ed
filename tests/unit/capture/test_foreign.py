"""The table of clients that send what isn't DNS, against exact counts."""

import ipaddress
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geophone_capture.foreign_clients import ForeignClient, foreign_clients
from geophone_capture.kernels.foreign import FOREIGN, FOREIGN_TOTALS, Foreign, count_foreign

pytestmark = pytest.mark.kernels

MAPPED = 0xFFFF << 32


def new_table(places: int) -> Foreign:
    return Foreign(np.zeros(places, FOREIGN), np.zeros(1, FOREIGN_TOTALS))


def count(table: Foreign, client: int, octets: int) -> None:
    count_foreign(table, np.uint64(0), np.uint64(MAPPED | client), octets)


@given(
    packets=st.lists(st.tuples(st.integers(1, 9), st.integers(0, 500)), max_size=60),
    places=st.integers(1, 12),
)
def test_no_client_is_counted_too_high_or_missed(
    packets: list[tuple[int, int]], places: int
) -> None:
    table = new_table(places)
    packets_of, bytes_of = Counter[int](), Counter[int]()
    for client, octets in packets:
        count(table, client, octets)
        packets_of[client] += 1
        bytes_of[client] += octets
    known = {int(each.address): each for each in foreign_clients(table)}
    assert len(known) == min(places, len(packets_of))
    for client, found in known.items():
        assert found.packets <= packets_of[client]
        assert found.bytes <= bytes_of[client] <= found.bytes + found.missed_bytes
    assert table.totals[0]["packets"] == len(packets)
    assert table.totals[0]["bytes"] == sum(bytes_of.values())
    for client, total_bytes in bytes_of.items():
        assert client in known or total_bytes * places <= sum(bytes_of.values())
    if len(packets_of) <= places:
        assert {client: found.packets for client, found in known.items()} == packets_of
        assert {client: found.bytes for client, found in known.items()} == bytes_of
        assert table.totals[0]["forgotten"] == 0
    else:
        assert table.totals[0]["forgotten"] >= len(packets_of) - places


def test_the_largest_comes_first_and_addresses_are_whole() -> None:
    table = new_table(3)
    v6 = ipaddress.IPv6Address("2001:db8::ffff:1")
    high, low = np.uint64(int(v6) >> 64), np.uint64(int(v6) & (2**64 - 1))
    count_foreign(table, high, low, 100)
    count(table, 0x0A000001, 60)
    count(table, 0x0A000001, 60)
    count(table, 0x0A000002, 100)
    assert foreign_clients(table) == [
        ForeignClient(ipaddress.IPv4Address("10.0.0.1"), 2, 120, 0),
        ForeignClient(ipaddress.IPv4Address("10.0.0.2"), 1, 100, 0),
        ForeignClient(v6, 1, 100, 0),
    ]
