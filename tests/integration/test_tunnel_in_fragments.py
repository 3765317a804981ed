"""A real tunnel (Debian's iodine) whose messages arrive in fragments, in any order."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from geophone.replay import ReplayOptions, replay
from tests.support import outside
from tests.support.disturbed_cable import Disturbance, disturbed_pair
from tests.support.dns_server import recording
from tests.support.namespaces import Namespace, VethPair
from tests.support.tshark import count_dns

DOMAIN = "t.tunnel.example"
FAR_INSIDE, NEAR_INSIDE = "10.9.0.1", "10.9.0.2"
SECONDS = 30
IN_FRAGMENTS = Disturbance(lost=0, repeated=0, held_back=0.3, fragment_bytes=128)


@contextmanager
def running(space: Namespace, folder: Path, address: str, *command: object) -> Iterator[None]:
    """A program in the background, once its end of the tunnel has its address."""
    log = folder / f"{command[0]}.log".replace("/", "-")
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            space.command(*command), stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
    try:
        deadline = time.monotonic() + SECONDS
        while f"inet {address}/" not in space.run("ip", "address", "show").stdout:
            assert process.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.wait()


def exchange(pair: VethPair) -> None:
    """Have random bytes come through the tunnel and back, again and again."""
    with (
        pair.far.socket(socket.AF_INET, socket.SOCK_DGRAM) as far,
        pair.near.socket(socket.AF_INET, socket.SOCK_DGRAM) as near,
    ):
        far.bind((FAR_INSIDE, 7))
        near.connect((FAR_INSIDE, 7))
        for end in (far, near):
            end.settimeout(SECONDS)
        for _ in range(20):
            payload = os.urandom(600)
            near.send(payload)
            received, address = far.recvfrom(1_000)
            far.sendto(received, address)
            assert near.recv(1_000) == payload


def use_tunnel(pair: VethPair, iodine: Path, folder: Path) -> None:
    """Put up a tunnel and send something through it, both ways."""
    iodined = outside.require_tool("iodined")
    serve = (iodined, "-f", "-c", "-P", "geophone", f"{FAR_INSIDE}/27", DOMAIN)
    connect = (iodine, "-f", "-r", "-T", "NULL", "-m", 900, "-P", "geophone")
    with (
        running(pair.far, folder, FAR_INSIDE, *serve),
        running(pair.near, folder, NEAR_INSIDE, *connect, pair.far_address, DOMAIN),
    ):
        exchange(pair)


def test_what_arrives_in_fragments_is_what_tshark_puts_together(
    iodine: Path, tshark: Path, tmp_path: Path
) -> None:
    captures = (tmp_path / "near.pcap", tmp_path / "far.pcap")
    with (
        disturbed_pair(IN_FRAGMENTS) as pair,
        recording(pair, captures[0]),
        recording(pair, captures[1], is_far=True),
    ):
        use_tunnel(pair, iodine, tmp_path)
    for capture in captures:
        count = count_dns(tshark, capture)
        report: dict[str, Any] = replay(ReplayOptions((str(capture),)), None)
        assert report["messages"] == {"queries": count.queries, "responses": count.responses}
        [row] = report["top_domains"]
        assert row["registered_domain"] == "tunnel.example"
        assert row["unique_hostnames"] == len(count.names)
        assert report["not_decoded"] == {}
        assert report["pieces"]["ip_fragment"] > 50
    # What left an end is whole there, and came to the other in pieces.
    assert count_dns(tshark, captures[0]).names == count_dns(tshark, captures[1]).names
