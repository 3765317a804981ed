"""Reads capture files with the project's reader into plain Python values."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

from geophone_capture.capture_file import Damage
from geophone_capture.packets import PacketBlock
from geophone_capture.sources import CaptureStream
from tests.support.capture_oracle import Seen


def seen_in(blocks: Iterable[PacketBlock]) -> list[Seen]:
    """Every packet of every block, looked at before the next block is asked for."""
    seen = []
    for block in blocks:
        for time_us, clock_us, offset, captured, original, link in zip(
            *(
                block.packets[name].tolist()
                for name in ("time_us", "clock_us", "offset", "captured", "original", "link")
            ),
            strict=True,
        ):
            data = block.buffer[offset : offset + captured].tobytes()
            seen.append(Seen(time_us, clock_us, data, original, link))
    return seen


def read_all(
    *paths: Path | str, slice_bytes: int = 1 << 20, standard_input: BinaryIO | None = None
) -> tuple[list[Seen], Sequence[Damage]]:
    """The packets of files, and where the files are damaged."""
    names = [str(path) for path in paths]
    with CaptureStream(names, slice_bytes=slice_bytes, standard_input=standard_input) as stream:
        return seen_in(stream), stream.damages
