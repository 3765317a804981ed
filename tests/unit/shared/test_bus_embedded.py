"""The embedded log when its file, its disk or its process fails."""

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from geophone_shared.bus.embedded import open_embedded_bus, threads
from geophone_shared.bus.embedded.database import database_failures
from geophone_shared.bus.embedded.store import SqliteStore
from geophone_shared.bus.local import LocalBus
from geophone_shared.bus.records import Record
from geophone_shared.errors import ConfigError, GeophoneError, TransientError
from tests.support import outside
from tests.support.buses import a_topic, append, of, read_values


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "log.sqlite"


async def test_a_log_belongs_to_its_owner_alone(path: Path) -> None:
    async with open_embedded_bus(path):
        assert _permissions(path) == 0o600


def _permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_log_in_use_is_refused(path: Path) -> None:
    async with open_embedded_bus(path):
        await _assert_refused(path, ConfigError, "is in use by another Geophone: stop that one")
    async with open_embedded_bus(path):
        pass


async def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    await _assert_refused(
        tmp_path / "file" / "log.sqlite", ConfigError, "can't be written .*choose another data fold"
    )


async def test_a_file_that_is_something_else_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("Dear diary, " * 100)
    await _assert_refused(text, ConfigError, "damaged or not a log of Geophone: move it away")
    with closing(sqlite3.connect(tmp_path / "other")) as connection:
        connection.execute("CREATE TABLE diary (entry TEXT)")
    await _assert_refused(tmp_path / "other", ConfigError, "is not a log of Geophone: choose")


async def test_a_log_of_another_version_is_refused(path: Path) -> None:
    async with open_embedded_bus(path):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=2")
    await _assert_refused(path, ConfigError, r"another version of Geophone \(format 2 instead of 1")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
async def test_a_damaged_log_is_refused(path: Path, share: float) -> None:
    topic = a_topic()
    async with open_embedded_bus(path) as bus:
        await bus.create_topics([topic])
        await append(bus, of(topic), *(os.urandom(3000) for _ in range(300)))
    _damage(path, share)
    await _assert_refused(path, ConfigError, "is damaged: move it away to start anew, or bring b")


def _damage(path: Path, share: float) -> None:
    with path.open("r+b") as file:
        file.seek(int(path.stat().st_size * share) // 16_384 * 16_384)
        file.write(bytes(64))


async def _assert_refused(path: Path, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence) as caught:
        async with open_embedded_bus(path):
            pass
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (sqlite3.SQLITE_CORRUPT, ConfigError),
        (sqlite3.SQLITE_NOTADB, ConfigError),
        (sqlite3.SQLITE_READONLY, ConfigError),
        (sqlite3.SQLITE_CANTOPEN, ConfigError),
        (sqlite3.SQLITE_FULL, TransientError),
        (sqlite3.SQLITE_IOERR_FSYNC, TransientError),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, TransientError),
        (sqlite3.SQLITE_MISUSE, sqlite3.OperationalError),
    ],
)
def test_what_sqlite_says_becomes_what_to_do(code: int, error: type[Exception]) -> None:
    said = sqlite3.OperationalError("said")
    said.sqlite_errorcode = code
    with pytest.raises(error) as caught, database_failures(Path("the.log")):
        raise said
    assert isinstance(caught.value, GeophoneError) == ("the.log" in str(caught.value))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 4 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        outside.report_missing("a small disk needs root, to mount it")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_full_disk_loses_nothing_that_was_acknowledged(small_disk: Path) -> None:
    topic = a_topic()
    record = Record(os.urandom(50_000))
    acknowledged: list[int] = []

    async def append_until_refused(bus: LocalBus) -> None:
        while True:
            acknowledged.append(await bus.append(of(topic), record))

    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1_500_000))
    async with open_embedded_bus(small_disk / "log.sqlite") as bus:
        await bus.create_topics([topic])
        with pytest.raises(TransientError, match=r"the disk of .* is full: make room on it"):
            await append_until_refused(bus)
        count = len(acknowledged)
        assert count > 5
        assert acknowledged == list(range(count))
        assert await read_values(bus, of(topic)) == [record.value] * count
        ballast.unlink()
        assert await bus.append(of(topic), Record(b"room again")) == count
    async with open_embedded_bus(small_disk / "log.sqlite") as bus:
        assert await read_values(bus, of(topic)) == [record.value] * count + [b"room again"]


