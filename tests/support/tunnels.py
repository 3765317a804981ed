"""Real DNS tunnels between the two sides of a cable: iodine and dns2tcp, as Debian has them."""

import asyncio
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from tests.support.namespaces import Namespace, VethPair

_WAIT_SECONDS = 30
_FAR_INSIDE, _NEAR_INSIDE = "10.9.0.1", "10.9.0.2"
_LOOPBACK, _PORT = "127.0.0.1", 8_888
_DATAGRAMS, _DATAGRAM_BYTES = 12, 900
_LOST_SECONDS = 0.5


async def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds that only asking tells."""
    try:
        async with asyncio.timeout(_WAIT_SECONDS):
            while not holds():  # noqa: ASYNC110 - it is another process that changes
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{what} did not happen") from None


@asynccontextmanager
async def running(space: Namespace, *command: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """A command inside a namespace; ended as by a person in the end."""
    process = await asyncio.create_subprocess_exec(
        *space.command(*command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def iodine(
    pair: VethPair,
    domain: str,
    record_type: str,
    fragment_bytes: int,
    *,
    is_forwarded: bool = False,
) -> None:
    """Carry packets of random bytes through a tunnel, both ways; its server is at the far side.

    Args:
        pair: the two sides.
        domain: of the tunnel.
        record_type: that the answers come in.
        fragment_bytes: of what an answer carries.
        is_forwarded: whether there is a forwarder before the server, which lets its answers be cut
            to the cable's MTU, as iodined does not.
    """
    place = ("-l", _LOOPBACK, "-p", str(_PORT)) if is_forwarded else ()
    far = ("iodined", "-f", "-c", *place, "-P", "geophone", f"{_FAR_INSIDE}/27", domain)
    near = ("iodine", "-f", "-r", "-T", record_type, "-m", fragment_bytes, "-P", "geophone")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running(pair.far, *far))
        if is_forwarded:
            await stack.enter_async_context(_forwarding(pair))
        await until(lambda: _has(pair.far, _FAR_INSIDE), "the start of iodined")
        async with running(pair.near, *near, pair.far_address, domain):
            await until(lambda: _has(pair.near, _NEAR_INSIDE), "the start of iodine")
            await _carry(pair.near, pair.far, _FAR_INSIDE)
            await _carry(pair.far, pair.near, _NEAR_INSIDE)


async def _carry(sender: Namespace, receiver: Namespace, address: str) -> None:
    """Send datagrams, each when the one before has arrived or is lost."""
    loop = asyncio.get_running_loop()
    with (
        sender.socket(socket.AF_INET, socket.SOCK_DGRAM) as outgoing,
        receiver.socket(socket.AF_INET, socket.SOCK_DGRAM) as incoming,
    ):
        incoming.bind((address, _PORT))
        incoming.settimeout(0)
        for _ in range(_DATAGRAMS):
            outgoing.sendto(os.urandom(_DATAGRAM_BYTES), (address, _PORT))
            with suppress(TimeoutError):
                await asyncio.wait_for(loop.sock_recv(incoming, 65_535), _LOST_SECONDS)


class _Forwarder(asyncio.DatagramProtocol):
    """Hands queries of one client on, and answers back."""

    def __init__(self) -> None:
        self.listening: asyncio.DatagramTransport
        self.asking: asyncio.DatagramTransport
        self._client = ("", 0)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        if address == (_LOOPBACK, _PORT):
            self.listening.sendto(data, self._client)
        else:
            self._client = address
            self.asking.sendto(data, (_LOOPBACK, _PORT))


@asynccontextmanager
async def _forwarding(pair: VethPair) -> AsyncIterator[None]:
    """A forwarder at the far side's port 53, before a server at `_PORT` of its loopback."""
    forwarder = _Forwarder()
    loop = asyncio.get_running_loop()
    transports = []
    for address in ((pair.far_address, 53), (_LOOPBACK, 0)):
        bound = pair.far.socket(socket.AF_INET, socket.SOCK_DGRAM)
        bound.bind(address)
        transport, _ = await loop.create_datagram_endpoint(lambda: forwarder, sock=bound)
        transports.append(transport)
    forwarder.listening, forwarder.asking = transports
    try:
        yield
    finally:
        for transport in transports:
            transport.close()


async def dns2tcp(pair: VethPair, domain: str, size_bytes: int) -> None:
    """Carry random bytes over a TCP connection through a tunnel to the far side."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "dns2tcpd.conf"
        settings.write_text(
            f"listen = {pair.far_address}\nport = 53\nuser = root\nchroot = {folder}\n"
            f"domain = {domain}\nresources = sink:127.0.0.1:{_PORT}\n"
        )
        sink = pair.far.socket()
        sink.bind(("127.0.0.1", _PORT))
        arrived = asyncio.Event()
        received = 0

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal received
            while received < size_bytes and (data := await reader.read(65_536)):
                received += len(data)
            arrived.set()
            writer.close()

        server = await asyncio.start_server(take, sock=sink)
        near = ("dns2tcpc", "-z", domain, "-r", "sink", "-l", _PORT, pair.far_address)
        async with (
            running(pair.far, "dns2tcpd", "-F", "-f", settings),
            running(pair.near, *near),
        ):
            await until(lambda: _listens(pair.near), "the start of dns2tcpc")
            client = pair.near.socket()
            client.connect(("127.0.0.1", _PORT))
            _, writer = await asyncio.open_connection(sock=client)
            writer.write(bytes(range(256)) * (size_bytes // 256))
            async with asyncio.timeout(_WAIT_SECONDS):
                await arrived.wait()
            writer.close()
        server.close()


def _has(space: Namespace, address: str) -> bool:
    return f"inet {address}/" in space.run("ip", "address", "show").stdout


def _listens(space: Namespace) -> bool:
    listening = f":{_PORT:04X} 00000000:0000 0A"  # proc(5): local and remote address, TCP_LISTEN
    return listening in space.run("cat", "/proc/self/net/tcp").stdout
