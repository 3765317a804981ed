"""Hours of load on an interface: nothing is lost, and memory and the rest stay as they were.

`make test` has seconds of it, `make soak` an hour. Packets are dated when they come, so an hour is
an hour; it is accelerated by how many there are.
"""

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.generator.arrivals import Mixture
from tests.support.generator.pcap import pcap_chunks
from tests.support.generator.shapes import ordinary_shapes
from tests.support.generator.tunnels import iodine
from tests.support.namespaces import frame_sender, veth_pair
from tests.support.pipeline import COUNTED
from tests.support.service_processes import ANY_PORT, COMMAND, started
from tests.support.soak import RATE, SECONDS, Course, watch
from tests.support.tunnels import until
from tests.support.twenty_tunnels import TUNNELS
from tests.support.watching import Watching
from tests.support.watching import watch as watch_service

_FILE_HEADER_BYTES, _RECORD = 24, struct.Struct("<IIII")
_PENDING = "geophone_capture_pending_queries"
_OUTCOMES = ("answered", "unanswered", "unsolicited")


@pytest.mark.timeout(SECONDS + 300)
async def test_live_capture_loses_nothing_and_stays_as_it_is(tmp_path: Path) -> None:
    with veth_pair(has_ipv6=False) as pair:
        run = ("run", "--interface", pair.interface, "--http", ANY_PORT)
        command = pair.far.command(*COMMAND)
        async with started(*run, "--data-dir", str(tmp_path), command=command) as service:
            await service.until_said("capturing")
            watching = await watch_service(service, pair.far)
            courses: dict[str, Course] = {}
            is_over = threading.Event()

            async def metric(series: str) -> float:
                return await asyncio.to_thread(watching.metric, series)

            with frame_sender(pair.near) as raw:
                try:
                    async with asyncio.TaskGroup() as tasks:
                        looking = tasks.create_task(watch({"run": metric}, courses))
                        sent = await asyncio.to_thread(send_for, SECONDS, raw, is_over)
                        looking.cancel()
                finally:
                    is_over.set()
            label = f'{{interface="{pair.interface}"}}'
            packets = f"geophone_capture_packets_total{label}"
            await until(lambda: watching.metric(packets) >= sent, "every packet")
            await until(lambda: watching.metric(_PENDING) == 0, "timeouts")
            assert watching.metric(packets) == sent
            assert watching.metric(packets.replace("packets", "kernel_drops")) == 0
            found = transactions(watching)
            await until(lambda: watching.metric(COUNTED) >= found, "every transaction is counted")
            assert watching.metric(COUNTED) == found
            assert await service.stop() == 0
    courses["run"].assert_flat("live", found)


def transactions(watching: Watching) -> float:
    series = (
        f'geophone_capture_transactions_total{{outcome="{outcome}"}}' for outcome in _OUTCOMES
    )
    return sum(map(watching.metric, series))


def send_for(seconds: float, raw: socket.socket, is_over: threading.Event) -> int:
    """Send as the mixture dates it, for so long or until it is over; how many packets."""
    began = time.monotonic()
    first_us = None
    sent = 0
    for time_us, frame in frames():
        first_us = time_us if first_us is None else first_us
        due = began + (time_us - first_us) / 1e6
        if due - began > seconds or is_over.is_set():
            break
        if (wait := due - time.monotonic()) > 0:
            time.sleep(wait)
        raw.send(frame)
        sent += 1
    return sent


def frames() -> Iterator[tuple[int, bytes]]:
    """Ordinary traffic with twenty tunnels, more of it than is needed: (time in µs, frame)."""
    mixture = Mixture(
        seed=11,
        seconds=2 * (SECONDS + 60),
        ordinary_per_second=RATE,
        tunnels=tuple(iodine(f"tunnel-{number}.net", 2) for number in range(TUNNELS)),
        shapes=ordinary_shapes(500),
        clients=200,
    )
    chunks = pcap_chunks(mixture)
    assert len(next(chunks)) == _FILE_HEADER_BYTES
    for chunk in chunks:
        at = 0
        while at < len(chunk):
            seconds, microseconds, captured, _ = _RECORD.unpack_from(chunk, at)
            at += _RECORD.size
            yield seconds * 1_000_000 + microseconds, chunk[at : at + captured]
            at += captured
