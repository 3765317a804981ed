"""Any bytes as a capture file: packets and transactions that add up, or a `ConfigError`.

What is read must not depend on the slices in which it is read. Where the bytes aren't packed, a
plain reader says what should be found.
"""

import io

from geophone_capture.sources import CaptureStream
from geophone_shared.errors import ConfigError
from tests.fuzz.capture_reading import Reading, read_through
from tests.fuzz.capture_seeds import capture_seeds
from tests.fuzz.packing import GZIP_MAGIC, ZSTD_MAGIC, change_inside
from tests.fuzz.target import Target
from tests.support import capture_oracle

_PCAPNG = b"\x0a\x0d\x0d\x0a"
_PCAP = (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d")
_LARGE, _SMALL = 1 << 20, 61


def fuzz_one(data: bytes) -> None:
    whole = read_bytes(data, _LARGE)
    if whole is None:
        return
    assert read_bytes(data, _SMALL) == whole
    if isinstance(whole, str):
        assert "; " in whole, "it doesn't say what to do"
        assert "\n" not in whole
    if data.startswith(_PCAPNG) or (data.startswith(_PCAP) and isinstance(whole, Reading)):
        packets, is_damaged = capture_oracle.read(data)
        if isinstance(whole, str):
            assert is_damaged
            assert not packets
        else:
            assert (whole.packets, whole.is_damaged) == (packets, is_damaged)


def read_bytes(data: bytes, slice_bytes: int) -> Reading | str | None:
    """What a file with these bytes holds, why it can't be used, or None where it is too long."""
    try:
        with CaptureStream(
            ["-"], slice_bytes=slice_bytes, standard_input=io.BytesIO(data)
        ) as stream:
            reading = read_through(stream)
            assert reading is None or reading.is_damaged or stream.position_bytes == len(data)
            return reading
    except ConfigError as error:
        return str(error)


TARGET = Target(
    fuzz_one,
    capture_seeds,
    change_inside,
    (
        *(GZIP_MAGIC, ZSTD_MAGIC, _PCAPNG, *_PCAP, b"\x50\x2a\x4d\x18", b"\x4d\x3c\x2b\x1a"),
        *(b"\1\0\0\0", b"\0\0\0\1", b"\3\0\0\0", b"\6\0\0\0", b"\x09\0\1\0", b"\x0e\0\x08\0"),
        *(b"\x08\x00\x45", b"\x86\xdd\x60", b"\x81\0", b"\0\x35", b"\xc0\x0c"),
    ),
)
