import gzip
import os
import resource
import threading
from collections.abc import Iterator
from heapq import merge as merge_sorted
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geophone_capture.sources import CaptureStream
from geophone_shared.errors import ConfigError
from tests.support import capture_oracle, capture_writer
from tests.support.capture_oracle import Seen
from tests.support.capture_streams import read_all, seen_in

pytestmark = pytest.mark.kernels

MINUTE = 60_000_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("merging")


def write(folder: Path, files: list[list[tuple[int, bytes]]]) -> list[Path]:
    """Files, some of each format."""
    paths = []
    for place, packets in enumerate(files):
        path = folder / f"{place}"
        if place % 3 == 1:
            path.write_bytes(capture_writer.pcapng(packets))
        elif place % 3 == 2:
            path.write_bytes(gzip.compress(capture_writer.pcap(packets, order=">")))
        else:
            path.write_bytes(capture_writer.pcap(packets))
        paths.append(path)
    return paths


def merged_by_model(files: list[list[tuple[int, bytes]]]) -> list[Seen]:
    """Of all files, always the packet with the least clock that is first in its file."""
    queues = [capture_oracle.read(capture_writer.pcap(packets))[0] for packets in files]
    merged = []
    while any(queues):
        least = min((queue for queue in queues if queue), key=lambda queue: queue[0].clock_us)
        merged.append(least.pop(0))
    return merged


@given(
    st.lists(
        st.lists(
            st.tuples(
                st.integers(0, 20) | st.integers(0, 10 * MINUTE), st.binary(min_size=1, max_size=3)
            ),
            max_size=7,
        ),
        min_size=2,
        max_size=7,
    ),
    st.sampled_from([1, 40, 1 << 20]),
)
def test_agrees_with_a_plain_merge(
    folder: Path, files: list[list[tuple[int, bytes]]], slice_bytes: int
) -> None:
    seen, damages = read_all(*write(folder, files), slice_bytes=slice_bytes)
    assert seen == merged_by_model(files)
    assert not damages


def test_ties_go_in_the_order_given(tmp_path: Path) -> None:
    files = [[(1, b"%d" % place), (2, b"%d" % place)] for place in range(5)]
    paths = write(tmp_path, files)
    seen, _ = read_all(*paths)
    assert [packet.data for packet in seen] == [b"0", b"1", b"2", b"3", b"4"] * 2
    seen, _ = read_all(*reversed(paths))
    assert [packet.data for packet in seen] == [b"4", b"3", b"2", b"1", b"0"] * 2


def test_a_wrong_time_does_not_hold_its_file_back(tmp_path: Path) -> None:
    files = [
        [(1, b"a"), (10**15, b"wrong"), (3, b"b"), (5, b"c")],
        [(2, b"d"), (4, b"e"), (6, b"f")],
    ]
    seen, _ = read_all(*write(tmp_path, files))
    assert [packet.data for packet in seen] == [b"a", b"d", b"wrong", b"b", b"e", b"c", b"f"]


def test_many_packets_are_merged_in_several_blocks(tmp_path: Path) -> None:
    files = [[(3 * n + place, b"%d" % place) for n in range(2_000)] for place in range(3)]
    paths = write(tmp_path, files)
    with CaptureStream([str(path) for path in paths], slice_bytes=20_000) as stream:
        seen, blocks = [], 0
        for block in stream:
            seen += seen_in([block])
            blocks += 1
    assert [packet.time_us for packet in seen] == list(range(6_000))
    assert blocks > 3


@pytest.fixture
def few_open_files() -> Iterator[None]:
    """Room for ten more open files than there are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = {int(path.name) for path in Path("/proc/self/fd").iterdir()}
    free = [number for number in range(len(used) + 10) if number not in used]
    resource.setrlimit(resource.RLIMIT_NOFILE, (free[9] + 1, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("few_open_files")
def test_three_hundred_rotated_files_are_not_open_at_once(tmp_path: Path) -> None:
    # Each overlaps with the one after it.
    files = [[(place * 10 + n, b"%d" % place) for n in range(15)] for place in range(300)]
    paths = write(tmp_path, files)
    seen, _ = read_all(*paths)
    times = [[time_us for time_us, _ in packets] for packets in files]
    assert [packet.time_us for packet in seen] == list(merge_sorted(*times))


@pytest.mark.usefixtures("few_open_files")
def test_files_that_are_read_to_their_end_are_not_open(tmp_path: Path) -> None:
    seen, _ = read_all(*write(tmp_path, [[(1, b"x"), (2, b"y")] for _ in range(20)]))
    assert [packet.time_us for packet in seen] == [1] * 20 + [2] * 20


@pytest.mark.usefixtures("few_open_files")
def test_too_many_files_at_the_same_time_say_what_to_do(tmp_path: Path) -> None:
    paths = write(tmp_path, [[(n, b"x") for n in range(9)] for _ in range(20)])
    with pytest.raises(ConfigError, match=r"overlap in time .*`ulimit -n`"):
        read_all(*paths, slice_bytes=20)


def test_pipes_are_merged_too(tmp_path: Path) -> None:
    files = [[(2 * n + place, b"%d" % place) for n in range(50)] for place in range(2)]
    paths = write(tmp_path, files)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(paths[1].read_bytes(),))
    writer.start()
    with paths[0].open("rb") as standard_input:
        seen, _ = read_all("-", pipe, standard_input=standard_input, slice_bytes=100)
    writer.join()
    assert [packet.time_us for packet in seen] == list(range(100))


def test_an_empty_capture_adds_nothing(tmp_path: Path) -> None:
    paths = write(tmp_path, [[], [(2, b"x")], [], [(1, b"y")]])
    with CaptureStream([str(path) for path in paths]) as stream:
        seen = seen_in(stream)
    assert [packet.data for packet in seen] == [b"y", b"x"]
    assert stream.bytes_read == 24 + (28 + 20 + 36) + 24 + (24 + 17)


def test_damages_of_all_files_are_told(tmp_path: Path) -> None:
    paths = write(tmp_path, [[(1, b"a"), (3, b"b")], [(2, b"c"), (4, b"d")]])
    for path in paths:
        path.write_bytes(path.read_bytes()[:-1])
    seen, damages = read_all(*paths)
    assert [packet.data for packet in seen] == [b"a", b"c"]
    assert sorted(damage.file for damage in damages) == [str(path) for path in paths]


def test_a_bad_file_is_told_before_any_work(tmp_path: Path) -> None:
    paths = write(tmp_path, [[(1, b"a")], [(2, b"b")], [(3, b"c")]])
    paths[2].write_bytes(b"GIF89a")
    with (
        pytest.raises(ConfigError, match="2 is not a capture file"),
        CaptureStream([str(path) for path in paths]),
    ):
        pytest.fail("the stream must not start")
