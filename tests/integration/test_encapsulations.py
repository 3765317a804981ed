"""Captures of every encapsulation, made by scapy: whole, cut at every byte, and mutated."""

import random
from pathlib import Path

import pytest
from scapy.packet import Raw

from geophone_capture.reasons import Reason
from geophone_shared.transactions import Note, Outcome
from tests.support.capture_writer import pcap_header, pcap_record
from tests.support.decoded_rows import Row, decode_capture
from tests.support.encapsulations import address_bytes
from tests.support.packets import Packet
from tests.support.scapy_frames import (
    CASES,
    ENDS,
    NAME,
    frames,
    in_fragments,
    inner_packet,
    over,
    raw_frame,
    with_extension_headers,
)
from tests.support.scenes import START_US, query, response

WIRE_NAME = b"".join(bytes([len(label)]) + label for label in NAME.split(b"."))
MUTATIONS = 150
_NEIGHBOURS = 1_000
"""Ids of the packets around the ones that are cut or mutated; theirs is 7."""


def captured(folder: Path, packets: list[Packet]) -> Path:
    """A capture of packets, 1 ms apart."""
    path = folder / "encapsulated.pcap"
    with path.open("wb") as file:
        file.write(pcap_header())
        for number, packet in enumerate(packets):
            file.write(
                pcap_record(START_US + number * 1_000, packet.frame, original=packet.original_bytes)
            )
    return path


def assert_answered(row: Row, version: int) -> None:
    client, server = ENDS[version]
    assert (row.outcome, row.name, row.query_type) == (Outcome.ANSWERED, WIRE_NAME, 16)
    assert row.client == (address_bytes(client), 40_000)
    assert row.server == (address_bytes(server), 53)
    assert row.notes == Note(0)


@pytest.mark.parametrize(("name", "inner", "outer"), CASES)
def test_inner_addresses_are_shown(tmp_path: Path, name: str, inner: int, outer: int) -> None:
    packets = [Packet(frame) for frame in frames(name, inner, outer)]
    _, rows = decode_capture(captured(tmp_path, packets))
    (row,) = rows
    assert_answered(row, inner)


def test_extension_headers(tmp_path: Path) -> None:
    packets = [Packet(frame) for frame in with_extension_headers()]
    _, (row,) = decode_capture(captured(tmp_path, packets))
    assert_answered(row, 6)


def check_neighbours(folder: Path, odd: list[Packet]) -> list[Row]:
    """Decode packets that stand between a query and its response each; rows of the packets."""
    packets = []
    for number, packet in enumerate(odd):
        dns_id = _NEIGHBOURS + number
        packets += [query(0, dns_id), packet, response(0, dns_id)]
    decoder, rows = decode_capture(captured(folder, packets))
    assert sum(decoder.counts().values()) == decoder.packets == len(packets)
    answered = [row.dns_id for row in rows if row.outcome == Outcome.ANSWERED]
    expected = range(_NEIGHBOURS, _NEIGHBOURS + len(odd))
    assert [dns_id for dns_id in answered if dns_id in expected] == list(expected)
    assert decoder.counts()[Reason.UNKNOWN_LINK_TYPE] == 0
    return [row for row in rows if row.dns_id not in expected]


@pytest.mark.parametrize(("name", "inner", "outer"), CASES)
def test_cut_at_every_byte(tmp_path: Path, name: str, inner: int, outer: int) -> None:
    frame, _ = frames(name, inner, outer)
    whole = Packet(frame)
    rows = check_neighbours(tmp_path, [whole.cut(length) for length in range(len(frame))])
    # As soon as the question is there, it counts: it ends the frame.
    assert rows == []
    rows = check_neighbours(tmp_path, [Packet(frame[:length]) for length in range(len(frame))])
    assert rows == []


@pytest.mark.parametrize(("name", "inner", "outer"), CASES)
def test_mutated(tmp_path: Path, name: str, inner: int, outer: int) -> None:
    generator = random.Random(f"{name} {inner} {outer}")  # noqa: S311 - the same on every run
    mutants = []
    for frame in frames(name, inner, outer):
        for _ in range(MUTATIONS):
            mutant = bytearray(frame)
            for _ in range(generator.choice([1, 1, 1, 2, 5])):
                at = generator.randrange(len(mutant))
                mutant[at] = generator.choice([0, 255, mutant[at] ^ 1 << generator.randrange(8)])
            mutants.append(Packet(bytes(mutant)))
    check_neighbours(tmp_path, mutants)


@pytest.mark.parametrize("version", [4, 6])
def test_fragments(tmp_path: Path, version: int) -> None:
    asked = inner_packet(version, is_response=False)
    answer = inner_packet(version, is_response=True) / Raw(bytes(3_000))
    pieces = in_fragments(answer)
    packets = [Packet(each) for each in [raw_frame(asked), *reversed(pieces)]]
    decoder, (row,) = decode_capture(captured(tmp_path, packets))
    assert row.outcome == Outcome.ANSWERED
    assert row.bytes_out == row.bytes_in + 3_000
    assert Note.TRAILING_BYTES in row.notes
    assert decoder.counts()[Reason.IP_FRAGMENT] == len(pieces) - 1 > 1
    # A datagram that lacks a piece is none.
    for missing in range(len(pieces)):
        rest = [Packet(each) for n, each in enumerate(pieces) if n != missing]
        decoder, rows = decode_capture(captured(tmp_path, [packets[0], *rest]))
        assert [row.outcome for row in rows] == [Outcome.UNANSWERED]
        assert decoder.fragment_counts.unfinished == 1
        assert decoder.counts()[Reason.IP_FRAGMENT] == len(rest)


@pytest.mark.parametrize("version", [4, 6])
def test_tcp_in_a_tunnel(tmp_path: Path, version: int) -> None:
    packets = [
        Packet(
            raw_frame(
                over(4, 4 if version == 4 else 41)
                / inner_packet(version, is_response=is_response, over_tcp=True)
            )
        )
        for is_response in (False, True)
    ]
    decoder, (row,) = decode_capture(captured(tmp_path, packets))
    assert_answered(row, version)
    assert row.transport == 6
    assert decoder.counts()[Reason.TCP_SEGMENT] == 2
