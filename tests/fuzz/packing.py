"""What is inside of a gzip or zstd file: for mutations, which are to change that."""

import gzip
import zlib
from collections.abc import Callable

import zstandard

GZIP_MAGIC, ZSTD_MAGIC = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"

_MOST_BYTES = 1 << 20
_GZIP_FORMAT = zlib.MAX_WBITS | 16


def change_inside(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Unpack the first member or frame, change that, and pack it; what isn't packed is changed."""
    try:
        if data.startswith(GZIP_MAGIC):
            unpacked = zlib.decompressobj(_GZIP_FORMAT).decompress(data, _MOST_BYTES)
            return gzip.compress(change(unpacked), mtime=0)
        if data.startswith(ZSTD_MAGIC):
            # Not at once: memory for the size that a frame declares would be asked for.
            decompressor = zstandard.ZstdDecompressor(max_window_size=_MOST_BYTES)
            unpacked = decompressor.stream_reader(data).read(_MOST_BYTES)
            return zstandard.ZstdCompressor(write_checksum=True).compress(change(unpacked))
    except (zlib.error, zstandard.ZstdError):
        pass
    return change(data)
