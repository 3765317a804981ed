"""The transactions of a capture file, as plain values."""

from pathlib import Path
from typing import NamedTuple

from geophone_capture.decoder import TransactionDecoder
from geophone_capture.sources import CaptureStream
from geophone_shared.hashing import SecretKey
from geophone_shared.transactions import Transactions


class Transaction(NamedTuple):
    """What tests compare of a row; `name` without the root, as text."""

    name: str
    dns_id: int
    transport: int
    outcome: int
    bytes_in: int
    bytes_out: int
    notes: int


def decoded_capture(capture: Path) -> tuple[list[Transaction], TransactionDecoder]:
    """The rows, and the decoder with its counts."""
    decoder = TransactionDecoder(SecretKey.derived_from(b"test"))
    found: list[Transaction] = []
    with CaptureStream([str(capture)]) as stream:
        for block in stream:
            for transactions in decoder.feed(block):
                found += _plain(transactions)
    for transactions in decoder.close():
        found += _plain(transactions)
    return found, decoder


def _plain(transactions: Transactions) -> list[Transaction]:
    return [
        Transaction(
            _text(transactions.name(index)),
            *(int(row[field]) for field in Transaction._fields[1:]),
        )
        for index, row in enumerate(transactions.rows)
    ]


def _text(wire: bytes) -> str:
    labels, at = [], 0
    while at < len(wire):
        labels.append(wire[at + 1 : at + 1 + wire[at]].decode("ascii"))
        at += 1 + wire[at]
    return ".".join(labels)
