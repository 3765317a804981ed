"""Live capture of real traffic, in network namespaces of the tests' own."""

import os
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path

import pytest

from geophone_capture.live.options import LEAST_RING_BYTES, LiveOptions
from geophone_capture.live.packet_socket import open_packet_socket
from geophone_capture.live.ring import RingStatistics
from geophone_capture.live.stream import Idle, LiveStream
from geophone_capture.sources import CaptureStream
from geophone_shared.errors import ConfigError
from tests.support.namespaces import Namespace, VethPair, add_cable, frame_sender, veth_pair
from tests.support.packets import ethernet, ipv4, udp

_DEADLINE_SECONDS = 20.0
_ETH_P_ALL = 3


class Watched:
    """A stream that a thread reads; packets as bytes, with their times."""

    def __init__(self, stream: LiveStream) -> None:
        self.stream = stream
        self.packets: list[tuple[int, bytes]] = []
        self.idles: list[int] = []
        self.may_read = threading.Event()
        self.may_read.set()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        for event in self.stream:
            if isinstance(event, Idle):
                self.idles.append(event.clock_us)
            else:
                for row in event.packets:
                    start, captured = int(row["offset"]), int(row["captured"])
                    data = event.buffer[start : start + captured].tobytes()
                    self.packets.append((int(row["time_us"]), data))
            self.may_read.wait()

    def stop(self) -> None:
        self.may_read.set()
        self.stream.stop()
        self._thread.join()

    def statistics(self) -> RingStatistics:
        (only,) = self.stream.statistics().values()
        return only


@contextmanager
def watched(space: Namespace, options: LiveOptions, *names: str) -> Iterator[Watched]:
    sockets = [(name, space.inside(open_packet_socket)) for name in names]
    with LiveStream(sockets, options) as stream:
        reader = Watched(stream)
        try:
            yield reader
        finally:
            reader.stop()


