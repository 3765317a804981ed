"""The file of the embedded log: its tables, and whether what lies there is one.

SQLite in WAL mode: who reads sees what was there when it began, and never stops who writes. With
`synchronous=FULL` a transaction is on the disk when it is acknowledged.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from geophone_shared.errors import ConfigError, GeophoneError, TransientError

SCHEMA_VERSION = 1
_APPLICATION_ID = 0x47454F50  # "GEOP"
_PAGE_BYTES = 16_384
_WAL_KEPT_BYTES = 64 * 1024 * 1024
_BUSY_SECONDS = 10.0

OFFSET_BITS = 40
"""A record's place is its partition's id and its offset in one integer, which keeps both sorted."""

_TABLES = """
CREATE TABLE topic (
    name TEXT PRIMARY KEY,
    partitions INTEGER NOT NULL,
    retention_seconds INTEGER,
    retention_bytes INTEGER,
    record_limit_bytes INTEGER NOT NULL
) STRICT;
CREATE TABLE partition (
    id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL REFERENCES topic (name),
    number INTEGER NOT NULL,
    first_offset INTEGER NOT NULL DEFAULT 0,
    end_offset INTEGER NOT NULL DEFAULT 0,
    last_published_us INTEGER NOT NULL DEFAULT 0,
    kept_bytes INTEGER NOT NULL DEFAULT 0,
    UNIQUE (topic, number)
) STRICT;
CREATE TABLE record (
    place INTEGER PRIMARY KEY,
    published_us INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    key BLOB,
    headers BLOB NOT NULL,
    value BLOB NOT NULL
) STRICT;
CREATE TABLE committed (
    member_group TEXT NOT NULL,
    partition INTEGER NOT NULL REFERENCES partition (id),
    record_offset INTEGER NOT NULL,
    PRIMARY KEY (member_group, partition)
) STRICT, WITHOUT ROWID;
"""


def prepare(path: Path) -> None:
    """Make `path` a log, or see that it is one and is whole.

    Raises:
        ConfigError: it is damaged, something else, of a newer version or can't be written.
        TransientError: the disk is full or fails.
    """
    with database_failures(path), closing(connect(path)) as connection:
        if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            raise ConfigError(
                f"the file system of {path} can't share memory between programs, as one on the "
                "network: choose a data folder on a disk of this machine"
            )
        if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise _damaged(path)
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
            _create(path, connection)
        elif application != _APPLICATION_ID:
            raise ConfigError(f"{path} is not a log of Geophone: choose another data folder")
        elif version != SCHEMA_VERSION:
            raise ConfigError(
                f"{path} was written by another version of Geophone (format {version} instead of "
                f"{SCHEMA_VERSION}): use that version, or move the file away to start anew"
            )


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the log at `path`, for one thread at a time; transactions are explicit."""
    connection = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute(f"PRAGMA page_size={_PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA journal_size_limit={_WAL_KEPT_BYTES}")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection, kind: str) -> Iterator[None]:
    """All or nothing: `kind` is IMMEDIATE to write, DEFERRED to read one state of the file."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back by itself after some errors, and may not be able to after others.
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


@contextmanager
def database_failures(path: Path) -> Iterator[None]:
    """Raise SQLite's errors in the `with` as what Geophone's services know."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _translated(error, path) from error


def _create(path: Path, connection: sqlite3.Connection) -> None:
    # Owner only: it has the names that clients asked for, and their addresses.
    path.chmod(0o600)
    connection.executescript(
        f"BEGIN IMMEDIATE; {_TABLES} PRAGMA application_id={_APPLICATION_ID};"
        f"PRAGMA user_version={SCHEMA_VERSION}; COMMIT;"
    )


def _translated(error: sqlite3.DatabaseError, path: Path) -> Exception:
    translated: GeophoneError
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_CORRUPT:
            translated = _damaged(path)
        case sqlite3.SQLITE_NOTADB:
            translated = ConfigError(
                f"{path} is damaged or not a log of Geophone: move it away to start anew, "
                "or choose another data folder"
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            translated = ConfigError(
                f"{path} can't be written: make it and its folder writable, or choose another "
                "data folder"
            )
        case sqlite3.SQLITE_FULL:
            translated = TransientError(f"the disk of {path} is full: make room on it")
        case sqlite3.SQLITE_IOERR:
            translated = TransientError(f"the disk of {path} fails ({error})")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
            translated = TransientError(f"another program holds {path}: leave it to Geophone alone")
        case _:
            return error
    return translated


def _damaged(path: Path) -> ConfigError:
    return ConfigError(f"{path} is damaged: move it away to start anew, or bring back a copy of it")
