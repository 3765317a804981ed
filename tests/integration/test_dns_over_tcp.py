"""DNS over TCP and in fragments, between a real client and a real server: what tshark sees.

Recorded in network namespaces of the test's own.
"""

import fcntl
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import dns.message
import dns.query
import pytest

from geophone_capture.decoder import TransactionDecoder
from geophone_shared.transactions import Note, Outcome
from tests.support.decoded_rows import Row, decode_capture
from tests.support.disturbed_cable import disturbed_pair
from tests.support.dns_server import LARGE_NAME, recording, unbound
from tests.support.namespaces import VethPair, veth_pair
from tests.support.tshark import StreamMessage, count_dns, stream_messages
from tests.support.window_model import presentation_form

TCP = 6
SECONDS = 30.0
SIOCOUTQNSD = 0x894B  # linux/sockios.h: bytes that wait to be sent


@pytest.fixture
def pair() -> Iterator[VethPair]:
    with veth_pair() as made:
        yield made


def connected(pair: VethPair, *, family: int = socket.AF_INET) -> socket.socket:
    """A connection from the near side to the server on the far one."""
    made = pair.near.socket(family, socket.SOCK_STREAM)
    made.settimeout(SECONDS)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.connect((pair.far_address if family == socket.AF_INET else pair.far_address_6, 53))
    return made


def queries(first: int, count: int, zone: str = "example") -> list[dns.message.Message]:
    """Queries with ids and names of their own."""
    return [
        dns.message.make_query(
            f"host-{number}.{zone}", "TXT" if zone == LARGE_NAME else "A", id=number
        )
        for number in range(first, first + count)
    ]


def ask_all(connection: socket.socket, asked: list[dns.message.Message]) -> None:
    """Send all queries at once, then take the replies, in any order."""
    connection.sendall(b"".join(query.to_wire(prepend_length=True) for query in asked))
    replies = [dns.query.receive_tcp(connection)[0] for _ in asked]
    assert {reply.id for reply in replies} == {query.id for query in asked}


def wait_until_sent(connection: socket.socket) -> None:
    """Wait, so that what is sent next goes in a segment of its own."""
    deadline = time.monotonic() + SECONDS
    while any(fcntl.ioctl(connection, SIOCOUTQNSD, bytes(4))):
        assert time.monotonic() < deadline
        time.sleep(0.001)


def messages_of(transactions: list[Row]) -> list[StreamMessage]:
    """The messages that transactions over TCP are made of."""
    over_tcp = [each for each in transactions if each.transport == TCP]
    return [
        StreamMessage(
            is_response=False,
            dns_id=each.dns_id,
            name=presentation_form(each.name),
            wire_bytes=each.bytes_in,
        )
        for each in over_tcp
        if each.outcome != Outcome.UNSOLICITED
    ] + [
        StreamMessage(
            is_response=True,
            dns_id=each.dns_id,
            name=presentation_form(each.name),
            wire_bytes=each.bytes_out,
        )
        for each in over_tcp
        if each.outcome != Outcome.UNANSWERED
    ]


def assert_same_as_tshark(
    tshark: Path, capture: Path, asked: int
) -> tuple[list[Row], TransactionDecoder]:
    """Every query was asked and answered once, as tshark sees it; what was decoded."""
    decoder, transactions = decode_capture(capture)
    found = messages_of(transactions)
    assert len(found) == len(set(found)) == 2 * asked
    assert set(found) == set(stream_messages(tshark, capture))
    assert {each.outcome for each in transactions} == {Outcome.ANSWERED}
    return transactions, decoder


def test_pipelined_queries_over_one_connection(
    pair: VethPair, tshark: Path, tmp_path: Path
) -> None:
    capture = tmp_path / "pipelined.pcap"
    with unbound(pair.far, tmp_path), recording(pair, capture):
        for first, family in ((100, socket.AF_INET), (300, socket.AF_INET6)):
            with connected(pair, family=family) as connection:
                ask_all(connection, queries(first, 60))
                ask_all(connection, queries(first + 60, 3, LARGE_NAME))
    _, decoder = assert_same_as_tshark(tshark, capture, 126)
    counts = decoder.tcp_counts
    assert (counts.connections, counts.closed + counts.unfinished) == (2, 2)
    assert (counts.gaps, counts.broken, counts.not_dns_bytes, counts.skipped_bytes) == (0, 0, 0, 0)


def test_segments_of_one_byte(pair: VethPair, tshark: Path, tmp_path: Path) -> None:
    capture = tmp_path / "bytes.pcap"
    asked = queries(1, 3)
    stream = b"".join(query.to_wire(prepend_length=True) for query in asked)
    with unbound(pair.far, tmp_path), recording(pair, capture), connected(pair) as connection:
        for octet in stream:
            connection.send(bytes([octet]))
            wait_until_sent(connection)
        for _ in asked:
            dns.query.receive_tcp(connection)
    _, decoder = assert_same_as_tshark(tshark, capture, 3)
    assert decoder.tcp_counts.segments > len(stream)