def until(holds: Callable[[], bool]) -> None:
    """Wait for what a thread does; an event for each of these would be part of the product."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def frame(number: int, client_port: int = 40_000, tags: tuple[int, ...] = ()) -> bytes:
    return ethernet(ipv4(udp(struct.pack("!I", number), client_port, 53)), tags=tags)


def number_of(data: bytes) -> int:
    return int(struct.unpack("!I", data[-4:])[0])


def numbers(reader: Watched) -> list[int]:
    return [number_of(data) for _, data in reader.packets]


def test_what_is_dropped_is_counted_exactly() -> None:
    options = LiveOptions(ring_bytes=LEAST_RING_BYTES)
    sent = 20_000
    with veth_pair(has_ipv6=False) as pair, watched(pair.far, options, "wire") as reader:
        until(lambda: len(reader.idles) > 0)
        reader.may_read.clear()
        with frame_sender(pair.near) as raw:
            for number in range(sent):
                raw.send(frame(number))
        reader.stop()
        statistics = reader.statistics()
    assert statistics.dropped > 0
    assert statistics.freezes > 0
    assert len(reader.packets) == statistics.received
    assert statistics.received + statistics.dropped == sent
    assert statistics.lost == 0


def test_tags_are_inside_or_taken_off_and_both_directions_are_seen() -> None:
    tagged = [(), (0x8100,), (0x88A8, 0x8100)]
    with veth_pair(has_ipv6=False) as pair, watched(pair.far, LiveOptions(), "wire") as reader:
        with frame_sender(pair.near) as near, frame_sender(pair.far) as far:
            for number, tags in enumerate(tagged):
                near.send(frame(number, tags=tags))
                far.send(frame(number + 10, tags=tags))
        until(lambda: len(reader.packets) == 6)
        assert sorted(numbers(reader)) == [0, 1, 2, 10, 11, 12]
        assert reader.statistics().tagged >= 2


def test_other_ports_stay_out() -> None:
    with veth_pair(has_ipv6=False) as pair, watched(pair.far, LiveOptions(), "wire") as reader:
        with frame_sender(pair.near) as raw:
            raw.send(ethernet(ipv4(udp(b"web!", 40_000, 80))))
            raw.send(frame(1))
        until(lambda: len(reader.packets) > 0)
        assert numbers(reader) == [1]


def test_two_interfaces_are_merged_by_time() -> None:
    count = 400
    cables = ("wire", "other")
    with veth_pair(cables=cables, has_ipv6=False) as pair:
        with watched(pair.far, LiveOptions(), *cables) as reader:
            with frame_sender(pair.near, "wire") as one, frame_sender(pair.near, "other") as other:
                for number in range(count):
                    (one, other)[number % 2].send(frame(number))
            until(lambda: len(reader.packets) == count)
            received = [each.received for each in reader.stream.statistics().values()]
        assert received == [count // 2, count // 2]
        assert numbers(reader) == list(range(count))
        assert [time_us for time_us, _ in reader.packets] == sorted(
            time_us for time_us, _ in reader.packets
        )


def test_beside_a_silent_interface_what_has_to_wait_and_finds_no_room_is_counted() -> None:
    options = LiveOptions(ring_bytes=LEAST_RING_BYTES)
    cables, sent = ("wire", "silent"), 30_000
    with veth_pair(cables=cables, has_ipv6=False) as pair:
        with watched(pair.far, options, *cables) as reader:
            until(lambda: len(reader.idles) > 0)
            with frame_sender(pair.near) as raw:
                for number in range(sent):
                    raw.send(frame(number))
            until(lambda: len(reader.packets) + dropped(reader) == sent)
        wire = reader.stream.statistics()["wire"]
    assert wire.received + wire.dropped == sent
    assert len(reader.packets) == wire.received
    assert numbers(reader) == sorted(set(numbers(reader)))


def dropped(reader: Watched) -> int:
    return sum(each.dropped for each in reader.stream.statistics().values())


def test_members_of_a_group_share_flows_and_no_packet_comes_twice() -> None:
    flows, rounds = 60, 5
    options = LiveOptions(fanout_group=os.getpid() & 0xFFFF)
    with ExitStack() as stack:
        pair = stack.enter_context(veth_pair(has_ipv6=False))
        readers = [stack.enter_context(watched(pair.far, options, "wire")) for _ in range(3)]
        with frame_sender(pair.near) as near, frame_sender(pair.far) as far:
            for number in range(flows * rounds):
                port = 40_000 + number % flows
                near.send(frame(number, port))
                back = ipv4(
                    udp(struct.pack("!I", number), 53, port), source="10.0.2.20",
                    destination="10.0.2.30",
                )  # fmt: skip
                far.send(ethernet(back))
        until(lambda: sum(len(each.packets) for each in readers) >= 2 * flows * rounds)
    seen = [sorted(numbers(reader)) for reader in readers]
    assert sorted(chain.from_iterable(seen)) == sorted(2 * list(range(flows * rounds)))
    members_of_flow = [
        {place for place, each in enumerate(seen) for number in each if number % flows == flow}
        for flow in range(flows)
    ]
    assert all(len(members) == 1 for members in members_of_flow)
    assert len(set().union(*members_of_flow)) > 1


def test_an_interface_that_goes_down_and_comes_back_is_survived() -> None:
    with veth_pair(has_ipv6=False) as pair, watched(pair.far, LiveOptions(), "wire") as reader:
        _send_one(pair, 1)
        until(lambda: numbers(reader) == [1])
        pair.far.ip("link", "set", "wire", "down")
        until(lambda: not reader.statistics().is_up)
        pair.far.ip("link", "set", "wire", "up")
        until(lambda: reader.statistics().is_up)
        _send_one(pair, 2)
        until(lambda: numbers(reader) == [1, 2])
        assert reader.statistics().downs == 1


def test_an_interface_that_is_removed_and_made_anew_is_found_again() -> None:
    options = LiveOptions(promiscuous=True)
    with veth_pair(has_ipv6=False) as pair, watched(pair.far, options, "wire") as reader:
        pair.far.ip("link", "del", "wire")
        until(lambda: not reader.statistics().is_up)
        add_cable(pair, "wire")
        until(lambda: reader.statistics().is_up)
        _send_one(pair, 3)
        until(lambda: numbers(reader) == [3])
        assert reader.statistics().downs == 1


def test_the_clock_moves_when_nothing_comes() -> None:
    with veth_pair(has_ipv6=False) as pair, watched(pair.far, LiveOptions(), "wire") as reader:
        until(lambda: len(reader.idles) > 2)
        assert reader.idles == sorted(reader.idles)
        assert 0 < time.time_ns() // 1_000 - reader.idles[-1] < 5_000_000


def test_what_comes_by_is_what_tcpdump_records(
    require_tool: Callable[[str], Path], tmp_path: Path
) -> None:
    tcpdump, recorded = require_tool("tcpdump"), tmp_path / "recorded.pcap"
    count = 300
    with veth_pair(has_ipv6=False) as pair, watched(pair.far, LiveOptions(), "wire") as reader:
        recording = subprocess.Popen(
            pair.far.command(tcpdump, "-i", "wire", "-U", "-Z", "root", "-w", recorded, "port 53"),
            stderr=subprocess.DEVNULL,
        )
        until(lambda: recorded.exists() and recorded.stat().st_size > 0)
        with frame_sender(pair.near) as near, frame_sender(pair.far) as far:
            for number in range(count):
                (near, far)[number % 2].send(frame(number))
        until(lambda: len(reader.packets) == count)
        until(lambda: recorded.stat().st_size == 24 + count * (16 + len(frame(0))))
        recording.terminate()
        recording.wait()
    with CaptureStream([str(recorded)]) as stream:
        lengths = [int(row["captured"]) for block in stream for row in block.packets]
    assert lengths == [len(data) for _, data in reader.packets]
    assert numbers(reader) == list(range(count))


def test_an_interface_that_is_not_there_is_a_sentence() -> None:
    with veth_pair(has_ipv6=False) as pair:
        for name in ("eth9", "a-name-that-is-too-long", ""):
            sockets = [(name, pair.far.inside(open_packet_socket))]
            with pytest.raises(ConfigError, match="geophone capture devices"):
                LiveStream(sockets, LiveOptions()).__enter__()
            assert sockets[0][1].fileno() == -1


def test_a_number_of_another_group_is_a_sentence() -> None:
    with veth_pair(cables=("wire", "other"), has_ipv6=False) as pair:
        options = LiveOptions(fanout_group=7)
        with watched(pair.far, options, "wire"):
            sockets = [("other", pair.far.inside(open_packet_socket))]
            with pytest.raises(ConfigError, match="fan-out group 7 can't be joined"):
                LiveStream(sockets, options).__enter__()


def _send_one(pair: VethPair, number: int) -> None:
    with frame_sender(pair.near) as raw:
        raw.send(frame(number))
