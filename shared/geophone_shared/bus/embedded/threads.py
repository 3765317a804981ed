"""The threads that the embedded log's transactions run in, so that the event loop never waits.

One thread writes: what comes while a transaction runs goes into the next one together (group
commit), since waiting for the disk is what a transaction costs. Others read.
"""

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from geophone_shared.bus.embedded.database import connect, database_failures, transaction
from geophone_shared.errors import TransientError

_Result = TypeVar("_Result")
_GROUP_LIMIT = 64
_WAITING_LIMIT = 1024
_ANSWER_SECONDS = 30.0
_READING_THREADS = 4


class _Work(NamedTuple):
    do: Callable[[sqlite3.Connection], Any]
    done: asyncio.Future[Any]
    at_end: Callable[[], None]


class WritingThread:
    """Writes to the log at `path`: the only one that does."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = connect(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bus-write")
        self._waiting: deque[_Work] = deque()
        self._group: asyncio.Future[list[Any]] | None = None

    async def run(
        self, do: Callable[[sqlite3.Connection], _Result], at_end: Callable[[], None] = lambda: None
    ) -> _Result:
        """Do something in a transaction; its result, once it is on the disk.

        Args:
            do: what.
            at_end: called when it was done or has failed, also if nobody waits for that any more.

        Raises:
            ConfigError: the file is damaged.
            TransientError: the disk is full, fails or is too slow; nothing was done, but in the
                last case perhaps later.
        """
        if len(self._waiting) >= _WAITING_LIMIT:
            raise TransientError(f"{_WAITING_LIMIT} others wait for the disk of {self._path}")
        loop = asyncio.get_running_loop()
        work = _Work(do, loop.create_future(), at_end)
        self._waiting.append(work)
        if self._group is None:
            self._begin_group()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                result: _Result = await work.done
                return result
        except TimeoutError as error:
            raise TransientError(
                f"the disk of {self._path} takes longer than {_ANSWER_SECONDS:g} s"
            ) from error

    async def close(self) -> None:
        """Finish what was begun."""
        while self._group is not None:
            await asyncio.wait([self._group])
        await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()

    def _begin_group(self) -> None:
        group = [self._waiting.popleft() for _ in range(min(len(self._waiting), _GROUP_LIMIT))]
        self._group = asyncio.get_running_loop().run_in_executor(
            self._thread, self._write, [work.do for work in group]
        )
        self._group.add_done_callback(lambda written: self._end_group(group, written))

    def _end_group(self, group: list[_Work], written: asyncio.Future[list[Any]]) -> None:
        error = written.exception()
        for index, work in enumerate(group):
            work.at_end()
            if work.done.done():
                continue  # given up
            if error is None:
                work.done.set_result(written.result()[index])
            else:
                work.done.set_exception(error)
        self._group = None
        if self._waiting:
            self._begin_group()

    def _write(self, group: list[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
        with database_failures(self._path), transaction(self._connection, "IMMEDIATE"):
            return [do(self._connection) for do in group]


class ReadingThreads:
    """Read from the log at `path`, each thread with a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connections: list[sqlite3.Connection] = []
        self._own = threading.local()
        self._threads = ThreadPoolExecutor(_READING_THREADS, thread_name_prefix="bus-read")

    async def run(self, do: Callable[[sqlite3.Connection], _Result]) -> _Result:
        """Look at one state of the log; what was found.

        Raises:
            ConfigError: the file is damaged.
            TransientError: the disk fails or is too slow.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await loop.run_in_executor(self._threads, self._read, do)
        except TimeoutError as error:
            raise TransientError(
                f"the disk of {self._path} takes longer than {_ANSWER_SECONDS:g} s"
            ) from error

    async def close(self) -> None:
        """Finish what was begun."""
        await asyncio.to_thread(self._threads.shutdown)
        for connection in self._connections:
            connection.close()

    def _read(self, do: Callable[[sqlite3.Connection], _Result]) -> _Result:
        with database_failures(self._path):
            if not hasattr(self._own, "connection"):
                self._own.connection = connect(self._path)
                self._connections.append(self._own.connection)
                self._own.connection.execute("PRAGMA query_only=ON")
            connection: sqlite3.Connection = self._own.connection
            with transaction(connection, "DEFERRED"):
                return do(connection)
