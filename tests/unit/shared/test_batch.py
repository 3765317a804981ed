"""The codec's behaviour on chosen batches; `tests/property/test_batch.py` has the random ones."""

import struct
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import zstandard
from pyarrow import ipc

from geophone_shared.batch import MOST_RAW_BYTES, decode_batch, encode_batch, raw_bytes
from geophone_shared.errors import InvalidRecordError
from geophone_shared.timestamps import LATEST_TIME_US
from geophone_shared.transactions import ROW, Transactions
from tests.support.batches import (
    batch_of,
    compress,
    good_columns,
    reason_of,
    reason_of_columns,
    stream_of,
)
from tests.support.rows import random_transactions, same_transactions, transactions_from, wire_name

pytestmark = pytest.mark.kernels

NO_ROWS = Transactions(np.empty(0, ROW), np.empty(0, np.uint8))


class TestRoundTrip:
    def test_rows_and_names_come_back(self) -> None:
        sent = random_transactions(300)
        received = decode_batch(encode_batch(sent)).transactions
        assert same_transactions(sent, received)

    def test_no_rows(self) -> None:
        assert len(decode_batch(encode_batch(NO_ROWS)).transactions.rows) == 0

    def test_the_root_and_the_longest_name(self) -> None:
        longest = wire_name(b"a" * 63, b"b" * 63, b"c" * 63, b"d" * 61)
        rows = decode_batch(encode_batch(random_transactions(2))).transactions.rows
        rows["domain_offset"] = 0
        sent = transactions_from(rows, [b"", longest])
        received = decode_batch(encode_batch(sent)).transactions
        assert [received.name(0), received.name(1)] == [b"", longest]

    def test_addresses_go_over_the_log_as_bytes(self) -> None:
        sent = random_transactions(1)
        sent.rows["client_high"] = 0x20010DB8_00000000
        sent.rows["client_low"] = 0x1122334455667788
        batch = ipc.open_stream(zstandard.decompress(encode_batch(sent))).read_next_batch()
        address = bytes.fromhex("20010db8000000001122334455667788")
        assert batch.column("client_address")[0].as_py() == address
        assert decode_batch(encode_batch(sent)).transactions.rows["client_low"][0] == (
            0x1122334455667788
        )

    def test_names_are_compact_writable_and_in_order(self) -> None:
        rows = random_transactions(3).rows
        rows["domain_offset"] = 0
        sent = transactions_from(rows, [b"\x01a", b"\x01b", b"\x01a"], gap=b"junk", backwards=True)
        received = decode_batch(encode_batch(sent)).transactions
        assert received.names.tobytes() == b"\x01a\x01b\x01a"
        assert received.names.flags.writeable
        assert received.rows.flags.writeable

    def test_responses(self) -> None:
        sent = random_transactions(3)
        batch = decode_batch(encode_batch(sent, [b"\x00\xff", None, b""]))
        assert [batch.response(i) for i in range(3)] == [b"\x00\xff", None, b""]

    def test_without_responses(self) -> None:
        batch = decode_batch(encode_batch(random_transactions(1)))
        assert batch.responses is None
        assert batch.response(0) is None


class TestEncoder:
    def test_the_frame_declares_its_size_and_has_a_checksum(self) -> None:
        data = encode_batch(random_transactions(10))
        frame = zstandard.get_frame_parameters(data)
        assert frame.content_size == raw_bytes(data) == len(zstandard.decompress(data))
        assert frame.has_checksum

    def test_a_typical_row_takes_few_bytes(self) -> None:
        assert len(encode_batch(random_transactions(4096))) < 30 * 4096

    def test_a_name_outside_of_the_names_is_a_bug(self) -> None:
        for offset in (-1, 10_000):
            sent = random_transactions(2)
            sent.rows[1]["name_offset"] = offset
            with pytest.raises(ValueError, match="outside of the names"):
                encode_batch(sent)

    def test_a_batch_that_no_reader_takes_is_a_bug(self) -> None:
        with pytest.raises(ValueError, match="close it earlier"):
            encode_batch(random_transactions(1), [bytes(MOST_RAW_BYTES)])

    def test_as_many_responses_as_rows(self) -> None:
        with pytest.raises(ValueError, match="every row"):
            encode_batch(random_transactions(2), [b""])


