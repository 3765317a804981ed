"""Writes capture files for tests; shares nothing with the readers of the project.

An `order` is struct's: `<` little-endian, `>` big-endian.
"""

import struct
from collections.abc import Iterable

ETHERNET = 1

NO_OPTIONS = b""
TSRESOL = 9
TSOFFSET = 14


def pcap_header(*, order: str = "<", nanoseconds: bool = False, network: int = ETHERNET) -> bytes:
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    return struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 262_144, network)


def pcap_record(
    time_us: int,
    data: bytes,
    *,
    order: str = "<",
    nanoseconds: bool = False,
    original: int | None = None,
) -> bytes:
    seconds, fraction = divmod(time_us, 1_000_000)
    return (
        struct.pack(
            f"{order}IIII",
            seconds,
            fraction * 1_000 + 999 if nanoseconds else fraction,
            len(data),
            len(data) if original is None else original,
        )
        + data
    )


def pcap(
    packets: Iterable[tuple[int, bytes]],
    *,
    order: str = "<",
    nanoseconds: bool = False,
    network: int = ETHERNET,
) -> bytes:
    """A file with packets of (time in µs, data)."""
    header = pcap_header(order=order, nanoseconds=nanoseconds, network=network)
    return header + b"".join(
        pcap_record(time_us, data, order=order, nanoseconds=nanoseconds)
        for time_us, data in packets
    )


def block(kind: int, body: bytes, *, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + length + body + length


def option(code: int, value: bytes, *, order: str = "<") -> bytes:
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(*, order: str = "<", major: int = 1, options: bytes = NO_OPTIONS) -> bytes:
    body = struct.pack(f"{order}IHHq", 0x1A2B3C4D, major, 0, -1)
    return block(0x0A0D0D0A, body + options, order=order)


def interface(
    *,
    order: str = "<",
    link: int = ETHERNET,
    snaplen: int = 0,
    tsresol: int | None = None,
    tsoffset: int | None = None,
) -> bytes:
    options = b""
    if tsresol is not None:
        options += option(TSRESOL, bytes([tsresol]), order=order)
    if tsoffset is not None:
        options += option(TSOFFSET, struct.pack(f"{order}q", tsoffset), order=order)
    if options:
        options += option(0, b"", order=order)
    return block(1, struct.pack(f"{order}HHI", link, 0, snaplen) + options, order=order)


def enhanced(
    units: int,
    data: bytes,
    *,
    order: str = "<",
    number: int = 0,
    original: int | None = None,
    options: bytes = NO_OPTIONS,
) -> bytes:
    """A packet at interface `number`; `units` is its time stamp."""
    original = len(data) if original is None else original
    head = struct.pack(
        f"{order}IIIII", number, units >> 32, units & 0xFFFFFFFF, len(data), original
    )
    return block(6, head + data + bytes(-len(data) % 4) + options, order=order)


def simple(data: bytes, *, order: str = "<", original: int | None = None) -> bytes:
    original = len(data) if original is None else original
    return block(3, struct.pack(f"{order}I", original) + data, order=order)


def pcapng(packets: Iterable[tuple[int, bytes]], *, order: str = "<") -> bytes:
    """A file of one section and one interface, with packets of (time in µs, data)."""
    return (
        section(order=order)
        + interface(order=order)
        + b"".join(enhanced(time_us, data, order=order) for time_us, data in packets)
    )
