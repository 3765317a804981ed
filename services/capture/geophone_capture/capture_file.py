"""One capture file: its format, its packets in the file's order, and where it is damaged."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from geophone_capture.inputs import Input, open_input
from geophone_capture.kernels import records
from geophone_capture.kernels.clock import OUTLIER_US, settle_clocks
from geophone_capture.pcap import HEADER_BYTES, PcapWalk, is_pcap
from geophone_capture.pcapng import MAGIC, PcapngWalk
from geophone_capture.regions import Region
from geophone_capture.slices import SliceReader
from geophone_shared.errors import ConfigError
from geophone_shared.jit import Array

_WHAT_IS_WRONG = {
    records.INSIDE: "it is cut inside a record",
    records.ABSURD_PACKET: f"a packet claims more than {records.LONGEST_PACKET_BYTES:,} bytes",
    records.ABSURD_BLOCK: f"a block claims more than {records.LONGEST_RECORD_BYTES:,} bytes",
    records.BAD_BLOCK_LENGTH: "a block's length can't be right",
    records.BAD_TRAILING_LENGTH: "the lengths at the start and at the end of a block differ",
    records.BAD_CAPTURED_LENGTH: "a packet is longer than the block that holds it",
    records.BAD_SECTION: "a section's byte order or version is unknown",
    records.BAD_INTERFACE: "an interface's options can't be read",
    records.TOO_MANY_INTERFACES: "a section describes too many interfaces",
}


@dataclass(frozen=True, slots=True)
class Damage:
    """Where a capture file stopped being readable. What lies before was read.

    Attributes:
        file: its name.
        offset_bytes: where, in the unpacked data.
        what: what is wrong, a clause.
    """

    file: str
    offset_bytes: int
    what: str

    def __str__(self) -> str:
        return (
            f"{self.file} is damaged at byte {self.offset_bytes:,}: {self.what}; "
            "the packets before count, the rest of the file does not"
        )


@dataclass(frozen=True, slots=True)
class Tally:
    """What was read of one file, or of several.

    Attributes:
        bytes_read: capture data, unpacked.
        position_bytes: how far it was read on disk.
        invalid_times: packets whose time is outside of the years 1970 to 9999.
        skipped_blocks: pcapng blocks that hold no packet.
        damages: where files stopped being readable.
    """

    bytes_read: int = 0
    position_bytes: int = 0
    invalid_times: int = 0
    skipped_blocks: int = 0
    damages: tuple[Damage, ...] = ()

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.bytes_read + other.bytes_read,
            self.position_bytes + other.position_bytes,
            self.invalid_times + other.invalid_times,
            self.skipped_blocks + other.skipped_blocks,
            self.damages + other.damages,
        )


class _Walk(Protocol):
    """A format's walk over its records."""

    @property
    def invalid_times(self) -> int: ...
    @property
    def skipped_blocks(self) -> int: ...
    def walk(
        self, buffer: Array, position: int, end: int, packets: Array, count: int
    ) -> tuple[int, int, int]: ...


