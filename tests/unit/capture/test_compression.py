import gzip
import io
import os
import tracemalloc
import zlib

import pytest
import zstandard

from geophone_capture import compression
from geophone_capture.compression import MAX_WINDOW_BYTES, Decompressed
from geophone_capture.inputs import Input, StreamError

PLAIN = os.urandom(200_000) + bytes(400_000)


def open_bytes(data: bytes) -> Decompressed:
    return Decompressed(Input("x", io.BytesIO(data), len(data)))


def unpack(data: bytes, at_once: int = 50_000) -> tuple[bytes, str | None]:
    """All that comes out, and the error that ended it."""
    stream = open_bytes(data)
    view = memoryview(bytearray(at_once))
    out = bytearray()
    try:
        while count := stream.readinto(view):
            out += view[:count]
    except StreamError as error:
        return bytes(out), str(error)
    return bytes(out), None


def zstd(data: bytes, *, checksum: bool = True) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=checksum).compress(data)


def skippable(data: bytes) -> bytes:
    return b"\x5a\x2a\x4d\x18" + len(data).to_bytes(4, "little") + data


@pytest.mark.parametrize("at_once", [1_000, 1 << 20])
@pytest.mark.parametrize(
    "packed",
    [
        PLAIN,
        gzip.compress(PLAIN),
        gzip.compress(PLAIN[:1_000]) + gzip.compress(b"") + gzip.compress(PLAIN[1_000:]),
        gzip.compress(PLAIN) + bytes(1_000),
        zstd(PLAIN),
        zstd(PLAIN, checksum=False),
        zstd(PLAIN[:300_000]) + zstd(b"") + zstd(PLAIN[300_000:]),
        skippable(b"for pzstd") + zstd(PLAIN) + skippable(bytes(300_000)),
    ],
    ids=["plain", "gzip", "members", "padded", "zstd", "no checksum", "frames", "skippable"],
)
def test_unpacks_what_its_first_bytes_say(packed: bytes, at_once: int) -> None:
    assert unpack(packed, at_once) == (PLAIN, None)


def test_unpacks_a_stream_of_unknown_size() -> None:
    compressor = zstandard.ZstdCompressor(level=19).compressobj()
    packed = b"".join(compressor.compress(PLAIN[at : at + 999]) for at in range(0, 600_000, 999))
    assert unpack(packed + compressor.flush()) == (PLAIN, None)


@pytest.mark.parametrize("data", [b"", b"\x1f", b"\x28\xb5\x2f", b"pcap"])
def test_what_is_too_short_to_be_packed_is_plain(data: bytes) -> None:
    assert unpack(data) == (data, None)


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_a_cut_stream_gives_what_is_before_the_cut(pack: object) -> None:
    assert callable(pack)
    packed = pack(PLAIN)
    for size in (6, 1_000, 150_000, len(packed) - 5, len(packed) - 1):
        out, error = unpack(packed[:size])
        assert error == "its compressed data is cut"
        assert PLAIN.startswith(out)
        assert len(out) >= size - 131_072 - 100  # zstd: a block is whole or not there


def test_a_corrupt_gzip_gives_all_that_is_before_the_error() -> None:
    packed = bytearray(gzip.compress(PLAIN))
    packed[-6] ^= 1  # in the checksum, after all the data
    out, error = unpack(bytes(packed))
    assert out == PLAIN
    assert error is not None
    assert "gzip data is corrupt" in error


def test_a_corrupt_zstd_gives_all_that_is_before_the_error() -> None:
    packed = bytearray(zstd(PLAIN))
    packed[-1] ^= 1
    out, error = unpack(bytes(packed))
    assert out == PLAIN
    assert error is not None
    assert "zstd data is corrupt" in error


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_what_follows_a_member_must_be_one(pack: object) -> None:
    assert callable(pack)
    out, error = unpack(pack(PLAIN) + b"garbage")
    assert out == PLAIN
    assert error is not None


def test_a_reserved_zstd_block_is_corrupt() -> None:
    header = zstd(b"")[:6]
    assert "corrupt" in str(unpack(header + b"\x07\0\0" + bytes(100))[1])


def test_a_large_zstd_window_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=28)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    out, error = unpack(compressor.compress(PLAIN) + compressor.flush())
    assert out == b""
    assert error is not None
    assert f"more than the {MAX_WINDOW_BYTES >> 20} MiB" in error


def test_frames_with_large_windows_share_one_decompressor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # With one for each, 100 MB of empty frames held the reader for 8 minutes.
    made = []
    original = zstandard.ZstdDecompressor

    def create(*, max_window_size: int) -> zstandard.ZstdDecompressor:
        made.append(max_window_size)
        return original(max_window_size=max_window_size)

    monkeypatch.setattr(compression, "ZstdDecompressor", create)
    window = (MAX_WINDOW_BYTES.bit_length() - 1 - 10) << 3  # RFC 8878 §3.1.1.1.2
    empty = b"\x28\xb5\x2f\xfd" + bytes([0, window]) + b"\1\0\0"
    assert unpack(zstd(b"x") + 1_000 * empty) == (b"x", None)
    assert made == [MAX_WINDOW_BYTES]


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_a_bomb_takes_no_memory(packing: str) -> None:
    size = 64 << 20
    zeros = bytes(size)
    packed = zlib.compress(zeros, wbits=31) if packing == "gzip" else zstd(zeros)
    del zeros
    assert len(packed) < 100_000
    stream, view, unpacked = open_bytes(packed), memoryview(bytearray(1 << 20)), 0
    tracemalloc.start()
    try:
        while count := stream.readinto(view):
            unpacked += count
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert unpacked == size
    assert peak_bytes < 2 << 20


@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd"])
def test_a_pipe_gives_what_is_there(packing: str) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb", buffering=0) as sink:
        stream = Decompressed(Input("pipe", source, None))
        view = memoryview(bytearray(1_000))
        gzipped = zlib.compressobj(wbits=31)
        zstandarded = zstandard.ZstdCompressor().compressobj()
        for text in (b"first", b"second"):
            if packing == "plain":
                sink.write(text)
            elif packing == "gzip":
                sink.write(gzipped.compress(text) + gzipped.flush(zlib.Z_SYNC_FLUSH))
            else:
                flush = zstandard.COMPRESSOBJ_FLUSH_BLOCK
                sink.write(zstandarded.compress(text) + zstandarded.flush(flush))
            # The writer is still there: a read that waited for more would never return.
            count = stream.readinto(view)
            assert bytes(view[:count]) == text
