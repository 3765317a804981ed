"""Calls the kernels that turn packets into rows, and gives the rows as plain values."""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from geophone_capture.decoder import TransactionDecoder
from geophone_capture.encapsulations import ALL, Encapsulation
from geophone_capture.sources import CaptureStream
from geophone_shared.hashing import SecretKey
from geophone_shared.transactions import Note, Outcome, Transactions
from tests.support.packets import Packet, packet_block


class Endpoint(NamedTuple):
    """An address, IPv4 as `::ffff:a.b.c.d`, and a port."""

    address: bytes
    port: int


class Row(NamedTuple):
    """Every column of the batch that capture fills; `name` without the root label."""

    client: Endpoint
    server: Endpoint
    dns_id: int
    name: bytes
    query_type: int
    query_class: int
    time_us: int
    completed_us: int = -1
    duration_us: int = -1
    outcome: Outcome = Outcome.UNANSWERED
    transport: int = 17
    query_flags: int = 0
    response_flags: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    answers: int = 0
    authorities: int = 0
    additionals: int = 0
    notes: Note = Note(0)


_NUMBERS = set(Row._fields) - {"client", "server", "name", "outcome", "notes"}


def rows_of(transactions: Transactions) -> list[Row]:
    """The rows of a `Transactions`."""
    found = []
    for index, row in enumerate(transactions.rows):
        client, server = (
            Endpoint(
                struct.pack("!QQ", int(row[f"{side}_high"]), int(row[f"{side}_low"])),
                int(row[f"{side}_port"]),
            )
            for side in ("client", "server")
        )
        outcome, notes = Outcome(row["outcome"]), Note(int(row["notes"]))
        numbers = {field: int(row[field]) for field in _NUMBERS}
        name = transactions.name(index)
        found.append(Row(client, server, name=name, outcome=outcome, notes=notes, **numbers))
        assert row["domain_offset"] == 0  # a later stage finds the registered domain
    return found


def create_decoder(
    ports: Sequence[int] = (53,),
    pending_capacity: int = 10_000,
    rows_at_a_time: int = 1_000,
    encapsulations: Encapsulation = ALL,
) -> TransactionDecoder:
    """A decoder with small tables, and a secret that is none."""
    secret = SecretKey.from_bytes(bytes(range(16)))
    return TransactionDecoder(secret, ports, pending_capacity, rows_at_a_time, encapsulations)


def decode_packets(
    decoder: TransactionDecoder, packets: Sequence[Packet], at_once: int = 1_000
) -> list[Row]:
    """Every row of an input, given to the decoder in blocks of `at_once` packets."""
    rows = []
    for start in range(0, len(packets), at_once):
        for transactions in decoder.feed(packet_block(packets[start : start + at_once])):
            rows += rows_of(transactions)
    for transactions in decoder.close():
        rows += rows_of(transactions)
    return rows


def decode_capture(path: Path) -> tuple[TransactionDecoder, list[Row]]:
    """A file's rows, and the decoder with its counts."""
    decoder = create_decoder()
    rows = []
    with CaptureStream([str(path)]) as stream:
        for block in stream:
            for transactions in decoder.feed(block):
                rows += rows_of(transactions)
    for transactions in decoder.close():
        rows += rows_of(transactions)
    return decoder, rows
