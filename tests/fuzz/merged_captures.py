"""Several hostile capture files in one call: merged by the packet clock, or a `ConfigError`.

An input is the files, one after the other, with `BORDER` between them.
"""

import heapq
import tempfile
from pathlib import Path

from geophone_capture.sources import CaptureStream
from geophone_shared.errors import ConfigError
from tests.fuzz.capture_files import read_bytes
from tests.fuzz.capture_reading import Reading, read_through
from tests.fuzz.capture_seeds import (
    QUERY_FRAME,
    RESPONSE_FRAME,
    SECOND_US,
    START_US,
    plain_captures,
)
from tests.fuzz.target import Target
from tests.support.capture_writer import pcap

BORDER = b"\n====\n"
_MOST_FILES = 5
_SLICE_BYTES = 61


def fuzz_one(data: bytes) -> None:
    files = data.split(BORDER)[:_MOST_FILES]
    alone = [read_bytes(file, _SLICE_BYTES) for file in files]
    if None in alone:
        return
    merged = _read_merged(files)
    readings = [reading for reading in alone if isinstance(reading, Reading)]
    if len(readings) < len(files):
        assert isinstance(merged, str)
        return
    assert isinstance(merged, Reading)
    # It takes the first of what the files offer next, and of equals the one named first.
    expected = heapq.merge(
        *(reading.packets for reading in readings), key=lambda packet: packet.clock_us
    )
    assert merged.packets == list(expected)
    assert merged.is_damaged == any(reading.is_damaged for reading in readings)


def _read_merged(files: list[bytes]) -> Reading | str | None:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, str(number)) for number in range(len(files))]
        for path, file in zip(paths, files, strict=True):
            path.write_bytes(file)
        try:
            with CaptureStream([str(path) for path in paths], slice_bytes=_SLICE_BYTES) as stream:
                return read_through(stream)
        except ConfigError as error:
            return str(error)


def merge_seeds() -> list[bytes]:
    """Files side by side, one after the other, in one another, and without packets."""
    every = plain_captures()
    early = pcap([(START_US + 3 * step * SECOND_US, QUERY_FRAME) for step in range(4)])
    late = pcap([(START_US + step * SECOND_US, RESPONSE_FRAME) for step in range(2, 9)])
    return [
        BORDER.join([early, late]),
        BORDER.join([late, early, early]),
        BORDER.join([every[0], every[2], every[-1], every[9]]),
        BORDER.join(every[-4:]),
        every[0],
    ]


TARGET = Target(fuzz_one, merge_seeds, words=(BORDER,))
