"""Reads hostile captures through the whole of capture, and checks what always holds."""

from collections.abc import Sequence
from dataclasses import dataclass

from geophone_capture.decoder import TransactionDecoder
from geophone_capture.packets import PacketBlock
from geophone_capture.reasons import Reason
from geophone_capture.sources import CaptureStream
from geophone_shared.batch import decode_batch, encode_batch
from geophone_shared.transactions import Outcome
from tests.support.capture_oracle import Seen
from tests.support.capture_streams import seen_in
from tests.support.decoded_rows import Row, create_decoder, rows_of

MOST_BYTES = 1 << 20
"""Unpacked. What unpacks to more is left at that: a few bytes may stand for gigabytes."""

_SHORTEST_RECORD_BYTES = 16


@dataclass(frozen=True, slots=True)
class Reading:
    """What a capture held."""

    packets: Sequence[Seen]
    rows: Sequence[Row]
    is_damaged: bool


def read_through(stream: CaptureStream) -> Reading | None:
    """Every packet and row of an open stream; None where there are more than `MOST_BYTES`.

    Raises:
        ConfigError: as the stream does.
    """
    packets: list[Seen] = []
    rows: list[Row] = []
    decoder = create_decoder((53,), 3, 2)
    for block in stream:
        assert block.packets.size, "an endless loop, if the next one is empty too"
        packets += seen_in([block])
        rows += _rows(decoder, block)
        if stream.bytes_read > MOST_BYTES:
            return None
    rows += _rows(decoder, None)
    assert len(packets) * _SHORTEST_RECORD_BYTES <= stream.bytes_read
    assert stream.damages or stream.size_bytes in {None, stream.position_bytes}
    _check_counts(decoder, packets, rows)
    return Reading(packets, rows, bool(stream.damages))


def _rows(decoder: TransactionDecoder, block: PacketBlock | None) -> list[Row]:
    """Rows of a block, or those that the end of the input completes."""
    rows = []
    for transactions in decoder.close() if block is None else decoder.feed(block):
        found = rows_of(transactions)
        # Whatever was captured, the rows are some that a reader of the log takes.
        assert rows_of(decode_batch(encode_batch(transactions)).transactions) == found
        rows += found
    return rows


def _check_counts(decoder: TransactionDecoder, packets: list[Seen], rows: list[Row]) -> None:
    counts, streamed = decoder.counts(), decoder.counts_of_streams()
    assert sum(counts.values()) == decoder.packets == len(packets)
    queries, responses = (counts[kind] + streamed[kind] for kind in (Reason.QUERY, Reason.RESPONSE))
    assert queries == sum(row.outcome != Outcome.UNSOLICITED for row in rows)
    assert responses == sum(row.outcome != Outcome.UNANSWERED for row in rows)
    completed_us = [row.completed_us for row in rows]
    assert completed_us == sorted(completed_us)
    if packets:
        times_us = [packet.time_us for packet in packets]
        assert (decoder.first_us, decoder.last_us) == (min(times_us), max(times_us))
        assert decoder.clock_outliers == sum(one.clock_us < one.time_us for one in packets)
        # Not that a row completes after its query: that may have been a clock outlier.
        rows_us = [each_us for row in rows for each_us in (row.time_us, row.completed_us)]
        assert all(min(times_us) <= row_us <= max(times_us) for row_us in rows_us)
