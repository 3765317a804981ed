"""gzip and zstd unpacked, told by their first bytes, not by the file's name.

Memory is bounded whatever the input claims: zlib is asked for a piece at a time, and zstd is fed
one block at a time, which holds at most 128 KiB (RFC 8878 §3.1.1.2.3). What was unpacked before
an error is delivered before the error. `zstandard`'s own stream reader is not used because it
takes a cut frame for a whole one.
"""

import zlib
from collections.abc import Iterator

import zstandard
from zstandard import ZstdDecompressor

from geophone_capture.inputs import Input, StreamError

MAX_WINDOW_BYTES = 128 << 20
"""Memory that a zstd frame may ask for: what `zstd` itself allows by default (`--long=27`)."""

_CHUNK_BYTES = 128 << 10
_PIECE_BYTES = 256 << 10
_MAGIC_BYTES = 4
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_FORMAT = zlib.MAX_WBITS | 16
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_CHECKSUM_FLAG = 0x04
_ZSTD_RLE_BLOCK = 1
_NOTHING = memoryview(b"")
_CUT = "its compressed data is cut"


class Decompressed:
    """The bytes of an input, unpacked if they are packed."""

    def __init__(self, source: Input) -> None:
        self._source = source
        self._pieces: Iterator[bytes] | None = None
        self._rest = _NOTHING
        self._has_started = False

    def readinto(self, view: memoryview) -> int:
        """Read what is there, at most `len(view)` bytes; 0 at the end.

        Raises:
            StreamError: what follows can't be read or unpacked.
        """
        if not self._has_started:
            self._start()
        if not self._rest:
            if self._pieces is None:
                return self._source.readinto(view)
            self._rest = memoryview(next(self._pieces, b""))
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        # An empty view would still hold the piece that it is of.
        self._rest = self._rest[count:] if count < len(self._rest) else _NOTHING
        return count

    def _start(self) -> None:
        self._has_started = True
        chunks = _Chunks(self._source)
        magic = chunks.peek(_MAGIC_BYTES)
        if magic.startswith(_GZIP_MAGIC):
            self._pieces = _gunzip(chunks)
        elif magic == _ZSTD_MAGIC or _is_skippable(magic):
            self._pieces = _unzstd(chunks)
        else:
            self._rest = memoryview(chunks.next())


class _Chunks:
    """An input in chunks, of which some bytes can be looked at or taken first."""

    def __init__(self, source: Input) -> None:
        self._source = source
        self._buffer = memoryview(bytearray(_CHUNK_BYTES))
        self._pending = _NOTHING

    def next(self) -> bytes:
        """What is there; empty at the end."""
        chunk = bytes(self._pending) or self._read()
        self._pending = _NOTHING
        return chunk

    def peek(self, size: int) -> bytes:
        """The next `size` bytes, fewer only at the end."""
        while len(self._pending) < size and (chunk := self._read()):
            self._pending = memoryview(bytes(self._pending) + chunk)
        return bytes(self._pending[:size])

    def take(self, size: int) -> bytes:
        """The next `size` bytes.

        Raises:
            StreamError: the input ends before.
        """
        taken = self.peek(size)
        if len(taken) < size:
            raise StreamError(_CUT)
        self._pending = self._pending[size:]
        return taken

    def _read(self) -> bytes:
        return bytes(self._buffer[: self._source.readinto(self._buffer)])


def _gunzip(chunks: _Chunks) -> Iterator[bytes]:
    """Unpack all members (RFC 1952 §2.2), in pieces of bounded size, none of them empty."""
    decoder = zlib.decompressobj(_GZIP_FORMAT)
    while packed := chunks.next():
        while packed:
            if decoder.eof:
                packed = packed.lstrip(b"\0")  # gzip itself takes zeros after a member as padding
                if not packed:
                    break
                decoder = zlib.decompressobj(_GZIP_FORMAT)
            yield from _inflate(decoder, packed)
            packed = decoder.unused_data
    if not decoder.eof:
        raise StreamError(_CUT)


def _inflate(decoder: "zlib._Decompress", packed: bytes) -> Iterator[bytes]:
    """What `packed` unpacks to within one member; up to an error if there is one in it."""
    while True:
        before = decoder.copy()
        try:
            piece = decoder.decompress(packed, _PIECE_BYTES)
        except zlib.error as error:
            yield from _inflate_up_to_error(before, packed)
            raise StreamError(f"its gzip data is corrupt ({error})") from error
        if piece:
            yield piece
        packed = decoder.unconsumed_tail
        # A full piece may have left more inside the decoder although all input is used up.
        if decoder.eof or (not packed and len(piece) < _PIECE_BYTES):
            return


def _inflate_up_to_error(decoder: "zlib._Decompress", packed: bytes) -> Iterator[bytes]:
    # zlib throws away what it has unpacked in the call that meets the error.
    for position in range(len(packed)):
        try:
            piece = decoder.decompress(packed[position : position + 1])
        except zlib.error:
            return
        if piece:
            yield piece


def _is_skippable(magic: bytes) -> bool:
    """Whether a frame holds something for another program (RFC 8878 §3.1.2)."""
    return magic[1:] == b"\x2a\x4d\x18" and magic[0] & 0xF0 == 0x50  # noqa: PLR2004


def _unzstd(chunks: _Chunks) -> Iterator[bytes]:
    """Unpack all frames (RFC 8878 §3), block by block; no piece is empty."""
    # One for all frames: a new one asks for the memory of its window again.
    decompressor = ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
    try:
        while magic := chunks.peek(_MAGIC_BYTES):
            if _is_skippable(magic):
                chunks.take(_MAGIC_BYTES)
                left = int.from_bytes(chunks.take(4), "little")
                while left:
                    left -= len(chunks.take(min(left, _CHUNK_BYTES)))
            else:
                yield from _unzstd_frame(chunks, decompressor)
    except zstandard.ZstdError as error:
        raise StreamError(f"its zstd data is corrupt ({error})") from error


def _unzstd_frame(chunks: _Chunks, decompressor: ZstdDecompressor) -> Iterator[bytes]:
    start = chunks.take(_MAGIC_BYTES + 1)
    header = start + chunks.take(zstandard.frame_header_size(start) - len(start))
    window_bytes = zstandard.get_frame_parameters(header).window_size
    if window_bytes > MAX_WINDOW_BYTES:
        raise StreamError(
            f"its zstd data asks for a window of {window_bytes >> 20} MiB, more than the "
            f"{MAX_WINDOW_BYTES >> 20} MiB that Geophone allows; unpack it with zstd first"
        )
    decoder = decompressor.decompressobj()
    decoder.decompress(header)
    is_last = False
    while not is_last:
        block_header = chunks.take(3)
        bits = int.from_bytes(block_header, "little")
        is_last = bool(bits & 1)
        packed_bytes = 1 if bits >> 1 & 3 == _ZSTD_RLE_BLOCK else bits >> 3
        piece = decoder.decompress(block_header + chunks.take(packed_bytes))
        if piece:
            yield piece
    if header[_MAGIC_BYTES] & _ZSTD_CHECKSUM_FLAG:
        decoder.decompress(chunks.take(4))
