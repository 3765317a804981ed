"""Live capture beside tcpdump: the highest rate without a drop, and CPU time a packet.

    python -m tests.bench.live [--seconds S]

A process sends DNS queries over a veth pair in batches (sendmmsg), and the far side is read. It
needs root. With two cores, sender and reader have one each at best.
"""

import argparse
import ctypes
import multiprocessing
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geophone_capture.decoder import TransactionDecoder
from geophone_capture.live.options import LiveOptions
from geophone_capture.live.packet_socket import open_packet_socket
from geophone_capture.live.stream import Idle, LiveStream
from geophone_shared.hashing import KEY_BYTES, SecretKey
from tests.bench.timing import machine, say
from tests.support.namespaces import VethPair, enter, veth_pair
from tests.support.outside import require_tool
from tests.support.packets import ethernet, ipv4, udp

if TYPE_CHECKING:
    from collections.abc import Callable

_BATCH = 256
_SETTLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reader did with what was sent."""

    sent: int
    seconds: float
    seen: int
    cpu_seconds: float


def _query(number: int) -> bytes:
    name = b"\x08%08x\x07example\x03com\0" % number
    message = struct.pack("!6H", number & 0xFFFF, 0x0100, 1, 0, 0, 0) + name + b"\0\1\0\1"
    return ethernet(ipv4(udp(message, 1_024 + number % 60_000, 53)))


def _send(namespace: str, packets: int, rate: int, seconds: Any) -> None:
    """Send in batches, `rate` packets a second at most; 0 for as fast as it goes."""
    enter(namespace)
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    raw.bind(("wire", 0))
    raw.setsockopt(263, 20, 1)  # PACKET_QDISC_BYPASS
    frames = [_query(number) for number in range(_BATCH)]
    buffers = [ctypes.create_string_buffer(frame, len(frame)) for frame in frames]
    vectors = [struct.pack("@PN", ctypes.addressof(each), len(each)) for each in buffers]
    iovecs = ctypes.create_string_buffer(b"".join(vectors))
    entry = struct.calcsize("@PN")
    # struct mmsghdr: a struct msghdr of 56 bytes, and a length.
    headers = ctypes.create_string_buffer(
        b"".join(
            struct.pack("@PI4xPNPNi4xI4x", 0, 0, ctypes.addressof(iovecs) + index * entry, 1,
                        0, 0, 0, 0)
            for index in range(_BATCH)
        )
    )  # fmt: skip
    libc = ctypes.CDLL(None, use_errno=True)
    began = time.perf_counter()
    sent = 0
    while sent < packets:
        count = libc.sendmmsg(raw.fileno(), headers, min(_BATCH, packets - sent), 0)
        if count < 0:
            raise OSError(ctypes.get_errno(), "sendmmsg")
        sent += count
        if rate:
            while time.perf_counter() - began < sent / rate:
                pass
    seconds.value = time.perf_counter() - began


def _sent(pair: VethPair, packets: int, rate: int) -> float:
    """Send from a process of its own; the seconds that it took."""
    context = multiprocessing.get_context("spawn")
    seconds = context.Value("d", 0.0)
    process = context.Process(target=_send, args=(pair.near.name, packets, rate, seconds))
    process.start()
    process.join()
    assert process.exitcode == 0
    return float(seconds.value)


def _geophone(pair: VethPair, packets: int, rate: int, *, decodes: bool) -> Outcome:
    stream = LiveStream([("wire", pair.far.inside(open_packet_socket))], LiveOptions())
    decoder = TransactionDecoder(SecretKey.from_bytes(bytes(KEY_BYTES)))
    seen = 0
    cpu_seconds = 0.0

    def read() -> None:
        nonlocal seen, cpu_seconds
        began = time.thread_time()
        for event in stream:
            if not isinstance(event, Idle):
                seen += len(event.packets)
                if decodes:
                    for _ in decoder.feed(event):
                        pass
        cpu_seconds = time.thread_time() - began

    with stream:
        thread = threading.Thread(target=read)
        thread.start()
        seconds = _sent(pair, packets, rate)
        stream.stop()
        thread.join()
    return Outcome(packets, seconds, seen, cpu_seconds)


def _tcpdump(pair: VethPair, packets: int, rate: int) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="geophone-bench-") as folder:
        written = Path(folder) / "written.pcap"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        recording = subprocess.Popen(
            pair.far.command(
                require_tool("tcpdump"), "-i", "wire", "-n", "-B", 65_536, "-Z", "root",
                "-w", written, "port 53",
            ),
            stderr=subprocess.PIPE, encoding="utf-8",
        )  # fmt: skip
        time.sleep(_SETTLE_SECONDS)
        sender_before = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = _sent(pair, packets, rate)
        sender_after = resource.getrusage(resource.RUSAGE_CHILDREN)
        time.sleep(_SETTLE_SECONDS)
        recording.send_signal(signal.SIGINT)
        _, said = recording.communicate()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_seconds = _cpu(after) - _cpu(before) - (_cpu(sender_after) - _cpu(sender_before))
        seen = int(said.split(" packets captured")[0].split()[-1])
        return Outcome(packets, seconds, seen, cpu_seconds)


def _cpu(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


def _idle_share(pair: VethPair, seconds: float) -> float:
    stream = LiveStream([("wire", pair.far.inside(open_packet_socket))], LiveOptions())
    with stream:
        thread = threading.Thread(target=lambda: [None for _ in stream])
        began = sum(os.times()[:2])
        thread.start()
        time.sleep(seconds)
        used = sum(os.times()[:2]) - began
        stream.stop()
        thread.join()
    return used / seconds


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.live", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="of sending, for each line")
    given = parser.parse_args()
    if os.geteuid() != 0:
        say("Live capture isn't measured: network namespaces need root.")
        return 0
    say(f"Machine: {machine()}.\n")
    say("| reader | sent a second | sent | seen | CPU time a packet |")
    say("|---|---:|---:|---:|---:|")
    readers: dict[str, Callable[[VethPair, int, int], Outcome]] = {
        "Geophone, the ring alone": lambda *what: _geophone(*what, decodes=False),
        "Geophone, ring + decode + match": lambda *what: _geophone(*what, decodes=True),
        "`tcpdump -w`": _tcpdump,
    }
    with veth_pair(has_ipv6=False) as pair:
        _geophone(pair, 20_000, 0, decodes=True)  # the warm-up
        for rate in (100_000, 200_000, 400_000, 800_000):
            for name, reader in readers.items():
                done = reader(pair, int(rate * given.seconds), rate)
                each_us = done.cpu_seconds / max(done.seen, 1) * 1e6
                say(
                    f"| {name} | {done.sent / done.seconds:,.0f} | {done.sent:,} | {done.seen:,} "
                    f"| {each_us:.2f} µs |"
                )
        with suppress(KeyboardInterrupt):
            say(f"\nIdle: {_idle_share(pair, given.seconds):.1%} of one core.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
