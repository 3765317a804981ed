"""Standard input can be called back from while it waits."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import pytest

from geophone_capture.interruptible import InterruptibleInput

_SILENCE_SECONDS = 0.05


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
    with closing(InterruptibleInput(stream, _SILENCE_SECONDS)) as source:
        assert source.fileno() == stream.fileno()
        sink.write(b"abc")
        assert read(source, 2) == b"ab"
        sink.write(b"d")
        assert read(source) == b"cd"
        sink.close()
        assert read(source) == b""


def test_who_waits_is_called_back_for_good(pipe: tuple[BinaryIO, BinaryIO]) -> None:
    stream, sink = pipe
    with (
        closing(InterruptibleInput(stream, _SILENCE_SECONDS)) as source,
        ThreadPoolExecutor(1) as thread,
    ):
        waiting = thread.submit(read, source)
        source.interrupt()
        assert waiting.result(30) == b""
        sink.write(b"abc")
        assert read(source) == b""


def test_a_file_can_be_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    with path.open("rb") as stream, closing(InterruptibleInput(stream, _SILENCE_SECONDS)) as source:
        assert read(source) == b"abc"
        assert read(source) == b""


def test_it_is_silent_once_nothing_came_for_a_while(pipe: tuple[BinaryIO, BinaryIO]) -> None:
    stream, sink = pipe
    with closing(InterruptibleInput(stream, _SILENCE_SECONDS)) as source:
        began_seconds = time.monotonic()
        assert source.is_silent()
        assert time.monotonic() - began_seconds >= _SILENCE_SECONDS
        assert source.is_silent()
        sink.write(b"abc")
        assert not source.is_silent()
        assert read(source) == b"abc"
        assert source.is_silent()
        source.interrupt()
        assert not source.is_silent()


def test_at_its_end_it_is_not_silent(pipe: tuple[BinaryIO, BinaryIO]) -> None:
    stream, sink = pipe
    with closing(InterruptibleInput(stream, _SILENCE_SECONDS)) as source:
        sink.close()
        assert not source.is_silent()
