"""Network namespaces of a test's own: traffic that is real, and stays inside of them.

They are made with iproute2, need root, and are gone afterwards. Each side of a `VethPair` is a
namespace; commands run inside with `Namespace.run` and `start`, Python code with `inside`, in a
thread of its own (a thread that changes its namespace must not be used for anything else).
"""

import ctypes
import itertools
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.support import outside

_Result = TypeVar("_Result")

_CLONE_NEWNET = 0x40000000  # sched.h
_numbers = itertools.count()


def require_namespaces() -> None:
    """Skip the running test, or fail it, where namespaces can't be made."""
    outside.require_tool("ip")
    if os.geteuid() != 0:
        outside.report_missing("network namespaces need root")


@dataclass(frozen=True, slots=True)
class Namespace:
    """A network namespace that exists."""

    name: str

    def command(self, *arguments: object) -> list[str]:
        """The command line that runs another one inside."""
        return ["ip", "netns", "exec", self.name, *map(str, arguments)]

    def run(self, *arguments: object, **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run a command inside, to its end; it has to succeed."""
        return _run(self.command(*arguments), **options)

    def ip(self, *arguments: object) -> None:
        """Run `ip` on the namespace."""
        _run(["ip", "-n", self.name, *map(str, arguments)])

    def inside(self, function: Callable[[], _Result]) -> _Result:
        """Call `function` inside, and wait for it; sockets that it makes stay inside."""
        results: list[_Result] = []
        errors: list[BaseException] = []

        def work() -> None:
            try:
                enter(self.name)
                results.append(function())
            except BaseException as error:  # noqa: BLE001 - raised again where it belongs
                errors.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        if errors:
            raise errors[0]
        return results[0]

    def socket(self, *arguments: int) -> socket.socket:
        """A socket of this namespace."""
        return self.inside(lambda: socket.socket(*arguments))


@dataclass(frozen=True, slots=True)
class VethPair:
    """Two namespaces, joined by a cable with an end called `wire` in both."""

    near: Namespace
    far: Namespace
    interface: str = "wire"
    near_address: str = "10.0.2.17"
    far_address: str = "10.0.2.53"
    near_address_6: str = "fd00::17"
    far_address_6: str = "fd00::53"


def frame_sender(space: Namespace, interface: str = "wire") -> socket.socket:
    """A socket that sends frames as they are, and receives none."""
    made = space.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    made.bind((interface, 0))
    return made


def enter(name: str) -> None:
    """Move the calling thread into a namespace, for good."""
    descriptor = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _setns(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def namespace(role: str = "test") -> Iterator[Namespace]:
    """A new namespace, with its loopback up."""
    require_namespaces()
    made = Namespace(f"geophone-{role}-{os.getpid()}-{next(_numbers)}")
    subprocess.run(["ip", "netns", "add", made.name], check=True)
    try:
        made.ip("link", "set", "lo", "up")
        yield made
    finally:
        subprocess.run(["ip", "netns", "del", made.name], check=True)


@contextmanager
def veth_pair(
    mtu: int = 1500, cables: Sequence[str] = ("wire",), *, has_ipv6: bool = True
) -> Iterator[VethPair]:
    """Two namespaces and a cable between; more of them where more names are given.

    The first has IPv4 and IPv6 addresses; all are up, and nothing of the machine's own chatter
    (router solicitations, duplicate address detection) is on them. Without IPv6 nothing at all is,
    also no multicast listener report.
    """
    with ExitStack() as made:
        pair = VethPair(
            made.enter_context(namespace("near")), made.enter_context(namespace("far")), cables[0]
        )
        for space in (pair.near, pair.far):
            _calm(space, has_ipv6=has_ipv6)
        for number, cable in enumerate(cables):
            _join(pair, cable, number, mtu)
        for space, address, address_6 in (
            (pair.near, pair.near_address, pair.near_address_6),
            (pair.far, pair.far_address, pair.far_address_6),
        ):
            space.ip("address", "add", f"{address}/24", "dev", cables[0])
            if has_ipv6:
                space.ip("address", "add", f"{address_6}/64", "dev", cables[0], "nodad")
        yield pair


def add_cable(pair: VethPair, cable: str, number: int = 0, mtu: int = 1500) -> None:
    """Join the two sides by (another) cable, without addresses; up."""
    _join(pair, cable, number, mtu)


def _join(pair: VethPair, cable: str, number: int, mtu: int) -> None:
    near = ["link", "add", cable, "mtu", mtu, "address", f"02:00:00:00:{number:02x}:17"]
    far = ["peer", "name", cable, "mtu", mtu, "address", f"02:00:00:00:{number:02x}:53"]
    pair.near.ip(*near, "type", "veth", *far, "netns", pair.far.name)
    pair.near.ip("link", "set", cable, "up")
    pair.far.ip("link", "set", cable, "up")


def _run(command: list[str], **options: Any) -> "subprocess.CompletedProcess[str]":
    finished = subprocess.run(
        command, capture_output=True, encoding="utf-8", timeout=60, check=False, **options
    )
    assert finished.returncode == 0, f"{command} failed: {finished.stderr}{finished.stdout}"
    return finished


def _calm(space: Namespace, *, has_ipv6: bool) -> None:
    for setting in ("accept_dad", "router_solicitations", "autoconf"):
        space.run("sysctl", "-qw", f"net.ipv6.conf.default.{setting}=0")
    space.run("sysctl", "-qw", "net.ipv6.conf.default.addr_gen_mode=1")  # no link-local address
    if not has_ipv6:
        space.run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")


def _setns(descriptor: int) -> None:
    # Python has os.setns from 3.12 on.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
