import gzip
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from geophone_capture.sources import CaptureStream
from geophone_shared.errors import ConfigError
from tests.support import capture_oracle, capture_writer
from tests.support.capture_streams import read_all, seen_in
from tests.support.capture_writer import block, enhanced, interface, pcap_record, section

pytestmark = pytest.mark.kernels

PACKETS = [(n, b"packet %d" % n) for n in range(10)]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "no capture file was named"),
        (["-", "-"], r"standard input \(-\) can be read only once"),
        (["/nonexistent/x.pcap"], "/nonexistent/x.pcap can't be read: No such file"),
        (["/"], "/ can't be read: Is a directory"),
        (["/dev/null", "x" * 300], "/dev/null is empty"),
        (["x" * 300, "/dev/null"], "xxx can't be read: File name too long"),
        (["/dev/null"], "/dev/null is empty"),
    ],
)
def test_names_that_cannot_be_read(names: list[str], message: str) -> None:
    with (
        pytest.raises(ConfigError, match=message),
        CaptureStream(names, standard_input=io.BytesIO(capture_writer.pcap(PACKETS))),
    ):
        pytest.fail("the stream must not start")


def test_counts_bytes_and_progress(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(capture_writer.pcap([(n, bytes(100_000)) for n in range(10)]))
    size = path.stat().st_size
    with CaptureStream([str(path)], slice_bytes=50_000) as stream:
        assert stream.size_bytes == size
        positions = [stream.position_bytes for _ in stream]
        assert positions == sorted(positions)
        assert positions[0] < size / 2
    assert stream.position_bytes == stream.bytes_read == size
    with CaptureStream([str(path), str(path)]) as stream:
        assert stream.size_bytes == 2 * size
        assert len(seen_in(stream)) == 20
    assert stream.position_bytes == stream.bytes_read == 2 * size


def test_standard_input_has_no_size(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(capture_writer.pcap(PACKETS))
    standard_input = io.BytesIO(capture_writer.pcapng(PACKETS))
    with CaptureStream([str(path), "-", str(path)], standard_input=standard_input) as stream:
        assert stream.size_bytes is None
        assert len(seen_in(stream)) == 3 * len(PACKETS)


def test_counts_what_was_skipped_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    path.write_bytes(
        section() + interface() + block(5, b"") * 3 + enhanced(2**63, b"x") + enhanced(5, b"y") * 2
    )
    with CaptureStream([str(path), str(path)]) as stream:
        seen = seen_in(stream)
    assert [packet.time_us for packet in seen] == [0, 0, 5, 5, 5, 5]
    assert (stream.skipped_blocks, stream.invalid_times) == (6, 2)


def test_a_pipe_is_read_as_it_is_written() -> None:
    file = capture_writer.pcap([])
    records = [pcap_record(time_us, data) for time_us, data in PACKETS]
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb", buffering=0) as sink:
        sink.write(file + records[0])
        with CaptureStream(["-"], standard_input=source) as stream:
            blocks = iter(stream)
            for number in range(1, len(PACKETS)):
                # A packet comes when the one after it is known, and without more than that: a read
                # that waited for a whole slice would never return.
                sink.write(records[number])
                assert [packet.time_us for packet in seen_in([next(blocks)])] == [number - 1]
            sink.close()
            assert [packet.time_us for packet in seen_in(blocks)] == [len(PACKETS) - 1]


@pytest.mark.parametrize("slice_bytes", [10, 200, 1 << 20])
def test_the_start_is_told_and_stays_to_be_read(tmp_path: Path, slice_bytes: int) -> None:
    first, second = capture_writer.pcap(PACKETS), capture_writer.pcapng(PACKETS)
    (tmp_path / "first").write_bytes(gzip.compress(first))
    (tmp_path / "second").write_bytes(second)
    names = [str(tmp_path / "first"), "-", str(tmp_path / "second")]
    whole = first + second + second
    for size in (0, 1, len(first), len(first) + 1, len(whole) - 1, len(whole) + 1):
        with CaptureStream(
            names, slice_bytes=slice_bytes, standard_input=io.BytesIO(second)
        ) as stream:
            assert stream.start(size) == whole[:size]
            assert stream.start(size) == whole[:size]
            assert len(seen_in(stream)) == 3 * len(PACKETS)
            assert stream.bytes_read == len(whole)


def test_the_start_of_a_damaged_file_is_what_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap.gz"
    whole = capture_writer.pcap([(n, os.urandom(1_000)) for n in range(100)])
    path.write_bytes(gzip.compress(whole)[:-2_000])
    with CaptureStream([str(path)]) as stream:
        start = stream.start(len(whole))
        assert 90_000 < len(start) < len(whole)
        assert whole.startswith(start)
        assert len(seen_in(stream)) == (len(start) - 24) // 1_016
        assert len(stream.damages) == 1


def test_an_input_can_be_ended_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(capture_writer.pcap(PACKETS))
    whole = capture_writer.pcap(PACKETS)
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb", buffering=0) as sink:
        sink.write(whole[:-1])
        with CaptureStream([str(path), "-"], standard_input=source) as stream:
            stream.end_here()
            assert stream.start(1 << 20) == whole + whole[:-1]
            # Of the pipe only: the file's turn hasn't come. The last packet isn't there yet.
            assert [packet.data for packet in seen_in(stream)] == [data for _, data in PACKETS[:-1]]
            assert not stream.damages


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    record = pcap_record(1, bytes(200_000))
    path.write_bytes(capture_writer.pcap([]) + record * 50)
    with CaptureStream([str(path)], slice_bytes=100_000) as stream:
        buffers = {(block.buffer.ctypes.data, block.buffer.size) for block in stream}
    ((_, size),) = buffers
    assert size < 1_200_000
    assert stream.bytes_read == 24 + 50 * len(record)


@pytest.mark.parametrize(
    "name",
    [
        "dns-tunnel-iodine.pcap",
        "dnscat2-txt_00001_20230903183304.pcap",
        "iodine-cname.pcap",
        "normal_00000_20230805150331.pcap",
        "normal_00007_20230805194417.pcap",
        "normal_00023_20230805221350.pcap",
        "normal_00041_20230806114902.pcap",
    ],
)
def test_real_captures_agree_with_a_plain_reader(
    name: str, captures: Callable[[str], Path]
) -> None:
    path = captures(name)
    expected, is_damaged = capture_oracle.read(path.read_bytes())
    seen, damages = read_all(path, slice_bytes=300_000)
    assert seen == expected
    assert not is_damaged
    assert not damages


def test_the_published_capture_has_438_packets(captures: Callable[[str], Path]) -> None:
    with CaptureStream([str(captures("dns-tunnel-iodine.pcap"))]) as stream:
        assert len(seen_in(stream)) == 438
    assert stream.bytes_read == 77_524


def test_four_real_captures_are_merged(captures: Callable[[str], Path]) -> None:
    names = ["00000_20230805150331", "00007_20230805194417"]
    names += ["00023_20230805221350", "00041_20230806114902"]
    paths = [captures(f"normal_{name}.pcap") for name in names]
    with CaptureStream([str(path) for path in paths]) as stream:
        count, last_us = 0, 0
        for block in stream:
            count += block.packets.size
            last_us = max(last_us, int(block.packets["clock_us"].max()))
    assert count == 120_000
    assert stream.bytes_read == sum(path.stat().st_size for path in paths)
