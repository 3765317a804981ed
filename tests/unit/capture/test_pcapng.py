import struct

import numpy as np
import pytest

from geophone_capture.kernels import records
from geophone_capture.packets import PACKET
from geophone_capture.pcapng import MAX_INTERFACES, PcapngWalk
from tests.support.capture_writer import (
    block,
    enhanced,
    interface,
    option,
    pcapng,
    section,
    simple,
)

pytestmark = pytest.mark.kernels

START = section() + interface()


class Walked:
    """A walk over one file."""

    def __init__(self, file: bytes, rows: int = 8, step: int = 1 << 20) -> None:
        self.walk = PcapngWalk()
        packets = np.zeros(rows, PACKET)
        self.buffer = np.frombuffer(bytearray(file), np.uint8)
        self.position = count = end = 0
        while True:
            self.position, count, self.stop = self.walk.walk(
                self.buffer, self.position, end, packets, count
            )
            if end == self.buffer.size or self.stop not in {records.AT_BORDER, records.INSIDE}:
                break
            end = min(end + step, self.buffer.size)
        self.packets = packets[:count]

    def column(self, name: str) -> list[int]:
        column: list[int] = self.packets[name].tolist()
        return column

    def data(self) -> list[bytes]:
        return [
            self.buffer[row["offset"] : row["offset"] + row["captured"]].tobytes()
            for row in self.packets
        ]


@pytest.mark.parametrize("order", ["<", ">"])
def test_reads_either_byte_order(order: str) -> None:
    walked = Walked(pcapng([(1_282_356_664_123_456, b"one"), (7, b"")], order=order))
    assert walked.column("time_us") == [1_282_356_664_123_456, 7]
    assert walked.data() == [b"one", b""]
    assert walked.column("link") == [1, 1]
    assert (walked.position, walked.stop) == (walked.buffer.size, records.AT_BORDER)


def test_a_section_has_its_own_byte_order_and_interfaces() -> None:
    file = section() + interface(link=113) + interface(link=276) + enhanced(1, b"a", number=1)
    file += section(order=">") + interface(order=">", link=101) + enhanced(2, b"b", order=">")
    file += enhanced(3, b"c", order=">", number=1)
    walked = Walked(file)
    assert walked.data() == [b"a", b"b", b"c"]
    assert walked.column("link") == [276, 101, -1]
    assert walked.column("time_us") == [1, 2, 2]  # the unit of an unknown interface isn't known
    assert walked.walk.invalid_times == 1


def test_a_link_type_that_is_not_read_is_unknown() -> None:
    walked = Walked(section() + interface(link=105) + enhanced(5, b"x"))
    assert (walked.column("link"), walked.column("time_us")) == ([-1], [5])


@pytest.mark.parametrize(
    ("tsresol", "units", "time_us"),
    [
        (None, 1_234_567, 1_234_567),
        (6, 1_234_567, 1_234_567),
        (0, 86_400, 86_400_000_000),
        (3, 1_234, 1_234_000),
        (9, 1_234_567_890_123_456_789, 1_234_567_890_123_456),
        (25, 18_446_744_073_709_551_615, 1),
        (26, 18_446_744_073_709_551_615, 0),
        (127, 18_446_744_073_709_551_615, 0),
        (0x80 | 0, 7, 7_000_000),
        (0x80 | 10, 1_536, 1_500_000),
        (0x80 | 20, 3 << 19, 1_500_000),
        (0x80 | 32, (7 << 32) + (1 << 31), 7_500_000),
        (0x80 | 63, 2**64 - 1, 1_999_999),
        (0x80 | 64, 2**63, 500_000),
        (0x80 | 127, 2**64 - 1, 0),
    ],
)
def test_time_resolution(tsresol: int | None, units: int, time_us: int) -> None:
    walked = Walked(section() + interface(tsresol=tsresol) + enhanced(units, b""))
    assert walked.column("time_us") == [time_us]
    assert walked.walk.invalid_times == 0


def test_time_offset_is_in_seconds() -> None:
    file = section() + interface(tsresol=3, tsoffset=1_700_000_000) + enhanced(1_500, b"")
    file += interface(tsoffset=-10) + enhanced(10_000_001, b"", number=1)
    assert Walked(file).column("time_us") == [1_700_000_001_500_000, 1]


@pytest.mark.parametrize(
    ("tsresol", "tsoffset", "units"),
    [
        (6, 0, 253_402_300_800_000_000),
        (0, 0, 2**64 - 1),
        (0x80, 0, 2**64 - 1),
        (6, -1, 999_999),
        (6, -(2**63), 5),
        (6, 2**63 - 1, 5),
    ],
)
def test_a_time_out_of_range_becomes_the_one_before(
    tsresol: int, tsoffset: int, units: int
) -> None:
    bad = interface(tsresol=tsresol, tsoffset=tsoffset) + enhanced(units, b"", number=1)
    walked = Walked(START + bad + enhanced(77, b"") + enhanced(units, b"", number=1))
    assert walked.column("time_us") == [0, 77, 77]
    assert walked.walk.invalid_times == 2


def test_last_second_of_the_last_year_is_in_range() -> None:
    walked = Walked(START + enhanced(253_402_300_799_999_999, b""))
    assert walked.column("time_us") == [253_402_300_799_999_999]


