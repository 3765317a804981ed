"""The decoder: what it counts, and its bounds."""

import pytest

from geophone_capture.decoder import TransactionDecoder
from geophone_capture.reasons import Reason
from geophone_shared.errors import ConfigError
from geophone_shared.hashing import SecretKey
from geophone_shared.transactions import LONGEST_NAME_BYTES, Outcome
from tests.support.decoded_rows import create_decoder, decode_packets, rows_of
from tests.support.dns_messages import message, name_of, question
from tests.support.packets import LINUX_COOKED, Packet, ethernet, ipv4, packet_block, udp
from tests.support.scenes import arp, query, response, us

pytestmark = pytest.mark.kernels


@pytest.mark.parametrize("port", [-1, 0, 65_536, 100_000])
def test_a_number_that_is_no_port(port: int) -> None:
    with pytest.raises(ConfigError, match=f"^{port} is not a port: give one from 1 to 65535$"):
        create_decoder((53, port))


def test_ports() -> None:
    packets = [Packet(ethernet(ipv4(udp(message(), 40_000, port)))) for port in (1, 53, 65_535)]
    decoder = create_decoder((1, 65_535))
    rows = decode_packets(decoder, packets)
    assert sorted(row.server.port for row in rows) == [1, 65_535]
    assert decoder.counts()[Reason.OTHER_PORT] == 1


def test_no_packets() -> None:
    decoder = create_decoder()
    assert list(decoder.feed(packet_block([]))) == []
    assert list(decoder.close()) == []
    assert (decoder.first_us, decoder.last_us, decoder.clock_us) == (None, None, None)
    assert decoder.packets == decoder.clock_outliers == decoder.evicted == 0
    assert set(decoder.counts().values()) == {0}


def test_every_packet_is_counted_once() -> None:
    packets = [
        query(0),
        response(1),
        response(2),
        arp(3),
        query(4, payload=b""),
        query(5, payload=message([])),
        query(6, payload=message([question(name_of(256))])),
        Packet(arp(7).frame, us(7), link=147),
        Packet(b"", us(8), link=LINUX_COOKED),
    ]
    decoder = create_decoder()
    decode_packets(decoder, packets, at_once=2)
    assert {reason: count for reason, count in decoder.counts().items() if count} == {
        Reason.QUERY: 1,
        Reason.RESPONSE: 2,
        Reason.ARP: 1,
        Reason.SHORT_MESSAGE: 1,
        Reason.NO_QUESTION: 1,
        Reason.NAME_TOO_LONG: 1,
        Reason.UNKNOWN_LINK_TYPE: 1,
        Reason.BAD_LINK_HEADER: 1,
    }
    assert decoder.packets == len(packets)


def test_times() -> None:
    decoder = create_decoder()
    packets = [query(50), response(7_200, clock=20), arp(20), arp(60), query(40)]
    decode_packets(decoder, packets, at_once=2)
    assert (decoder.first_us, decoder.last_us, decoder.clock_us) == (us(20), us(7_200), us(60))
    assert decoder.clock_outliers == 1


def test_the_end_is_the_time_of_the_last_packet_not_the_latest() -> None:
    rows = decode_packets(create_decoder(), [query(99, clock=30), query(30, 2)])
    assert [row.completed_us for row in rows] == [us(30), us(30)]


def test_packets_at_time_zero() -> None:
    packets = [Packet(packet.frame, 0) for packet in (query(0), response(1))]
    (row,) = decode_packets(create_decoder(), packets)
    assert (row.time_us, row.completed_us, row.duration_us) == (0, 0, 0)


def test_rows_come_in_portions_and_names_fit_whatever_their_length() -> None:
    longest = [name_of(255, filler=bytes([letter])) for letter in b"abcde"]
    packets = [
        query(index, index, message([question(owner)], dns_id=index))
        for index, owner in enumerate(longest)
    ]
    decoder = create_decoder(rows_at_a_time=2)
    portions = [rows_of(rows) for rows in decoder.feed(packet_block([*packets, arp(11), arp(14)]))]
    portions += [rows_of(rows) for rows in decoder.close()]
    assert [len(portion) for portion in portions] == [2, 2, 1]
    found = [row.name for portion in portions for row in portion]
    assert found == [owner[:-1] for owner in longest]
    assert {len(name) for name in found} == {LONGEST_NAME_BYTES}


def test_rows_are_fresh_though_a_later_stage_has_written_into_those_before() -> None:
    decoder = create_decoder(rows_at_a_time=1)
    for transactions in decoder.feed(packet_block([response(0), response(1), response(2)])):
        (row,) = rows_of(transactions)  # sees to the registered domain's place, too
        assert row.outcome == Outcome.UNSOLICITED
        transactions.rows["domain_offset"] = 4


def test_the_secret_changes_no_row() -> None:
    packets = [query(index, index) for index in range(9)] + [response(9, 4), query(9, 3)]
    other = TransactionDecoder(SecretKey.derived_from(b"another"), (53,), 4, 2)
    assert decode_packets(other, packets) == decode_packets(create_decoder((53,), 4, 2), packets)
