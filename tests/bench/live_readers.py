"""Readers of live traffic: Geophone's, and what it is compared with. Each reads what it is sent."""

import importlib.util
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from geophone_capture.decoder import TransactionDecoder
from geophone_capture.live.options import DEFAULT_RING_BYTES, LiveOptions
from geophone_capture.live.packet_socket import open_packet_socket
from geophone_capture.live.stream import Idle, LiveStream
from geophone_shared.hashing import KEY_BYTES, SecretKey
from tests.bench import sender
from tests.support.namespaces import VethPair

_SETTLE_SECONDS = 0.5
_POLL_SECONDS = 0.1
_MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent: packets, and how many a second at most (0: as fast as it goes)."""

    packets: int
    rate: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reader did with what was sent.

    Attributes:
        sent: packets.
        seconds: that sending took.
        seen: packets that the reader had half a second later.
        dropped: packets that the kernel had no room for, as the reader tells; None if it doesn't.
        cpu_seconds: of the reader, without its start. What the kernel does to put a packet where
            the reader finds it is the sender's, for all of them.
    """

    sent: int
    seconds: float
    seen: int
    dropped: int | None
    cpu_seconds: float


Reader = Callable[[VethPair, Load], Outcome]


def readers() -> dict[str, Reader]:
    """Those that can be had here, by name."""
    found: dict[str, Reader] = {"Geophone, the ring alone": ring_alone}
    found["Geophone, ring + decode + match"] = ring_and_decoder
    if shutil.which("tcpdump"):
        found["`tcpdump -w`"] = tcpdump
    if importlib.util.find_spec("pcapy"):
        found["libpcap in Python (pcapy-ng), counting"] = pcapy
    if shutil.which("tshark"):
        found["`tshark -T fields`, one field"] = tshark
    return found


def missing() -> list[str]:
    """What could be compared with, and isn't here."""
    tools = [name for name in ("tcpdump", "tshark") if not shutil.which(name)]
    return tools if importlib.util.find_spec("pcapy") else [*tools, "pcapy-ng"]


def ring_alone(pair: VethPair, load: Load) -> Outcome:
    """Geophone's stream of blocks, and nothing done with them."""
    return _geophone(pair, load, None)


def ring_and_decoder(pair: VethPair, load: Load) -> Outcome:
    """Geophone's stream, to rows of transactions."""
    return _geophone(pair, load, TransactionDecoder(SecretKey.from_bytes(bytes(KEY_BYTES))))


def tcpdump(pair: VethPair, load: Load) -> Outcome:
    """To a file."""
    with tempfile.TemporaryDirectory(prefix="geophone-bench-") as folder:
        command = (
            "tcpdump", "-i", pair.interface, "-n", "-B", DEFAULT_RING_BYTES // 1024, "-Z", "root",
            "-w", Path(folder) / "written.pcap", "port 53",
        )  # fmt: skip
        with _process(pair, *command) as reader:
            _until_said(reader, "listening on")
            seconds, cpu_seconds = _measured(reader, pair, load)
            reader.send_signal(signal.SIGINT)
            _, said = reader.communicate()
    seen, dropped = (
        int(re.findall(rf"(\d+) packets {what}", said)[0])
        for what in ("captured", "dropped by kernel")
    )
    return Outcome(load.packets, seconds, seen, dropped, cpu_seconds)


def tshark(pair: VethPair, load: Load) -> Outcome:
    """To a file with the name of each query; it has a second process that captures."""
    with tempfile.TemporaryDirectory(prefix="geophone-bench-") as folder:
        lines = Path(folder) / "names.txt"
        command = (
            "tshark", "-i", pair.interface, "-n", "-l", "-B", DEFAULT_RING_BYTES // _MEBIBYTE,
            "-f", "port 53", "-T", "fields", "-e", "dns.qry.name",
        )  # fmt: skip
        with lines.open("wb") as output, _process(pair, *command, stdout=output) as reader:
            _until_said(reader, "Capture started")
            seconds, cpu_seconds = _measured(reader, pair, load)
            seen = lines.read_bytes().count(b"\n")  # it may be behind, and would catch up
            reader.send_signal(signal.SIGINT)
            _, said = reader.communicate()
    dropped = re.findall(r"(\d+) packets? dropped", said)
    return Outcome(load.packets, seconds, seen, int(dropped[0]) if dropped else 0, cpu_seconds)


