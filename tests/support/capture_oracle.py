"""A capture reader that is easy to see through, to compare the project's with.

It has the whole file in memory, uses Python's own integers and fractions, and shares no code with
what it checks.
"""

import struct
from dataclasses import dataclass
from fractions import Fraction

LAST_TIME_US = 253_402_300_799_999_999
READ_LINK_TYPES = {0, 1, 12, 14, 101, 108, 113, 228, 229, 276}
LONGEST_PACKET = 262_144
LONGEST_RECORD = 524_288
SECTION, INTERFACE, SIMPLE, ENHANCED = 0x0A0D0D0A, 1, 3, 6
LEAST_LENGTH = {SECTION: 28, INTERFACE: 20, SIMPLE: 16, ENHANCED: 32}


@dataclass(frozen=True, slots=True)
class Seen:
    """One packet."""

    time_us: int
    clock_us: int
    data: bytes
    original: int
    link: int


class DamagedError(Exception):
    """What follows can't be read."""


@dataclass(slots=True)
class _Interface:
    link: int
    snaplen: int
    unit_seconds: Fraction
    offset_seconds: int


def read(data: bytes) -> tuple[list[Seen], bool]:
    """The packets of an uncompressed file, and whether it is damaged after them."""
    packets: list[tuple[int, bytes, int, int]] = []
    is_damaged = False
    try:
        if data[:4] == b"\x0a\x0d\x0d\x0a":
            _read_pcapng(data, packets)
        else:
            _read_pcap(data, packets)
    except DamagedError:
        is_damaged = True
    seen = []
    for index, (time_us, captured, original, link) in enumerate(packets):
        clock_us = time_us
        if index + 1 < len(packets) and time_us > packets[index + 1][0] + 60_000_000:
            clock_us = packets[index + 1][0]
        seen.append(Seen(time_us, clock_us, captured, min(original, 2**31 - 1), link))
    return seen, is_damaged


def _read_pcap(data: bytes, packets: list[tuple[int, bytes, int, int]]) -> None:
    order, nanoseconds = {
        b"\xd4\xc3\xb2\xa1": ("<", False),
        b"\xa1\xb2\xc3\xd4": (">", False),
        b"\x4d\x3c\xb2\xa1": ("<", True),
        b"\xa1\xb2\x3c\x4d": (">", True),
    }[data[:4]]
    (network,) = struct.unpack_from(order + "I", data, 20)
    position = 24
    while position < len(data):
        if position + 16 > len(data):
            raise DamagedError
        seconds, fraction, captured, original = struct.unpack_from(order + "IIII", data, position)
        position += 16
        if captured > LONGEST_PACKET or position + captured > len(data):
            raise DamagedError
        time_us = seconds * 1_000_000 + (fraction // 1_000 if nanoseconds else fraction)
        packets.append((time_us, data[position : position + captured], original, network & 0xFFFF))
        position += captured


def _read_pcapng(data: bytes, packets: list[tuple[int, bytes, int, int]]) -> None:
    order = "<"
    interfaces: list[_Interface] = []
    previous_us = 0
    while data:
        order = _order_of_section(data) or order
        kind, body = _block(data, order)
        data = data[len(body) + 12 :]
        if kind == SECTION:
            if struct.unpack_from(order + "H", body, 4) != (1,):
                raise DamagedError
            interfaces = []
        elif kind == INTERFACE:
            interfaces.append(_interface(order, body))
        elif kind in {SIMPLE, ENHANCED}:
            read_packet = _enhanced if kind == ENHANCED else _simple
            packets.append(read_packet(order, body, interfaces, previous_us))
            previous_us = packets[-1][0]


def _order_of_section(data: bytes) -> str:
    """The byte order that a section starts; empty where none starts here."""
    if data[:4] != b"\x0a\x0d\x0d\x0a":
        return ""
    if data[8:12] == b"\x4d\x3c\x2b\x1a":
        return "<"
    if data[8:12] == b"\x1a\x2b\x3c\x4d":
        return ">"
    raise DamagedError


def _block(data: bytes, order: str) -> tuple[int, bytes]:
    """Kind and body of the block at the start."""
    if len(data) < 12:
        raise DamagedError
    kind, length = struct.unpack_from(order + "II", data)
    if length % 4 or not LEAST_LENGTH.get(kind, 12) <= length <= len(data):
        raise DamagedError
    if kind in LEAST_LENGTH and length > LONGEST_RECORD:
        raise DamagedError
    if struct.unpack_from(order + "I", data, length - 4) != (length,):
        raise DamagedError
    return kind, data[8 : length - 4]


def _interface(order: str, body: bytes) -> _Interface:
    link, _, snaplen = struct.unpack_from(order + "HHI", body)
    found = _Interface(link if link in READ_LINK_TYPES else -1, snaplen, Fraction(1, 1_000_000), 0)
    position = 8
    seen = set()
    while position + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, position)
        value = body[position + 4 : position + 4 + length]
        if code == 0:
            break
        if len(value) < length:
            raise DamagedError
        if code not in seen and code == 9:
            if length != 1:
                raise DamagedError
            base = 2 if value[0] & 0x80 else 10
            found.unit_seconds = Fraction(1, base ** (value[0] & 0x7F))
        if code not in seen and code == 14:
            if length != 8:
                raise DamagedError
            (found.offset_seconds,) = struct.unpack(order + "q", value)
        seen.add(code)
        position += 4 + length + -length % 4
    return found


def _enhanced(
    order: str, body: bytes, interfaces: list[_Interface], previous_us: int
) -> tuple[int, bytes, int, int]:
    number, high, low, captured, original = struct.unpack_from(order + "IIIII", body)
    if captured > LONGEST_PACKET or captured > len(body) - 20:
        raise DamagedError
    link, time_us = -1, -1
    if number < len(interfaces):
        one = interfaces[number]
        link = one.link
        time_us = (high << 32 | low) * one.unit_seconds * 1_000_000 // 1
        time_us += one.offset_seconds * 1_000_000
    if not 0 <= time_us <= LAST_TIME_US:
        time_us = previous_us
    return time_us, body[20 : 20 + captured], original, link


def _simple(
    order: str, body: bytes, interfaces: list[_Interface], previous_us: int
) -> tuple[int, bytes, int, int]:
    (original,) = struct.unpack_from(order + "I", body)
    captured = min(original, len(body) - 4)
    if interfaces and interfaces[0].snaplen:
        captured = min(captured, interfaces[0].snaplen)
    if captured > LONGEST_PACKET:
        raise DamagedError
    link = interfaces[0].link if interfaces else -1
    return previous_us, body[4 : 4 + captured], original, link
