import gzip
import io
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from geophone_capture.capture_file import Damage, open_capture
from geophone_capture.regions import Regions
from geophone_shared.errors import ConfigError
from tests.support import capture_oracle, capture_writer
from tests.support.capture_streams import read_all
from tests.support.capture_writer import (
    block,
    enhanced,
    interface,
    pcap_header,
    pcap_record,
    section,
    simple,
)

pytestmark = pytest.mark.kernels

PCAP = capture_writer.pcap([(1_000_000 * n, b"packet %d" % n) for n in range(3)])
PCAPNG = (
    section()
    + interface(tsresol=9)
    + block(5, b"statistics")
    + enhanced(1, b"one")
    + simple(b"two")
    + interface()
    + section(order=">")
    + interface(order=">")
    + enhanced(3, b"three", order=">")
)


def seen_and_damages(
    data: bytes, slice_bytes: int = 1 << 20
) -> tuple[list[capture_oracle.Seen], list[Damage]]:
    seen, damages = read_all("-", standard_input=io.BytesIO(data), slice_bytes=slice_bytes)
    return seen, list(damages)


@pytest.mark.parametrize("slice_bytes", [13, 1 << 20])
@pytest.mark.parametrize(
    ("file", "header_bytes"), [(PCAP, 24), (PCAPNG, 28)], ids=["pcap", "pcapng"]
)
def test_a_file_cut_anywhere_gives_the_packets_before(
    file: bytes, header_bytes: int, slice_bytes: int
) -> None:
    for size in range(1, len(file)):
        expected: list[capture_oracle.Seen] = []
        is_damaged = True
        if size >= header_bytes:
            expected, is_damaged = capture_oracle.read(file[:size])
        if is_damaged and not expected:
            what = "not a capture file" if size < 4 else "damaged before its first packet"
            with pytest.raises(ConfigError, match=what):
                seen_and_damages(file[:size], slice_bytes)
            continue
        seen, damages = seen_and_damages(file[:size], slice_bytes)
        assert seen == expected
        assert [damage.what for damage in damages] == ["it is cut inside a record"] * is_damaged


@pytest.mark.parametrize("file", [pcap_header(), section(), section() + interface()])
def test_a_header_and_nothing_more_is_an_empty_capture(file: bytes) -> None:
    assert seen_and_damages(file) == ([], [])


def test_an_empty_file_is_none() -> None:
    with pytest.raises(ConfigError, match="standard input is empty; give a capture file"):
        seen_and_damages(b"")
    with pytest.raises(ConfigError, match="is empty"):
        seen_and_damages(gzip.compress(b""))


@pytest.mark.parametrize("start", ["a1 b2 cd 34", "34 cd b2 a1", "fd 37 7a 58", "67 6e"])
def test_says_how_another_file_starts_and_what_can_be_read(start: str) -> None:
    with pytest.raises(
        ConfigError,
        match=f"standard input is not a capture file: it starts with {start}; "
        "Geophone reads pcap and pcapng, plain, gzip or zstd",
    ):
        seen_and_damages(bytes.fromhex(start) + (bytes(100) if len(start) > 5 else b""))


def test_damage_says_where_in_a_sentence() -> None:
    absurd = bytearray(pcap_record(1, b""))
    absurd[8:12] = b"\xff\xff\xff\x7f"
    _, damages = seen_and_damages(PCAP + bytes(absurd) + bytes(1_000))
    assert damages == [
        Damage("standard input", len(PCAP), "a packet claims more than 262,144 bytes")
    ]
    assert str(damages[0]) == (
        "standard input is damaged at byte 96: a packet claims more than 262,144 bytes; "
        "the packets before count, the rest of the file does not"
    )


def test_damage_before_the_first_packet_is_an_error() -> None:
    with pytest.raises(
        ConfigError,
        match="standard input is damaged before its first packet: the lengths at the start and "
        "at the end of a block differ; give an intact copy of the capture",
    ):
        seen_and_damages(section() + interface() + enhanced(1, b"x")[:-4] + bytes(4))