def test_a_simple_packet_has_the_time_of_the_one_before() -> None:
    walked = Walked(START + simple(b"first") + enhanced(9, b"x") + simple(b"second"))
    assert walked.column("time_us") == [0, 9, 9]
    assert walked.data() == [b"first", b"x", b"second"]
    assert walked.walk.invalid_times == 0


@pytest.mark.parametrize(
    ("snaplen", "original", "captured"), [(0, 5, 5), (0, 90, 8), (6, 90, 6), (6, 4, 4), (99, 90, 8)]
)
def test_a_simple_packet_is_as_long_as_it_can_be(
    snaplen: int, original: int, captured: int
) -> None:
    file = section() + interface(snaplen=snaplen) + simple(b"8 bytes.", original=original)
    walked = Walked(file)
    assert (walked.column("captured"), walked.column("original")) == ([captured], [original])


@pytest.mark.parametrize("step", [1, 5, 64, 1 << 20])
def test_other_blocks_are_skipped(step: int) -> None:
    other = block(5, b"statistics") + block(0x80000001, bytes(1_000)) + block(4, b"")
    walked = Walked(START + other + enhanced(1, b"x") + other, step=step)
    assert walked.data() == [b"x"]
    assert walked.walk.skipped_blocks == 6
    assert walked.stop == records.AT_BORDER


def test_options_are_skipped_where_they_do_not_matter() -> None:
    options = option(1, b"a comment") + option(9, b"\x03") + option(9, b"\x00") + option(0, b"")
    body = struct.pack("<HHI", 1, 0, 0) + options
    file = section(options=option(4, b"an application")) + block(1, body)
    file += enhanced(2_000, b"x", options=option(2, bytes(4)) + option(0, b""))
    walked = Walked(file)
    assert walked.column("time_us") == [2_000_000]
    assert walked.data() == [b"x"]


def test_stops_where_no_row_is_free() -> None:
    walked = Walked(pcapng([(n, b"x") for n in range(5)]), rows=3)
    assert (walked.packets.size, walked.stop) == (3, records.FULL)


def changed(packet: bytes, at: int, value: int) -> bytes:
    return packet[:at] + struct.pack("<I", value) + packet[at + 4 :]


@pytest.mark.parametrize(
    ("bad", "stop"),
    [
        (changed(enhanced(2, b"abcd"), 4, 35), records.BAD_BLOCK_LENGTH),
        (changed(enhanced(2, b"abcd"), 4, 28), records.BAD_BLOCK_LENGTH),
        (changed(simple(b"abcd"), 4, 12), records.BAD_BLOCK_LENGTH),
        (changed(block(5, b""), 4, 8), records.BAD_BLOCK_LENGTH),
        (changed(block(5, b""), 4, 0), records.BAD_BLOCK_LENGTH),
        (changed(enhanced(2, b"abcd"), 32, 40), records.BAD_TRAILING_LENGTH),
        (changed(simple(b"abcd"), 16, 40), records.BAD_TRAILING_LENGTH),
        (changed(block(5, b"abcd"), 12, 40), records.BAD_TRAILING_LENGTH),
        (changed(enhanced(2, b"abcd"), 20, 5), records.BAD_CAPTURED_LENGTH),
        (changed(enhanced(2, b"abcd"), 20, 262_145), records.ABSURD_PACKET),
        (changed(enhanced(2, b"abcd"), 4, 524_292), records.ABSURD_BLOCK),
        (simple(bytes(262_145)), records.ABSURD_PACKET),
        (changed(section(), 4, 24), records.BAD_BLOCK_LENGTH),
        (changed(section(), 4, 30), records.BAD_BLOCK_LENGTH),
        (changed(section(), 4, 524_292), records.ABSURD_BLOCK),
        (changed(section(), 8, 0x1A2B3C4E), records.BAD_SECTION),
        (section(major=2), records.BAD_SECTION),
        (changed(section(), 24, 32), records.BAD_TRAILING_LENGTH),
        (changed(interface(), 4, 16), records.BAD_BLOCK_LENGTH),
        (changed(interface(), 16, 24), records.BAD_TRAILING_LENGTH),
        (changed(interface(tsresol=9), 16, 9 | 99 << 16), records.BAD_INTERFACE),
        (block(1, bytes(8) + option(9, b"\6\6")), records.BAD_INTERFACE),
        (block(1, bytes(8) + option(14, b"\0\0\0\0")), records.BAD_INTERFACE),
    ],
)
def test_damage_ends_the_walk_at_the_block(bad: bytes, stop: int) -> None:
    file = START + enhanced(1, b"good")
    walked = Walked(file + bad + enhanced(3, b"not reached"))
    assert walked.data() == [b"good"]
    assert walked.stop == stop
    assert len(file) <= walked.position <= len(file) + len(bad) - 4


def test_a_block_may_be_cut_anywhere() -> None:
    file = START + enhanced(1, b"good")
    for bad in (enhanced(2, b"abc"), simple(b"abc"), block(5, b"abc"), section(), interface()):
        for size in range(1, len(bad)):
            walked = Walked(file + bad[:size])
            assert (walked.data(), walked.stop) == ([b"good"], records.INSIDE)


def test_interfaces_of_a_section_have_a_limit() -> None:
    walked = Walked(section() + interface() * MAX_INTERFACES)
    assert walked.stop == records.AT_BORDER
    walked = Walked(section() + interface() * (MAX_INTERFACES + 1))
    assert walked.stop == records.TOO_MANY_INTERFACES
