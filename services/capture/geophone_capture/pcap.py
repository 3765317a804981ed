"""Classic capture files (draft-ietf-opsawg-pcap): the file header, and a walk over the records."""

import struct

from geophone_capture import link_types
from geophone_capture.kernels.pcap import Layout, walk_pcap
from geophone_capture.kernels.records import BIG_ENDIAN, LITTLE_ENDIAN
from geophone_shared.jit import Array

HEADER_BYTES = 24

_FORMATS = {
    b"\xd4\xc3\xb2\xa1": (LITTLE_ENDIAN, 1),
    b"\xa1\xb2\xc3\xd4": (BIG_ENDIAN, 1),
    b"\x4d\x3c\xb2\xa1": (LITTLE_ENDIAN, 1_000),
    b"\xa1\xb2\x3c\x4d": (BIG_ENDIAN, 1_000),
}
"""First four bytes → byte order, units of the time stamps' fraction in a µs."""

_LINK_TYPE_MASK = 0xFFFF  # the bits above tell the length of the frame check sequence


def is_pcap(start: bytes) -> bool:
    """Whether a file that starts so is a classic capture file."""
    return start[:4] in _FORMATS


class PcapWalk:
    """Walks over one file's records.

    Attributes:
        invalid_times: 0, as no time stamp of this format is before 1970 or after 9999.
        skipped_blocks: 0, as there is nothing but packets.
    """

    invalid_times = 0
    skipped_blocks = 0

    def __init__(self, header: bytes, file: str) -> None:
        """Read the 24 bytes of a file's header.

        Raises:
            ConfigError: Geophone does not read the file's link type.
        """
        byte_order, units_per_us = _FORMATS[header[:4]]
        order = "<" if byte_order == LITTLE_ENDIAN else ">"
        (network,) = struct.unpack_from(f"{order}I", header, 20)
        link = network & _LINK_TYPE_MASK
        link_types.require_read(link, file)
        self._layout = Layout(byte_order, units_per_us, link)

    def walk(
        self, buffer: Array, position: int, end: int, packets: Array, count: int
    ) -> tuple[int, int, int]:
        """Append the whole records of `buffer[position:end]`, see `kernels.records`."""
        return walk_pcap(buffer, position, end, self._layout, packets, count)