def pcapy(pair: VethPair, load: Load) -> Outcome:
    """A function called for each packet, which counts."""
    import pcapy as libpcap  # noqa: PLC0415 - it has no wheel for every machine

    def opened() -> "libpcap.Reader":
        capture = libpcap.create(pair.interface)
        capture.set_snaplen(65_535)
        capture.set_timeout(100)
        capture.set_buffer_size(DEFAULT_RING_BYTES)
        capture.activate()
        capture.setfilter("port 53")
        capture.setnonblock(1)  # `dispatch` would wait for a packet, however long
        return capture

    capture = pair.far.inside(opened)
    seen = 0

    def count(_header: object, _data: bytes) -> None:
        nonlocal seen
        seen += 1

    is_over = threading.Event()

    def read() -> None:
        poll = select.poll()
        poll.register(capture.getfd(), select.POLLIN)
        while not is_over.is_set():
            poll.poll(_POLL_SECONDS * 1e3)
            capture.dispatch(-1, count)

    with _reading(read, is_over.set) as cpu_seconds:
        seconds = _sent(pair, load)
        time.sleep(_SETTLE_SECONDS)
    _, dropped, _ = capture.stats()
    capture.close()
    return Outcome(load.packets, seconds, seen, dropped, cpu_seconds[0])


def idle_share(pair: VethPair, seconds: float) -> float:
    """The part of one core that `geophone run` takes on an interface where nothing comes."""
    with tempfile.TemporaryDirectory(prefix="geophone-bench-") as folder:
        run = (sys.executable, "-m", "geophone", "run", "--interface", pair.interface)
        where = ("--data-dir", folder, "--http", "127.0.0.1:0", "--log-format", "text")
        with _process(pair, *run, *where) as service:
            _until_said(service, "capturing")
            time.sleep(2)  # what it does once
            before = _cpu_seconds(service.pid)
            time.sleep(seconds)
            used = _cpu_seconds(service.pid) - before
            service.terminate()
            service.communicate()
    return used / seconds


def _geophone(pair: VethPair, load: Load, decoder: TransactionDecoder | None) -> Outcome:
    socket = pair.far.inside(open_packet_socket)
    stream = LiveStream([(pair.interface, socket)], LiveOptions())
    seen = 0

    def read() -> None:
        nonlocal seen
        for event in stream:
            if isinstance(event, Idle):
                continue
            seen += len(event.packets)
            if decoder is not None:
                for _ in decoder.feed(event):
                    pass

    with stream:
        with _reading(read, stream.stop) as cpu_seconds:
            seconds = _sent(pair, load)
        dropped = stream.statistics()[pair.interface].dropped
    return Outcome(load.packets, seconds, seen, dropped, cpu_seconds[0])


@contextmanager
def _reading(read: Callable[[], None], stop: Callable[[], None]) -> Iterator[list[float]]:
    """Reads in a thread of its own; afterwards the list has its CPU time."""
    cpu_seconds: list[float] = []

    def measured() -> None:
        read()
        cpu_seconds.append(time.thread_time())

    thread = threading.Thread(target=measured)
    thread.start()
    try:
        yield cpu_seconds
    finally:
        stop()
        thread.join()


@contextmanager
def _process(
    pair: VethPair, *command: object, stdout: object = subprocess.DEVNULL
) -> "Iterator[subprocess.Popen[str]]":
    """A reader that is a process on the far side."""
    started: subprocess.Popen[str] = subprocess.Popen(
        pair.far.command(*command), stdout=stdout, stderr=subprocess.PIPE, encoding="utf-8"
    )  # type: ignore[call-overload]
    try:
        yield started
    finally:
        if started.poll() is None:
            started.kill()
            started.wait()


def _until_said(process: "subprocess.Popen[str]", text: str) -> None:
    assert process.stderr is not None
    while text not in (line := process.stderr.readline()):
        assert line, f"{process.args!r} ended"


def _measured(reader: "subprocess.Popen[str]", pair: VethPair, load: Load) -> tuple[float, float]:
    """Send; (the seconds that it took, the reader's CPU time)."""
    time.sleep(_SETTLE_SECONDS)
    before = _cpu_seconds(reader.pid)
    seconds = _sent(pair, load)
    time.sleep(_SETTLE_SECONDS)
    return seconds, _cpu_seconds(reader.pid) - before


def _sent(pair: VethPair, load: Load) -> float:
    """Let `sender` send from a process of its own on the near side; the seconds that it took."""
    command = (sys.executable, "-S", sender.__file__, load.packets, load.rate)
    return float(pair.near.run(*command).stdout)


def _cpu_seconds(process: int) -> float:
    """That the threads of a process and of its children took so far: proc(5), `schedstat`."""
    tasks = Path(f"/proc/{process}/task")
    seconds = 0.0
    for task in tasks.iterdir():
        seconds += int((task / "schedstat").read_text().split()[0]) / 1e9
        children = (task / "children").read_text().split()
        seconds += sum(_cpu_seconds(int(child)) for child in children)
    return seconds
