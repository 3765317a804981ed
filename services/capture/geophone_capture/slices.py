"""The unpacked bytes of a file, slice by slice, in the file's region of memory."""

from geophone_capture.compression import Decompressed
from geophone_capture.inputs import Input, StreamError
from geophone_capture.regions import Region


class SliceReader:
    """A window over a file: the bytes `buffer[position:end]` are read and not yet used.

    Attributes:
        position: where they start; whoever uses them moves it on.
        end: where they end.
        bytes_read: unpacked, in all.
        trouble: why nothing more can be read, a clause; None at a file's proper end.
        is_stopped: whether to read nothing more; set by whoever has seen enough.
    """

    def __init__(self, source: Input, region: Region) -> None:
        self.position = self.end = region.start
        self.bytes_read = 0
        self.trouble: str | None = None
        self.is_stopped = False
        self._stream = Decompressed(source)
        self._region = region
        self._view = region.buffer.data

    def peek(self, size: int) -> bytes:
        """The next `size` bytes, fewer only at the end."""
        while self.end - self.position < size and self.fill(rows=0):
            pass
        return bytes(self._view[self.position : min(self.end, self.position + size)])

    def start(self, size: int) -> bytes:
        """The file's first `size` bytes, fewer only at the end; they stay to be read.

        Args:
            size: at most `LONGEST_RECORD_BYTES`, which the region surely has room for. It has to
                be asked before the first packet is.
        """
        while self.bytes_read < size and self.fill(rows=0):
            pass
        first = self._region.start
        return bytes(self._view[first : first + min(size, self.bytes_read)])

    def fill(self, rows: int) -> bool:
        """Read at most a slice more; whether there was anything.

        Args:
            rows: 1 where the packet of the region's first row must be kept, else 0. Packets of
                other rows are gone, and that row's `offset` may change.
        """
        if self.is_stopped:
            return False
        region = self._region
        if region.stop - self.end < region.slice_bytes:
            self._move_up(rows)
        try:
            count = self._stream.readinto(self._view[self.end : self.end + region.slice_bytes])
        except StreamError as error:
            self.trouble = str(error)
            return False
        self.end += count
        self.bytes_read += count
        return count > 0

    def _move_up(self, rows: int) -> None:
        """Make room: move what is still wanted to the start of the region."""
        buffer, start = self._region.buffer, self._region.start
        for row in self._region.packets[:rows]:
            offset, captured = int(row["offset"]), int(row["captured"])
            buffer[start : start + captured] = buffer[offset : offset + captured]
            row["offset"] = start
            start += captured
        left = self.end - self.position
        buffer[start : start + left] = buffer[self.position : self.end]
        self.position, self.end = start, start + left
