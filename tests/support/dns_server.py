"""A real DNS server (Debian's unbound) in a namespace, and what goes over its cable, recorded."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import outside
from tests.support.namespaces import Namespace, VethPair

LARGE_NAME = "large.test"
"""Has a TXT record of about 3,000 bytes."""

_DEADLINE_SECONDS = 30
_MARK = b"the last packet of this recording"
_CONFIG = """
server:
  directory: ""
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  interface: 0.0.0.0
  interface: ::0
  access-control: 0.0.0.0/0 allow
  access-control: ::0/0 allow
  module-config: "iterator"
  incoming-num-tcp: 200
  edns-buffer-size: 4096
  max-udp-size: 4096
  local-zone: "example." redirect
  local-data: "example. 60 IN A 192.0.2.1"
  local-zone: "large.test." redirect
  local-data: '{large}'
remote-control:
  control-enable: no
"""


@contextmanager
def unbound(space: Namespace, folder: Path) -> Iterator[None]:
    """Unbound that answers every name below `example` and `large.test`, until it is left."""
    program = outside.require_tool("unbound")
    strings = " ".join(f'"{"x" * 250}"' for _ in range(12))
    config = folder / "unbound.conf"
    config.write_text(_CONFIG.format(large=f"{LARGE_NAME}. 60 IN TXT {strings}"), encoding="ascii")
    process = subprocess.Popen(
        space.command(program, "-d", "-c", config),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        _wait_for_server(space, process)
        yield
    finally:
        process.kill()
        process.communicate()


def _wait_for_server(space: Namespace, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while True:
        assert process.poll() is None, process.stderr and process.stderr.read()
        with space.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            if probe.connect_ex(("127.0.0.1", 53)) == 0:
                return
        assert time.monotonic() < deadline, "unbound doesn't answer"
        time.sleep(0.05)


@contextmanager
def recording(pair: VethPair, capture: Path, *, is_far: bool = False) -> Iterator[None]:
    """Record what passes one end of the cable into `capture`, to the last packet."""
    space, other_address = pair.near, pair.far_address
    if is_far:
        space, other_address = pair.far, pair.near_address
    program = outside.require_tool("tcpdump")
    how = ["-n", "-U", "--immediate-mode", "-Z", "root", "-B", 16_384, "-w", capture]
    process = subprocess.Popen(
        space.command(program, "-i", pair.interface, *how, "ip or ip6"),
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "listening on" in line:
                break
        yield
        with space.socket(socket.AF_INET, socket.SOCK_DGRAM) as marker:
            deadline = time.monotonic() + _DEADLINE_SECONDS
            while _MARK not in capture.read_bytes():
                marker.sendto(_MARK, (other_address, 9))
                assert time.monotonic() < deadline, "tcpdump doesn't write"
                time.sleep(0.02)
    finally:
        process.terminate()
        _, told = process.communicate()
    assert "0 packets dropped by kernel" in told, told
