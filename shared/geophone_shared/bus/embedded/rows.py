"""What the embedded log does inside of its transactions: records in and out of rows."""

import sqlite3
import struct
from collections.abc import Sequence
from typing import Any

from geophone_shared.bus.embedded.database import OFFSET_BITS
from geophone_shared.bus.local import Bounds
from geophone_shared.bus.records import Headers, Record, StoredRecord, TopicPartition
from geophone_shared.bus.topics import Topic

_LENGTH = struct.Struct("<I")
_FORGET_LIMIT = 16


def load_topics(connection: sqlite3.Connection) -> dict[str, Topic]:
    """All topics, by name."""
    rows = connection.execute(
        "SELECT name, partitions, retention_seconds, retention_bytes, record_limit_bytes FROM topic"
    )
    return {
        name: Topic(
            name=name,
            partitions=partitions,
            retention_seconds=seconds,
            retention_bytes=retention_bytes,
            record_limit_bytes=limit,
        )
        for name, partitions, seconds, retention_bytes, limit in rows
    }


def load_partitions(connection: sqlite3.Connection) -> dict[TopicPartition, int]:
    """The ids of all partitions."""
    rows = connection.execute("SELECT topic, number, id FROM partition")
    return {TopicPartition(topic, number): partition for topic, number, partition in rows}


def save_topics(connection: sqlite3.Connection, topics: Sequence[Topic]) -> None:
    """Add topics; one that exists keeps its partitions, and takes the rest over."""
    known = load_topics(connection)
    for topic in topics:
        values = (topic.retention_seconds, topic.retention_bytes, topic.record_limit_bytes)
        if topic.name in known:
            connection.execute(
                "UPDATE topic SET retention_seconds = ?, retention_bytes = ?, "
                "record_limit_bytes = ? WHERE name = ?",
                (*values, topic.name),
            )
            continue
        connection.execute(
            "INSERT INTO topic VALUES (?, ?, ?, ?, ?)", (topic.name, topic.partitions, *values)
        )
        connection.executemany(
            "INSERT INTO partition (topic, number) VALUES (?, ?)",
            [(topic.name, number) for number in range(topic.partitions)],
        )