def test_a_cut_compressed_file_gives_the_packets_before() -> None:
    file = capture_writer.pcap([(n, n.to_bytes(4) * 5) for n in range(20_000)])
    packed = gzip.compress(file)
    seen, damages = seen_and_damages(packed[: len(packed) // 2])
    expected, _ = capture_oracle.read(file)
    assert 1_000 < len(seen) < 20_000
    assert seen[:-1] == expected[: len(seen) - 1]
    assert damages[0].what == "its compressed data is cut"
    assert 0 <= damages[0].offset_bytes - (24 + 36 * len(seen)) < 36


def test_compressed_data_that_is_cut_in_the_header() -> None:
    with pytest.raises(ConfigError, match="first packet: its compressed data is cut"):
        seen_and_damages(gzip.compress(PCAP)[:12])


@pytest.mark.parametrize("slice_bytes", [1_000, 1 << 20])
def test_records_and_blocks_larger_than_a_slice(slice_bytes: int) -> None:
    file = section() + interface() + enhanced(1, b"a" * 262_144, options=bytes(200_000))
    file += block(0xBAD, bytes(3_000_000)) + enhanced(2, b"b" * 262_144) + enhanced(3, b"c" * 9)
    seen, damages = seen_and_damages(file, slice_bytes)
    assert [packet.data for packet in seen] == [b"a" * 262_144, b"b" * 262_144, b"c" * 9]
    assert not damages


def test_an_outlier_takes_the_time_of_the_packet_after_it() -> None:
    minute = 60_000_000
    times = [5, 6 + minute, 6, 7 + minute, 900 * minute, 800 * minute, 0, 500 * minute]
    file = capture_writer.pcap([(time_us, b"") for time_us in times])
    for slice_bytes in (1, 16, 50, 1 << 20):
        seen, _ = seen_and_damages(file, slice_bytes)
        assert [packet.time_us for packet in seen] == times
        # Ahead by exactly 60 s is no outlier; the last packet has none after it.
        clocks = [5, 6 + minute, 6, 7 + minute, 800 * minute, 0, 0, 500 * minute]
        assert [packet.clock_us for packet in seen] == clocks


class Pieces(io.RawIOBase):
    """A pipe that brings a piece at a time."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    def readable(self) -> bool:
        return True

    def readinto(self, view: Any) -> int:
        piece = self.pieces.pop(0) if self.pieces else b""
        view[: len(piece)] = piece
        return len(piece)


def silent_pipe(pieces: list[bytes]) -> BinaryIO:
    return io.BufferedReader(Pieces(pieces))


def test_in_silence_the_packet_that_is_held_is_given_unless_it_may_be_an_outlier() -> None:
    minute = 60_000_000
    times = [5, 6, 6 + minute, 7 + 3 * minute, 8, 9]
    pieces = [pcap_header(), *(pcap_record(time_us, b"") for time_us in times)]
    read: list[list[tuple[int, int]]] = []
    capture = open_capture("-", Regions(1, 1_000).take(), silent_pipe(pieces), lambda: True)
    while (packets := capture.read_packets()).size or not capture.is_at_end:
        rows = zip(packets["time_us"].tolist(), packets["clock_us"].tolist(), strict=True)
        read.append(list(rows))
    expected = [
        *([], [], [(5, 5)], [(6, 6)], []),  # before the first one there is nothing to tell it by
        *([(6 + minute,) * 2], [], []),  # 7 + 3 * minute waits for the one after it
        *([(7 + 3 * minute, 8)], [(8, 8)], [], [(9, 9)], []),
    ]
    assert read == expected
    assert not capture.tally().damages


def test_what_is_damaged_after_a_silence_has_packets_before() -> None:
    pieces = [PCAP, b"cut"]
    capture = open_capture("-", Regions(1, 1_000).take(), silent_pipe(pieces), lambda: True)
    counts = []
    while (packets := capture.read_packets()).size or not capture.is_at_end:
        counts.append(packets.size)
    assert sum(counts) == 3
    assert [damage.offset_bytes for damage in capture.tally().damages] == [len(PCAP)]


def test_more_packets_than_rows_come_in_turns() -> None:
    file = capture_writer.pcap([(n, b"") for n in range(5_000)])
    regions = Regions(1, 64_000)  # room for all the bytes, and a row for every 64 of them
    with io.BytesIO(file) as stream:
        capture = open_capture("-", regions.take(), stream)
        counts, times = [], []
        while (packets := capture.read_packets()).size:
            counts.append(packets.size)
            times += packets["time_us"].tolist()
    assert times == list(range(5_000))
    assert max(counts) == 999
    assert capture.tally().bytes_read == len(file)


def test_a_file_that_is_refused_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(b"not a capture")
    open_files = sorted(Path("/proc/self/fd").iterdir())
    with pytest.raises(ConfigError, match=r"x.pcap is not a capture file") as info:
        open_capture(str(path), Regions(1, 100).take())
    assert info.value.__traceback__  # it still refers to the frame that holds the file
    assert sorted(Path("/proc/self/fd").iterdir()) == open_files
