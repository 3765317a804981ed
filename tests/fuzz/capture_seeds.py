"""Capture files to start fuzzing from: every format, kind of block and frame, with DNS inside."""

import gzip
import struct

import zstandard

from tests.support.capture_writer import (
    block,
    enhanced,
    interface,
    option,
    pcap,
    pcap_header,
    pcap_record,
    pcapng,
    section,
    simple,
)
from tests.support.carried_streams import WRAPPINGS, fragments_of, ip_packet
from tests.support.dns_messages import (
    OPT_RECORD,
    QUERY,
    RESPONSE,
    TO_QUESTION,
    message,
    name,
    question,
    record,
)
from tests.support.packets import (
    ARP,
    IPV6,
    LINUX_COOKED,
    LINUX_COOKED_2,
    NULL,
    RAW_IP,
    authentication,
    ethernet,
    extension,
    fragment_header,
    ipv4,
    ipv6,
    linux_cooked,
    linux_cooked_2,
    null,
    tcp,
    udp,
)

START_US = 1_282_356_664_000_000
SECOND_US = 1_000_000

_ASK = message([question(name(b"a", b"pirate", b"sea"))], additionals=[OPT_RECORD], flags=QUERY)
_TELL = message(
    [question(name(b"A", b"pirate", b"sea"))], [record(TO_QUESTION)], dns_id=1, flags=RESPONSE
)
QUERY_FRAME = ethernet(ipv4(udp(_ASK)))
RESPONSE_FRAME = ethernet(ipv4(udp(_TELL, 53, 40_000), 17, "10.0.2.20", "10.0.2.30"))

_FRAMES = (
    QUERY_FRAME,
    RESPONSE_FRAME,
    ethernet(ipv6(extension(0) + authentication(44) + fragment_header(17) + udp(_ASK), 0), IPV6),
    ethernet(ipv4(udp(_ASK), options=bytes(4)), tags=(0x88A8, 0x8100)),
    ethernet(ipv4(udp(_ASK), fragment=0x2000)),
    ethernet(ipv4(tcp(40_000, 53), 6)),
    ethernet(bytes(28), ARP),
)

_CLAIMS_ONE_MORE = struct.pack("<5I", 0, 0, 0, 5, 5) + bytes(4)
"""An enhanced packet block whose packet is a byte longer than the block has room for."""


def _times(frames: tuple[bytes, ...], step_us: int) -> list[tuple[int, bytes]]:
    return [(START_US + index * step_us, frame) for index, frame in enumerate(frames)]


def _carried_files() -> list[bytes]:
    """The exchange in every encapsulation, in fragments, and over TCP."""
    packets = [ip_packet(QUERY_FRAME), ip_packet(RESPONSE_FRAME)]
    wrapped = [wrap(packet) for wrap in WRAPPINGS.values() for packet in packets]
    pieces = [piece for packet in packets for piece in fragments_of(packet, 7, [1, 3])]
    ask, tell = (len(each).to_bytes(2) + each for each in (_ASK, _TELL))
    segments = [
        tcp(40_000, 53, sequence=9, flags=0x02),
        tcp(40_000, 53, ask[:20], sequence=10),
        tcp(40_000, 53, ask[20:], sequence=30),
    ]
    back = [tcp(53, 40_000, sequence=9, flags=0x12), tcp(53, 40_000, tell, sequence=10)]
    over_tcp = [ipv4(segment, 6) for segment in segments]
    over_tcp += [ipv4(segment, 6, "10.0.2.20", "10.0.2.30") for segment in back]
    return [
        pcap(_times(tuple(wrapped), 1_000)),
        pcap(_times(tuple(pieces), 1_000), network=RAW_IP),
        pcap(_times(tuple(over_tcp), 1_000), network=RAW_IP),
    ]


def _pcap_files() -> list[bytes]:
    exchange = (QUERY_FRAME, RESPONSE_FRAME)
    cut = pcap_record(START_US, QUERY_FRAME[:60], original=len(QUERY_FRAME))
    return [
        *_carried_files(),
        pcap(_times(_FRAMES, 1_000)),
        pcap(_times(exchange, SECOND_US), order=">", nanoseconds=True),
        pcap(_times((QUERY_FRAME,) * 3, -61 * SECOND_US)),
        pcap(_times((QUERY_FRAME,) * 3, 10 * SECOND_US), nanoseconds=True),
        pcap_header() + cut,
        pcap(_times((linux_cooked(ipv4(udp(_ASK))),), 0), network=LINUX_COOKED, order=">"),
        pcap(_times((linux_cooked_2(ipv4(udp(_ASK))),), 0), network=LINUX_COOKED_2),
        pcap(_times((ipv4(udp(_ASK)), ipv6(udp(_ASK))), 0), network=RAW_IP),
        pcap(_times((null(ipv4(udp(_ASK))), null(ipv6(udp(_ASK)), 30)), 0), network=NULL),
        pcap_header(),
    ]


def _pcapng_files() -> list[bytes]:
    comment = option(1, b"comment")
    return [
        pcapng(_times(_FRAMES, 1_000)),
        pcapng(_times((QUERY_FRAME, RESPONSE_FRAME), 11 * SECOND_US), order=">"),
        section(options=comment)
        + interface(tsresol=9, tsoffset=1_282_356_664)
        + enhanced(1, QUERY_FRAME, options=comment)
        + interface(link=RAW_IP, snaplen=64, tsresol=0x94)
        + enhanced(1_282_356_664 << 20, ipv4(udp(_ASK)), number=1)
        + block(5, bytes(24))
        + simple(RESPONSE_FRAME),
        section(order=">") + interface(order=">", snaplen=70) + simple(QUERY_FRAME, order=">"),
        pcapng([(START_US, QUERY_FRAME)], order=">") + pcapng([(START_US, RESPONSE_FRAME)]),
        section() + block(0xBAD, bytes(40)) + enhanced(0, QUERY_FRAME, number=7),
        section() + interface() + enhanced(0, b"") + block(6, _CLAIMS_ONE_MORE),
    ]


def plain_captures() -> list[bytes]:
    """Not packed."""
    return _pcap_files() + _pcapng_files()


def capture_seeds() -> list[bytes]:
    """As they are, and two of them packed in each way."""
    plain = plain_captures()
    zstd = zstandard.ZstdCompressor(write_checksum=True)
    return [
        *plain,
        gzip.compress(plain[0], mtime=0),
        gzip.compress(plain[-2][:90], mtime=0) + gzip.compress(plain[-2][90:], mtime=0) + b"\0",
        zstd.compress(plain[-4]),
        b"\x50\x2a\x4d\x18\x03\0\0\0abc" + zstd.compress(plain[1][:30]) + zstd.compress(b""),
    ]