_APPEND_FOR_EVER = """
import asyncio, sys
from pathlib import Path
from geophone_shared.bus.embedded import open_embedded_bus
from geophone_shared.bus.records import Record, TopicPartition

async def append(bus, number):
    while True:
        offset = await bus.append(TopicPartition("test", number), Record(b"%d" % number * 500))
        print(number, offset, flush=True)

async def main():
    async with open_embedded_bus(Path(sys.argv[1])) as bus, asyncio.TaskGroup() as tasks:
        for number in range(4):
            tasks.create_task(append(bus, number))

asyncio.run(main())
"""


async def test_a_killed_process_loses_nothing_that_was_acknowledged(path: Path) -> None:
    topic = a_topic(4)
    acknowledged = [0] * 4
    for _ in range(3):
        async with open_embedded_bus(path) as bus:
            await bus.create_topics([topic])
        script = _APPEND_FOR_EVER.replace('"test"', repr(topic.name))
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, str(path), stdout=asyncio.subprocess.PIPE
        )
        assert child.stdout is not None
        lines = [await child.stdout.readline() for _ in range(400)]
        child.send_signal(signal.SIGKILL)
        lines += (await child.stdout.read()).splitlines()
        await child.wait()
        for line in lines:
            number, offset = map(int, line.split())
            acknowledged[number] = max(acknowledged[number], offset + 1)
        async with open_embedded_bus(path) as bus:
            for number in range(4):
                values = await read_values(bus, of(topic, number))
                assert values == [b"%d" % number * 500] * len(values)
                assert len(values) - acknowledged[number] in {0, 1}  # one was on its way


async def test_a_reader_that_takes_long_does_not_hold_up_the_writer(path: Path) -> None:
    topic, hold, is_reading = a_topic(), threading.Event(), threading.Event()

    def count_twice(connection: sqlite3.Connection) -> tuple[int, int]:
        (before,) = connection.execute("SELECT count(*) FROM record").fetchone()
        is_reading.set()
        hold.wait(20)
        (after,) = connection.execute("SELECT count(*) FROM record").fetchone()
        return before, after

    async with open_embedded_bus(path) as bus, asyncio.TaskGroup() as tasks:
        await bus.create_topics([topic])
        await append(bus, of(topic), b"0", b"1")
        reading = tasks.create_task(_store(bus)._reading.run(count_twice))
        await asyncio.to_thread(is_reading.wait, 20)
        await append(bus, of(topic), *(b"%d" % index for index in range(2, 100)))
        assert len(await read_values(bus, of(topic))) == 100
        hold.set()
        assert await reading == (2, 2)  # it saw one state all along


async def test_what_queues_up_is_committed_together(path: Path) -> None:
    topic = a_topic(2)
    statements: list[str] = []
    async with open_embedded_bus(path) as bus:
        await bus.create_topics([topic])
        _store(bus)._writing._connection.set_trace_callback(statements.append)
        async with asyncio.TaskGroup() as tasks:
            for index in range(200):
                tasks.create_task(append(bus, of(topic, index % 2), b"%d" % index))
    assert statements.count("COMMIT") < 10


async def test_a_record_that_was_given_up_wakes_readers_when_it_is_there(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, hold = a_topic(), threading.Event()
    async with open_embedded_bus(path) as bus, asyncio.TaskGroup() as tasks:
        await bus.create_topics([topic])
        async with bus.reader([of(topic)]) as reader:
            tasks.create_task(_store(bus)._writing.run(lambda _: hold.wait(20)))
            await asyncio.sleep(0)
            with monkeypatch.context() as patch:
                patch.setattr(threads, "_ANSWER_SECONDS", 0.05)
                with pytest.raises(TransientError, match=r"takes longer than 0\.05 s"):
                    await append(bus, of(topic), b"late")
            assert await reader.poll(0.05, 9) == {}
            hold.set()
            polled = await reader.poll(20, 9)
            assert [record.value for record in polled[of(topic)]] == [b"late"]


async def test_no_more_than_so_many_wait_for_the_disk(path: Path) -> None:
    topic, hold = a_topic(), threading.Event()
    async with open_embedded_bus(path) as bus, asyncio.TaskGroup() as tasks:
        await bus.create_topics([topic])
        tasks.create_task(_store(bus)._writing.run(lambda _: hold.wait(20)))
        waiting = [tasks.create_task(append(bus, of(topic), b"")) for _ in range(1024)]
        await asyncio.sleep(0)
        with pytest.raises(TransientError, match="1024 others wait for the disk"):
            await append(bus, of(topic), b"one too many")
        hold.set()
        offsets = sorted([(await task)[0] for task in waiting])
        assert offsets == list(range(1024))


def _store(bus: LocalBus) -> SqliteStore:
    store = bus._store
    assert isinstance(store, SqliteStore)
    return store