class TestFrame:
    def test_not_a_frame(self) -> None:
        for data in (b"", b"(", b"\x28\xb5\x2f\xfd", b"ARROW1\0\0", bytes(100)):
            assert reason_of(data) == "zstd_frame"

    def test_cut_at_every_byte(self) -> None:
        data = encode_batch(random_transactions(5))
        for end in range(len(data)):
            assert reason_of(data[:end]) == "zstd_frame"

    def test_every_flipped_byte_is_noticed(self) -> None:
        sent = random_transactions(5)
        data = encode_batch(sent)
        for position in range(len(data)):
            for bit in (0x01, 0x80):
                flipped = bytearray(data)
                flipped[position] ^= bit
                try:
                    received = decode_batch(bytes(flipped))
                except InvalidRecordError:
                    continue
                # What is left are bits that say nothing, as the unused one of the frame header.
                assert same_transactions(received.transactions, sent)

    def test_size_not_declared(self) -> None:
        compressor = zstandard.ZstdCompressor(write_content_size=False)
        stream = zstandard.decompress(encode_batch(random_transactions(2)))
        assert reason_of(compressor.compress(stream)) == "zstd_frame"

    def test_declares_more_than_a_reader_takes(self) -> None:
        bomb = compress(bytes(MOST_RAW_BYTES + 1))
        assert len(bomb) < 2_000
        assert reason_of(bomb) == "too_large"

    def test_declares_an_absurd_size(self) -> None:
        # Magic, single segment with an 8-byte size, then an empty last block.
        frame = b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", 2**62) + b"\x01\x00\x00"
        assert reason_of(frame) == "too_large"

    @pytest.mark.parametrize("declared", [255, 257])
    def test_holds_more_or_less_than_it_declares(self, declared: int) -> None:
        # One block that repeats a zero 256 times, in a frame that declares another size.
        block = struct.pack("<I", 256 << 3 | 1 << 1 | 1)[:3] + b"\0"
        frame = b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", declared) + block
        assert raw_bytes(frame) == declared
        assert reason_of(frame) == "zstd_frame"

    def test_skippable_frame(self) -> None:
        assert reason_of(b"\x50\x2a\x4d\x18" + struct.pack("<I", 4) + b"1234") == "zstd_frame"

    def test_two_frames(self) -> None:
        data = encode_batch(random_transactions(2))
        assert reason_of(data + data) == "zstd_frame"
        assert reason_of(data + b"\0") == "zstd_frame"

    def test_an_empty_frame(self) -> None:
        assert reason_of(compress(b"")) == "arrow"


class TestRows:
    @pytest.mark.parametrize(
        ("column", "values", "reason"),
        [
            ("time_us", [0, -1, 0], "row_time"),
            ("time_us", [0, LATEST_TIME_US + 1, 0], "row_time"),
            ("completed_us", [-1, 0, 0], "row_time"),
            ("completed_us", [0, 0, LATEST_TIME_US + 1], "row_time"),
            ("completed_us", [5, 6, 5], "row_order"),
            ("outcome", [0, 0, 3], "row_outcome"),
            ("outcome", [0, 0, 1], "row_duration"),
            ("duration_us", [0, -1, 0], "row_duration"),
            ("duration_us", [0, -2, 0], "row_duration"),
            ("duration_us", [0, -(2**31), 0], "row_duration"),
            ("transport", [17, 6, 1], "row_transport"),
            ("domain_offset", [0, 0, 1], "row_domain_offset"),
            ("domain_offset", [0, 7, 12], "row_domain_offset"),
            ("domain_offset", [0, 255, 0], "row_domain_offset"),
            ("name", [b"", b"", b"\0"], "row_name"),
            ("name", [b"", b"", b"\x03se"], "row_name"),
            ("name", [b"", b"", b"\x03sea\0"], "row_name"),
            ("name", [b"", b"", b"\x40" + b"a" * 64], "row_name"),
            ("name", [b"", b"", b"\xc0\x0c"], "row_name"),
            ("name", [b"", b"", b"\x3f" + b"a" * 62], "row_name"),
            ("name", [b"", b"", b"\x01a" * 127 + b"\0"], "row_name"),
            ("name", [b"", b"", b"\x01a" * 128], "row_name"),
            ("name", [b"", b"", b"\x01a" * 10_000], "row_name"),
        ],
    )
    def test_refused(self, column: str, values: list[Any], reason: str) -> None:
        columns = good_columns()
        columns[column] = pa.array(values, columns[column].type)
        assert reason_of_columns(columns) == reason

    def test_just_good_enough(self) -> None:
        columns = good_columns() | {
            "time_us": pa.array([LATEST_TIME_US, 0, 7]),
            "completed_us": pa.array([0, LATEST_TIME_US, LATEST_TIME_US]),
            "outcome": pa.array([0, 1, 2], pa.uint8()),
            "duration_us": pa.array([2**31 - 1, -1, -1], pa.int32()),
            "transport": pa.array([6, 17, 17], pa.uint8()),
            "name": pa.array([b"\x06pirate\x03sea", b"", b"\x01a" * 127]),
            "domain_offset": pa.array([11, 0, 254], pa.uint8()),
        }
        received = decode_batch(compress(stream_of(batch_of(columns)))).transactions
        assert list(received.rows["domain_offset"]) == [11, 0, 254]
        assert received.name(2) == b"\x01a" * 127

    def test_names_may_start_anywhere_in_their_buffer(self) -> None:
        names = pa.array([b"ju\x01a", b"\x01b", b""])
        stream = stream_of(batch_of(good_columns() | {"name": names}))
        moved = _with_offsets(stream, [0, 4, 6, 6], [2, 4, 6, 6])
        received = decode_batch(compress(moved)).transactions
        assert [received.name(i) for i in range(3)] == [b"\x01a", b"\x01b", b""]

    @pytest.mark.parametrize(
        "offsets", [[0, 5, 4, 8], [0, 4, 8, 2**31 - 1], [-1, 0, 0, 0], [0, 4, 8, 9], [8, 0, 0, 0]]
    )
    def test_offsets_that_point_elsewhere(self, offsets: list[int]) -> None:
        names = pa.array([b"1234", b"5678", b""])
        stream = stream_of(batch_of(good_columns() | {"name": names}))
        assert reason_of(compress(_with_offsets(stream, [0, 4, 8, 8], offsets))) == "arrow"


def _with_offsets(stream: bytes, old: list[int], new: list[int]) -> bytes:
    """The stream with other offsets in its only column that has them."""
    place = struct.pack("<4i", *old)
    assert stream.count(place) == 1
    return stream.replace(place, struct.pack("<4i", *new))