def append_record(
    connection: sqlite3.Connection, partition: int, topic: Topic, record: Record, now_us: int
) -> int:
    """Add a record at the end of a partition, forget the oldest, and return the offset.

    Publish times never decrease within a partition, whatever the clock does, so that
    `find_offset` can search.
    """
    size_bytes = record.size_bytes
    ((first, offset, published_us, kept_bytes),) = connection.execute(
        "UPDATE partition SET end_offset = end_offset + 1, kept_bytes = kept_bytes + ?, "
        "last_published_us = max(last_published_us, ?) WHERE id = ? "
        "RETURNING first_offset, end_offset - 1, last_published_us, kept_bytes",
        (size_bytes, now_us // 1000 * 1000, partition),
    ).fetchall()
    connection.execute(
        "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?)",
        (
            _place(partition, offset),
            published_us,
            size_bytes,
            record.key,
            _packed(record.headers),
            record.value,
        ),
    )
    horizon_us = 0
    if topic.retention_seconds is not None:
        horizon_us = published_us - topic.retention_seconds * 1_000_000
    excess_bytes = 0 if topic.retention_bytes is None else kept_bytes - topic.retention_bytes
    _forget(connection, partition, range(first, offset), horizon_us, excess_bytes)
    return int(offset)


def select_records(
    connection: sqlite3.Connection, partition: int, offset: int, limit: int, limit_bytes: int
) -> list[StoredRecord]:
    """Records of a partition from `offset` on, at least one if there is one."""
    rows = connection.execute(
        "SELECT place, published_us, size_bytes, key, headers, value FROM record "
        "WHERE place >= ? AND place < ? ORDER BY place LIMIT ?",
        (_place(partition, offset), _place(partition + 1, 0), limit),
    )
    records: list[StoredRecord] = []
    total = 0
    for place, published_us, size_bytes, key, headers, value in rows:
        total += size_bytes
        if records and total > limit_bytes:
            break
        offset = place - _place(partition, 0)
        records.append(StoredRecord(offset, published_us, value, key, _unpacked(headers)))
    return records


def select_bounds(connection: sqlite3.Connection, partition: int) -> Bounds:
    """Where a partition begins and ends."""
    return Bounds(
        *connection.execute(
            "SELECT first_offset, end_offset FROM partition WHERE id = ?", (partition,)
        ).fetchone()
    )


def find_offset(connection: sqlite3.Connection, partition: int, time_us: int) -> int:
    """Of a partition's first record published at `time_us` or later, else its end."""
    low, high = select_bounds(connection, partition)
    while low < high:
        middle = (low + high) // 2
        # The record there, or where that was lost the next one.
        found = connection.execute(
            "SELECT place, published_us FROM record WHERE place >= ? AND place < ? "
            "ORDER BY place LIMIT 1",
            (_place(partition, middle), _place(partition, high)),
        ).fetchone()
        if found is not None and found[1] < time_us:
            low = found[0] - _place(partition, 0) + 1
        else:
            high = middle
    return low


def upsert_committed(
    connection: sqlite3.Connection, group: str, offsets: Sequence[tuple[int, int]]
) -> None:
    """Keep a group's offsets, given as pairs of partition and offset."""
    connection.executemany(
        "INSERT OR REPLACE INTO committed VALUES (?, ?, ?)",
        [(group, partition, offset) for partition, offset in offsets],
    )


def select_committed(connection: sqlite3.Connection, group: str) -> dict[TopicPartition, int]:
    """A group's offsets."""
    rows: list[tuple[Any, ...]] = connection.execute(
        "SELECT topic, number, record_offset FROM committed JOIN partition ON id = partition "
        "WHERE member_group = ?",
        (group,),
    ).fetchall()
    return {TopicPartition(topic, number): offset for topic, number, offset in rows}


def _forget(
    connection: sqlite3.Connection,
    partition: int,
    offsets: range,
    horizon_us: int,
    excess_bytes: int,
) -> None:
    """Delete the first of the records at `offsets` that are too old or too many, but only some.

    With each append a few more go than come, so nobody ever waits for many.
    """
    gone, gone_bytes = offsets.start, 0
    for place, published_us, size_bytes in connection.execute(
        "SELECT place, published_us, size_bytes FROM record WHERE place >= ? AND place < ? "
        "ORDER BY place LIMIT ?",
        (_place(partition, offsets.start), _place(partition, offsets.stop), _FORGET_LIMIT),
    ):
        if published_us >= horizon_us and gone_bytes >= excess_bytes:
            break
        gone = place - _place(partition, 0) + 1
        gone_bytes += size_bytes
    if gone > offsets.start:
        connection.execute(
            "DELETE FROM record WHERE place >= ? AND place < ?",
            (_place(partition, offsets.start), _place(partition, gone)),
        )
        connection.execute(
            "UPDATE partition SET first_offset = ?, kept_bytes = kept_bytes - ? WHERE id = ?",
            (gone, gone_bytes, partition),
        )


def _place(partition: int, offset: int) -> int:
    return partition << OFFSET_BITS | offset


def _packed(headers: Headers) -> bytes:
    parts: list[bytes] = []
    for name, value in headers:
        for each in (name.encode(), value):
            parts += (_LENGTH.pack(len(each)), each)
    return b"".join(parts)


def _unpacked(packed: bytes) -> Headers:
    strings: list[bytes] = []
    position = 0
    while position < len(packed):
        (length,) = _LENGTH.unpack_from(packed, position)
        position += _LENGTH.size
        strings.append(packed[position : position + length])
        position += length
    return tuple((name.decode(), value) for name, value in zip(*[iter(strings)] * 2, strict=True))
