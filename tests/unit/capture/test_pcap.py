import numpy as np
import pytest

from geophone_capture.kernels import records
from geophone_capture.packets import PACKET
from geophone_capture.pcap import HEADER_BYTES, PcapWalk, is_pcap
from geophone_shared.errors import ConfigError
from tests.support import capture_writer
from tests.support.capture_writer import pcap_header, pcap_record

pytestmark = pytest.mark.kernels


def walk(file: bytes, rows: int = 8) -> tuple[np.ndarray, int, int]:
    """The rows, where the walk stopped in the file, and why."""
    packets = np.zeros(rows, PACKET)
    buffer = np.frombuffer(bytearray(file), np.uint8)
    position, count, stop = PcapWalk(file[:HEADER_BYTES], "x.pcap").walk(
        buffer, HEADER_BYTES, buffer.size, packets, 0
    )
    return packets[:count], position, stop


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_reads_either_byte_order_and_unit(order: str, nanoseconds: bool) -> None:
    file = capture_writer.pcap(
        [(1_282_356_664_123_456, b"one"), (7, b"")], order=order, nanoseconds=nanoseconds
    )
    assert is_pcap(file)
    packets, position, stop = walk(file)
    assert packets["time_us"].tolist() == [1_282_356_664_123_456, 7]
    assert packets["captured"].tolist() == packets["original"].tolist() == [3, 0]
    assert packets["offset"].tolist() == [40, 59]
    assert packets["link"].tolist() == [1, 1]
    assert (position, stop) == (len(file), records.AT_BORDER)


def test_link_type_is_the_low_half_of_its_field() -> None:
    packets, _, _ = walk(capture_writer.pcap([(1, b"x")], network=0x14000000 | 113))
    assert packets["link"].tolist() == [113]


def test_refuses_a_link_type_it_does_not_read() -> None:
    with pytest.raises(ConfigError, match=r"x.pcap was captured with link type .*802.11 \(127\)"):
        walk(capture_writer.pcap([], network=127))


def test_original_length_may_be_anything() -> None:
    header = pcap_header()
    file = header + b"".join(pcap_record(1, b"abc", original=n) for n in (0, 2**31, 2**32 - 1))
    packets, _, _ = walk(file)
    assert packets["original"].tolist() == [0, 2**31 - 1, 2**31 - 1]


def test_stops_where_no_row_is_free() -> None:
    file = capture_writer.pcap([(n, b"x") for n in range(5)])
    packets, position, stop = walk(file, rows=3)
    assert (packets.size, position, stop) == (3, 24 + 3 * 17, records.FULL)


@pytest.mark.parametrize("cut", [1, 15, 16, 18])
def test_stops_inside_a_record(cut: int) -> None:
    file = capture_writer.pcap([(1, b"one"), (2, b"two")])
    packets, position, stop = walk(file[: 24 + 19 + cut])
    assert (packets.size, position, stop) == (1, 24 + 19, records.INSIDE)


def test_longest_packet_is_read_and_a_longer_one_is_absurd() -> None:
    longest = bytes(records.LONGEST_PACKET_BYTES)
    packets, _, stop = walk(capture_writer.pcap([(1, longest)]))
    assert (packets.size, stop) == (1, records.AT_BORDER)
    packets, position, stop = walk(capture_writer.pcap([(1, b""), (2, longest + b"x")])[:-70_000])
    assert (packets.size, position, stop) == (1, 40, records.ABSURD_PACKET)


@pytest.mark.parametrize("start", [b"\xa1\xb2\xcd\x34", b"\x34\xcd\xb2\xa1", b"\xa1\xb2", b"GIF8"])
def test_is_something_else(start: bytes) -> None:
    assert not is_pcap(start)