class CaptureFile:
    """The packets of one open file.

    A packet is handed out when the one after it is known, because that may date it for the packet
    clock (`packets.PACKET`). Until then its bytes stay, and it is the first row of the region.

    Attributes:
        name: of the file.
        size_bytes: on disk; None where it has no size (standard input, a pipe).
        region: what it is read into.
        is_at_end: whether all packets are handed out, or are about to be.
    """

    def __init__(
        self,
        source: Input,
        region: Region,
        reader: SliceReader,
        walk: _Walk,
        is_silent: Callable[[], bool],
    ) -> None:
        self.name = source.name
        self.size_bytes = source.size_bytes
        self.region = region
        self.is_at_end = False
        self._source = source
        self._reader = reader
        self._walk = walk
        self._damages: tuple[Damage, ...] = ()
        self._is_silent = is_silent
        self._has_told_silence = False
        self._clock_us: int | None = None  # of the last packet that was handed out
        self._rows = 0

    def tally(self) -> Tally:
        """What was read so far."""
        return Tally(
            bytes_read=self._reader.bytes_read,
            position_bytes=self._source.position_bytes,
            invalid_times=self._walk.invalid_times,
            skipped_blocks=self._walk.skipped_blocks,
            damages=self._damages,
        )

    def start(self, size: int) -> bytes:
        """The first `size` bytes, unpacked, fewer only at the end; to be called first of all."""
        return self._reader.start(size)

    def end_here(self) -> None:
        """Read nothing more; the packets that have been read whole are still handed out."""
        self._reader.is_stopped = True

    def read_packets(self) -> Array:
        """The next packets: `PACKET` rows, valid until the next call.

        None at the end, and none before it once each time that nothing comes for a while.

        Raises:
            ConfigError: the file is damaged before its first packet.
        """
        packets = self.region.packets
        if self._rows > 1:
            packets[0] = packets[self._rows - 1]
            self._rows = 1
        reader = self._reader
        while not self.is_at_end:
            reader.position, self._rows, stop = self._walk.walk(
                self.region.buffer, reader.position, reader.end, packets, self._rows
            )
            if stop >= records.DAMAGED:
                self._stop(_WHAT_IS_WRONG[stop])
            elif self._rows > 1:
                break
            elif not self._has_told_silence and self._is_silent():
                return self._read_in_silence()
            else:
                self._has_told_silence = False
                if not reader.fill(self._rows):
                    cut = None if reader.is_stopped else _WHAT_IS_WRONG.get(stop)
                    self._stop(reader.trouble or cut)
        return self._hand_out(self._rows if self.is_at_end else self._rows - 1)

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def _read_in_silence(self) -> Array:
        """The packet that is held, if the one after it couldn't show that it is an outlier."""
        time_us = int(self.region.packets[0]["time_us"]) if self._rows else 0
        if self._rows and self._clock_us is not None and time_us <= self._clock_us + OUTLIER_US:
            return self._hand_out(self._rows)
        self._has_told_silence = True
        return self.region.packets[:0]

    def _hand_out(self, count: int) -> Array:
        packets = self.region.packets
        settle_clocks(packets, self._rows)
        if count:
            self._clock_us = int(packets[count - 1]["clock_us"])
        if count == self._rows:
            self._rows = 0
        return packets[:count]

    def _stop(self, what: str | None) -> None:
        self.is_at_end = True
        self._source.close()  # its last packets may wait long for their turn
        if what is None:
            return
        unused_bytes = self._reader.end - self._reader.position
        self._damages = (Damage(self.name, self._reader.bytes_read - unused_bytes, what),)
        if not self._rows and self._clock_us is None:
            raise _damaged_from_the_start(self.name, what)


def never() -> bool:
    """What isn't a pipe never falls silent."""
    return False


def open_capture(
    name: str,
    region: Region,
    standard_input: BinaryIO | None = None,
    is_silent: Callable[[], bool] = never,
) -> CaptureFile:
    """Open a file and read its header, and from it which format it has.

    Args:
        name: a path, or `-` for standard input.
        region: what to read the file into.
        standard_input: in place of that of the process.
        is_silent: whether nothing comes for a while; waits so long where it isn't known yet.

    Raises:
        ConfigError: it can't be read, or isn't a capture file that Geophone reads; says why.
    """
    source = open_input(name, standard_input)
    with ExitStack() as on_error:
        on_error.callback(source.close)
        reader = SliceReader(source, region)
        walk = _walk_from_header(source.name, reader)
        file = CaptureFile(source, region, reader, walk, is_silent)
        on_error.pop_all()
    return file


def _walk_from_header(name: str, reader: SliceReader) -> _Walk:
    header = reader.peek(HEADER_BYTES)
    if reader.trouble and len(header) < HEADER_BYTES:
        raise _damaged_from_the_start(name, reader.trouble)
    if not header:
        raise ConfigError(f"{name} is empty; give a capture file")
    if header.startswith(MAGIC):
        return PcapngWalk()
    if not is_pcap(header):
        raise ConfigError(
            f"{name} is not a capture file: it starts with {header[:4].hex(' ')}; "
            "Geophone reads pcap and pcapng, plain, gzip or zstd"
        )
    if len(header) < HEADER_BYTES:
        raise _damaged_from_the_start(name, "it is cut inside its header")
    reader.position += HEADER_BYTES
    return PcapWalk(header, name)


def _damaged_from_the_start(name: str, what: str) -> ConfigError:
    return ConfigError(
        f"{name} is damaged before its first packet: {what}; give an intact copy of the capture"
    )