def test_reordered_repeated_and_lost_segments(tshark: Path, tmp_path: Path) -> None:
    # Each end sees the other's segments disturbed.
    captures = (tmp_path / "near.pcap", tmp_path / "far.pcap")
    with (
        disturbed_pair() as pair,
        unbound(pair.far, tmp_path),
        recording(pair, captures[0]),
        recording(pair, captures[1], is_far=True),
        ExitStack() as connections,
    ):
        made = [connections.enter_context(connected(pair)) for _ in range(4)]
        for turn in range(4):
            for number, connection in enumerate(made):
                first = 1_000 * (number + 1) + 100 * turn
                asked = [*queries(first, 8), *queries(first + 8, 2, LARGE_NAME)]
                stream = b"".join(query.to_wire(prepend_length=True) for query in asked)
                for at in range(0, len(stream), 61):
                    connection.send(stream[at : at + 61])
            for connection in made:
                for _ in range(10):
                    dns.query.receive_tcp(connection)
    for capture in captures:
        _, decoder = assert_same_as_tshark(tshark, capture, 160)
        counts = decoder.tcp_counts
        assert min(counts.repeated, counts.out_of_order) > 0
        assert (counts.gaps, counts.broken) == (0, 0)


def test_packets_that_the_capture_lost(pair: VethPair, tshark: Path, tmp_path: Path) -> None:
    # The ends have what the capture lacks, so nothing is sent again.
    whole, holed = tmp_path / "whole.pcap", tmp_path / "holed.pcap"
    with unbound(pair.far, tmp_path), recording(pair, whole), connected(pair) as connection:
        for number in range(100):
            ask_all(connection, queries(number, 1, LARGE_NAME if number % 10 == 0 else "example"))
    _write_without_every(9, whole, holed)
    decoder, transactions = decode_capture(holed)
    found = messages_of(transactions)
    assert len(found) == len(set(found)) > 150
    assert set(found) <= set(stream_messages(tshark, whole))
    counts = decoder.tcp_counts
    assert counts.gaps > 10
    assert counts.not_dns_bytes == 0


def _write_without_every(number: int, whole: Path, holed: Path) -> None:
    """Copy a capture (little-endian pcap) without every so manieth packet."""
    data, at = whole.read_bytes(), 24
    records = []
    while at < len(data):
        end = at + 16 + int.from_bytes(data[at + 8 : at + 12], "little")
        records.append(data[at:end])
        at = end
    kept = [record for index, record in enumerate(records, start=1) if index % number]
    holed.write_bytes(data[:24] + b"".join(kept))


def test_server_that_closes_early(pair: VethPair, tshark: Path, tmp_path: Path) -> None:
    capture = tmp_path / "early.pcap"
    listener = pair.far.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind((pair.far_address, 53))
    listener.listen()

    def answer_one_and_a_half() -> None:
        connection, _ = listener.accept()
        with connection:
            asked = [dns.query.receive_tcp(connection)[0] for _ in range(3)]
            replies = [
                dns.message.make_response(query).to_wire(prepend_length=True) for query in asked
            ]
            connection.sendall(replies[0] + replies[1][:-5])

    server = threading.Thread(target=answer_one_and_a_half)
    with closing(listener), recording(pair, capture), connected(pair) as connection:
        server.start()
        connection.sendall(b"".join(query.to_wire(prepend_length=True) for query in queries(1, 3)))
        while connection.recv(1_000):
            pass
        server.join()
    _, transactions = decode_capture(capture)
    assert set(messages_of(transactions)) == set(stream_messages(tshark, capture))
    notes = {each.dns_id: Note(each.notes) for each in transactions}
    assert len(transactions) == 3
    assert notes[1] & (Note.REPLY_INCOMPLETE | Note.NO_RESPONSE) == 0
    assert notes[2] & Note.REPLY_INCOMPLETE
    assert notes[3] & (Note.REPLY_INCOMPLETE | Note.INPUT_ENDED) == Note.INPUT_ENDED


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_large_replies_come_in_fragments(
    pair: VethPair, tshark: Path, tmp_path: Path, family: int
) -> None:
    capture = tmp_path / "fragments.pcap"
    server = pair.far_address if family == socket.AF_INET else pair.far_address_6
    with (
        unbound(pair.far, tmp_path),
        recording(pair, capture),
        pair.near.socket(family, socket.SOCK_DGRAM) as client,
    ):
        client.settimeout(SECONDS)
        client.connect((server, 53))
        for query in queries(1, 5, LARGE_NAME):
            query.use_edns(payload=4096)
            client.send(query.to_wire())
            assert len(client.recv(65_535)) > 3_000
    decoder, transactions = decode_capture(capture)
    count = count_dns(tshark, capture)
    assert (count.queries, count.responses) == (5, 5)
    assert [(each.dns_id, each.outcome) for each in transactions] == [
        (number, Outcome.ANSWERED) for number in range(1, 6)
    ]
    assert all(each.bytes_out > 3_000 for each in transactions)
    counts = decoder.fragment_counts
    assert (counts.fragments, counts.reassembled) == (15, 5)
