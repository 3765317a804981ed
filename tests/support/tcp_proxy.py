"""A TCP proxy that delays, cuts and swallows what goes through it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHUNK_BYTES = 65_536


class Proxy:
    """What becomes of the connections, from now on; by default nothing.

    Attributes:
        delay_seconds: each way.
        passes: while it is clear, connections stay open and nothing comes through: a black hole.
        connections: how many there were so far.
    """

    def __init__(self) -> None:
        self.delay_seconds = 0.0
        self.passes = asyncio.Event()
        self.passes.set()
        self.connections = 0
        self._writers: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Reset every connection that there is."""
        for writer in self._writers:
            writer.transport.abort()

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand on what comes, until either side ends."""
        self._writers.add(writer)
        try:
            with suppress(ConnectionError):
                while data := await reader.read(_CHUNK_BYTES):
                    await asyncio.sleep(self.delay_seconds)
                    await self.passes.wait()
                    writer.write(data)
                    await writer.drain()
        finally:
            self._writers.discard(writer)
            writer.close()


@asynccontextmanager
async def open_proxy(port: int, to_port: int) -> AsyncIterator[Proxy]:
    """A proxy on a port of the loopback interface, to another one."""
    proxy = Proxy()
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        proxy.connections += 1
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        task.add_done_callback(running.discard)
        try:
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", to_port)
        except OSError:
            writer.transport.abort()
            return
        with suppress(asyncio.CancelledError):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(proxy.pump(reader, to_writer))
                tasks.create_task(proxy.pump(to_reader, writer))

    listener = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield proxy
    finally:
        listener.close()
        proxy.cut()
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
