"""Capture files and standard input as one stream of packet blocks [shell].

Formats: pcap and pcapng, plain, gzip or zstd. Memory doesn't grow with the files.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import BinaryIO, Self

from geophone_capture.capture_file import CaptureFile, Damage, Tally, never, open_capture
from geophone_capture.inputs import STANDARD_INPUT, can_be_reopened
from geophone_capture.merging import AT_ONCE_US, Waiting, merge
from geophone_capture.packets import PacketBlock
from geophone_capture.regions import Regions
from geophone_shared.errors import ConfigError

_SLICE_BYTES = 1 << 20
_PEEK_BYTES = 64 << 10


class CaptureStream:
    """The packets of capture files; a context manager, to be iterated once.

    The packets of a file stay in its order. Several files are merged by packet time (`clock_us`),
    ties in the order given.

    Attributes:
        size_bytes: of all files on disk; None where one has no size (standard input, a pipe).
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        slice_bytes: int = _SLICE_BYTES,
        standard_input: BinaryIO | None = None,
        is_silent: Callable[[], bool] = never,
    ) -> None:
        """Take the names; nothing is opened yet.

        Args:
            names: paths, and `-` (once) for standard input.
            slice_bytes: how much of a file is read at once; the packets don't depend on it.
            standard_input: in place of that of the process.
            is_silent: whether nothing comes of it for a while.
        """
        self.size_bytes: int | None = 0
        self._names = tuple(names)
        self._standard_input = standard_input
        self._is_silent = is_silent
        self._regions = Regions(max(1, len(self._names)), slice_bytes)
        self._waiting: list[Waiting] = []
        self._open: dict[int, CaptureFile] = {}  # by place
        self._closed = Tally()

    def __enter__(self) -> Self:
        """Open every file, so that what can't be used is found before any work is done.

        Raises:
            ConfigError: a file can't be read, or isn't a capture file; says why.
        """
        if not self._names:
            raise ConfigError("no capture file was named; name one, or - for standard input")
        if self._names.count(STANDARD_INPUT) > 1:
            raise ConfigError("standard input (-) can be read only once; name it once")
        with ExitStack() as on_error:
            on_error.callback(self._close_all)
            for place in range(len(self._names)):
                self._prepare(place)
            on_error.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._close_all()

    def __iter__(self) -> Iterator[PacketBlock]:
        """Blocks of packets, each valid until the next one is asked for.

        An empty one tells that standard input has fallen silent.

        Raises:
            ConfigError: a file is damaged before its first packet, or can't be opened any more.
        """
        if len(self._names) > 1:
            yield from merge(self._waiting, self._regions, self._file_at, self._close)
            return
        file = self._file_at(0)
        while (packets := file.read_packets()).size or not file.is_at_end:
            yield PacketBlock(self._regions.buffer, packets)
        self._close(0)

    def start(self, size: int) -> bytes:
        """The first `size` bytes of the input, unpacked: of the files one after another, as named.

        Waits for those of a pipe, and takes none of them away. To be called before iterating.

        Raises:
            ConfigError: a file can't be opened any more.
        """
        start = b""
        for place, name in enumerate(self._names):
            if len(start) == size:
                break
            if place in self._open:
                start += self._open[place].start(size - len(start))
            else:
                region = self._regions.take()
                with closing(open_capture(name, region)) as file:
                    start += file.start(size - len(start))
                self._regions.give_back(region)
        return start

    def end_here(self) -> None:
        """Read nothing more: what is iterated over then is what has been read already."""
        for file in self._open.values():
            file.end_here()
        self._waiting = [each for each in self._waiting if each.place in self._open]

    @property
    def bytes_read(self) -> int:
        """How much capture data was read, unpacked."""
        return self._tally().bytes_read

    @property
    def position_bytes(self) -> int:
        """How much was read of what `size_bytes` counts."""
        return self._tally().position_bytes

    @property
    def invalid_times(self) -> int:
        """Packets whose time is outside of the years 1970 to 9999: they got the one before."""
        return self._tally().invalid_times

    @property
    def skipped_blocks(self) -> int:
        """Blocks of pcapng files that hold no packet."""
        return self._tally().skipped_blocks

    @property
    def damages(self) -> Sequence[Damage]:
        """Files that could not be read to their end, so far."""
        return self._tally().damages

    def _tally(self) -> Tally:
        return sum((file.tally() for file in self._open.values()), self._closed)

    def _prepare(self, place: int) -> None:
        """Check a file, and note when its turn comes.

        What can't be opened a second time stays open, and so does the only file. Of others the
        first packet is looked at.
        """
        name = self._names[place]
        first_us = AT_ONCE_US
        if len(self._names) > 1 and can_be_reopened(name):
            region = self._regions.take()
            peek_bytes = min(region.slice_bytes, _PEEK_BYTES)
            with closing(open_capture(name, replace(region, slice_bytes=peek_bytes))) as file:
                for packet in file.read_packets()[:1]:
                    first_us = int(packet["clock_us"])
            self._regions.give_back(region)
        else:
            is_silent = self._is_silent if name == STANDARD_INPUT else never
            file = open_capture(name, self._regions.take(), self._standard_input, is_silent)
            self._open[place] = file
        self._waiting.append(Waiting(first_us, place))
        if self.size_bytes is not None and file.size_bytes is not None:
            self.size_bytes += file.size_bytes
        else:
            self.size_bytes = None

    def _file_at(self, place: int) -> CaptureFile:
        if place not in self._open:
            self._open[place] = open_capture(self._names[place], self._regions.take())
        return self._open[place]

    def _close(self, place: int) -> None:
        file = self._open.pop(place)
        self._closed += file.tally()
        self._regions.give_back(file.region)
        file.close()

    def _close_all(self) -> None:
        for place in list(self._open):
            self._close(place)
