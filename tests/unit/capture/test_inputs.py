import io
import os
import threading
from pathlib import Path

import pytest

from geophone_capture.inputs import Input, StreamError, can_be_reopened, open_input
from geophone_shared.errors import ConfigError


def read(source: Input, size: int = 100) -> bytes:
    view = memoryview(bytearray(size))
    return bytes(view[: source.readinto(view)])


def test_reads_a_file_and_tells_how_far(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"0123456789")
    source = open_input(str(path))
    assert (source.size_bytes, source.position_bytes) == (10, 0)
    assert read(source, 4) == b"0123"
    assert source.position_bytes == 4
    assert read(source) == b"456789"
    assert read(source) == b""
    source.close()
    with pytest.raises(ValueError, match="closed"):
        read(source)


def test_standard_input_has_no_size_and_stays_open() -> None:
    stream = io.BytesIO(b"data")
    source = open_input("-", stream)
    assert (source.name, source.size_bytes) == ("standard input", None)
    assert read(source) == b"data"
    source.close()
    assert not stream.closed


def test_standard_input_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"data")))
    assert read(open_input("-")) == b"data"


def test_a_pipe_has_no_size(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"data",))
    writer.start()
    source = open_input(str(path))
    assert source.size_bytes is None
    assert read(source) == b"data"
    writer.join()
    source.close()


def test_a_pipe_that_does_not_block_is_waited_for() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb", buffering=0) as sink:
        later = threading.Timer(0.05, sink.write, (b"data",))
        later.start()
        assert read(open_input("-", stream)) == b"data"
        later.join()


def test_says_why_a_file_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing can't be read: No such file or directory"):
        open_input(str(tmp_path / "missing"))
    with pytest.raises(ConfigError, match="Is a directory"):
        open_input(str(tmp_path))
    with pytest.raises(ConfigError, match="Not a directory"):
        open_input("/dev/null/x")


def test_only_a_regular_file_can_be_opened_again(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    assert can_be_reopened(str(tmp_path / "file"))
    for name in ("pipe", "missing", ".", "too long" * 99, "file/x"):
        assert not can_be_reopened(str(tmp_path / name))
    assert not can_be_reopened("-")


def test_a_process_may_have_no_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(ConfigError, match="there is no standard input"):
        open_input("-")


def test_an_error_of_the_system_ends_the_stream() -> None:
    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _: object) -> int:
            raise OSError(5, "Input/output error")

    with pytest.raises(StreamError, match=r"can't be read \(Input/output error\)"):
        read(Input("x", io.BufferedReader(Broken()), 1))
