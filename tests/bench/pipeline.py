"""The stages of `geophone replay`: all in a row on one thread and on two, and each apart."""

import time
from collections.abc import Iterable
from pathlib import Path

from geophone.background import Background
from geophone_capture.decoder import TransactionDecoder
from geophone_capture.packets import PacketBlock
from geophone_capture.sources import CaptureStream
from geophone_detector.allow_list import SHIPPED_ENTRIES, wire_entries
from geophone_detector.detector import Detector
from geophone_detector.rules import SHIPPED_RULES
from geophone_shared.hashing import SecretKey
from geophone_shared.kernels.domains import assign_domain_offsets
from geophone_shared.suffixes import compile_suffix_set, load_suffixes
from geophone_shared.transactions import Transactions

SECRET = SecretKey.derived_from(b"benchmark")
_FAR_US = 1 << 60
_SUFFIXES = load_suffixes()
_ALLOW_LIST = compile_suffix_set(wire_entries(SHIPPED_ENTRIES))


def whole(capture: Path) -> tuple[int, int]:
    """Read, decode, match, key, window; how many packets and alert events there were."""
    decoder = TransactionDecoder(SECRET)
    counting = _Counting()
    with CaptureStream([str(capture)]) as stream:
        for block in stream:
            for transactions in decoder.feed(block):
                find_domains(transactions)
                counting.count(transactions)
    return _ended(decoder, counting)


def whole_on_two_threads(capture: Path) -> tuple[int, int]:
    """As `whole`, with the window on a thread of its own."""
    decoder = TransactionDecoder(SECRET)
    counting = _Counting()
    with CaptureStream([str(capture)]) as stream, Background(counting.count) as background:
        for block in stream:
            for transactions in decoder.feed(block):
                find_domains(transactions)
                background.give(transactions)
    return _ended(decoder, counting)


def seconds_inside(capture: Path) -> dict[str, float]:
    """As `whole`; the CPU time of each stage, between the others, which empty its caches."""
    spent = {"read": 0.0, "decode + match": 0.0, "key": 0.0, "window": 0.0}
    decoder = TransactionDecoder(SECRET)
    counting = _Counting()
    last = time.thread_time()

    def ended(stage: str) -> None:
        nonlocal last
        now = time.thread_time()
        spent[stage] += now - last
        last = now

    with CaptureStream([str(capture)]) as stream:
        for block in stream:
            ended("read")
            for transactions in decoder.feed(block):
                ended("decode + match")
                find_domains(transactions)
                ended("key")
                counting.count(transactions)
                ended("window")
            ended("decode + match")
    return spent


class _Counting:
    """The window.

    Attributes:
        events: how many alert events there were.
    """

    def __init__(self) -> None:
        self.events = 0
        self._detector = Detector(SHIPPED_RULES, _ALLOW_LIST, SECRET)

    def count(self, transactions: Transactions) -> None:
        """Count and judge rows that have their domains."""
        self.events += len(self._detector.observe(transactions, _FAR_US))


def _ended(decoder: TransactionDecoder, counting: _Counting) -> tuple[int, int]:
    for transactions in decoder.close():
        find_domains(transactions)
        counting.count(transactions)
    return decoder.packets, counting.events


def read(capture: Path) -> int:
    """Read the file and find its packets; how many."""
    with CaptureStream([str(capture)]) as stream:
        return sum(len(block.packets) for block in stream)


def blocks_of(capture: Path) -> list[PacketBlock]:
    """What `read` finds, kept."""
    with CaptureStream([str(capture)]) as stream:
        return [PacketBlock(block.buffer.copy(), block.packets.copy()) for block in stream]


def decode(blocks: Iterable[PacketBlock]) -> int:
    """Decode and match; how many rows."""
    decoder = TransactionDecoder(SECRET)
    rows = sum(len(transactions.rows) for block in blocks for transactions in decoder.feed(block))
    return rows + sum(len(transactions.rows) for transactions in decoder.close())


def rows_of(blocks: Iterable[PacketBlock]) -> list[Transactions]:
    """What `decode` makes, kept, with registered domains."""
    decoder = TransactionDecoder(SECRET)
    kept = [_kept(transactions) for block in blocks for transactions in decoder.feed(block)]
    return kept + [_kept(transactions) for transactions in decoder.close()]


def key(kept: Iterable[Transactions]) -> None:
    """Find every row's registered domain."""
    for transactions in kept:
        find_domains(transactions)


def window(kept: Iterable[Transactions]) -> int:
    """Count and judge, with evidence and alerts; how many alert events there were."""
    detector = Detector(SHIPPED_RULES, _ALLOW_LIST, SECRET)
    return sum(len(detector.observe(transactions, _FAR_US)) for transactions in kept)


def find_domains(transactions: Transactions) -> None:
    """Set the rows' `domain_offset`."""
    assign_domain_offsets(transactions.rows, transactions.names, _SUFFIXES.slots, _SUFFIXES.labels)


def _kept(transactions: Transactions) -> Transactions:
    rows = transactions.rows
    # Names begin at words and are read by words, so the last one's whole word is kept.
    end = int(rows["name_offset"][-1]) + int(rows["name_length"][-1])
    kept = Transactions(rows.copy(), transactions.names[: -(-end // 8) * 8].copy())
    find_domains(kept)
    return kept
