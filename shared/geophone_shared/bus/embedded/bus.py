"""Opening the embedded log."""

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from geophone_shared.bus.embedded.database import database_failures, prepare
from geophone_shared.bus.embedded.store import SqliteStore
from geophone_shared.bus.embedded.threads import ReadingThreads, WritingThread
from geophone_shared.bus.local import LocalBus
from geophone_shared.errors import ConfigError


@asynccontextmanager
async def open_embedded_bus(
    path: Path, now_us: Callable[[], int] = lambda: time.time_ns() // 1000
) -> AsyncIterator[LocalBus]:
    """The log in the file at `path`, for this process alone; a new one where there is none.

    Args:
        path: The file; SQLite keeps others beside it, and so does the lock.
        now_us: The time that records are published at, µs since the epoch.

    Raises:
        ConfigError: it is in use, damaged, something else, of a newer version or can't be written.
        TransientError: the disk is full or fails.
    """
    with _locked(path):
        await asyncio.to_thread(prepare, path)
        with database_failures(path):
            writing = WritingThread(path)
        reading = ReadingThreads(path)
        try:
            store = SqliteStore(writing, reading, now_us)
            await store.load()
            yield LocalBus(store)
        finally:
            await reading.close()
            await writing.close()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other processes away: what they append would wake no reader here."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigError(
            f"the folder of {path} can't be written ({error.strerror}): make it writable, or "
            "choose another data folder"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise ConfigError(
            f"{path} is in use by another Geophone: stop that one, or choose another data folder"
        ) from error
    else:
        yield
    finally:
        os.close(lock)
