"""Standard input can be called back from while it waits."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import pytest

from geophone_capture.interruptible import InterruptibleInput


@pytest.fixture
def pipe() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """What is read from, as standard input is opened, and what feeds it."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb", buffering=0) as sink:
        yield source, sink


def read(source: InterruptibleInput, size: int = 100) -> bytes:
    buffer = bytearray(size)
    return bytes(buffer[: source.readinto(memoryview(buffer))])


def test_it_reads_what_is_there_and_ends_where_the_stream_does(
    pipe: tuple[BinaryIO, BinaryIO],
) -> None:
    stream, sink = pipe
    with closing(InterruptibleInput(stream)) as source:
        assert source.fileno() == stream.fileno()
        sink.write(b"abc")
        assert read(source, 2) == b"ab"
        sink.write(b"d")
        assert read(source) == b"cd"
        sink.close()
        assert read(source) == b""


def test_who_waits_is_called_back_for_good(pipe: tuple[BinaryIO, BinaryIO]) -> None:
    stream, sink = pipe
    with closing(InterruptibleInput(stream)) as source, ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(read, source)
        source.interrupt()
        assert waiting.result(30) == b""
        sink.write(b"abc")
        assert read(source) == b""


def test_a_file_can_be_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    with path.open("rb") as stream, closing(InterruptibleInput(stream)) as source:
        assert read(source) == b"abc"
        assert read(source) == b""
