"""The columns of a batch as one Arrow record batch in an IPC stream. Core.

The only module that imports pyarrow's IPC. Its reader takes hostile bytes: which check comes
before which is what keeps it from crashing and from swallowing memory.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import ipc

from geophone_shared.batch_schema import RESPONSE, SCHEMA, SCHEMA_WITH_RESPONSES, check_schema
from geophone_shared.jit import Array
from geophone_shared.record_reasons import invalid_record
from geophone_shared.transactions import ROW

_MOST_SCHEMA_BYTES = 16 * 1024
"""Ours has 3 KiB. Arrow builds an object for each field and parses what extension types bring
along before anything can be checked; in Arrow 18 a deeply nested parameter crashes the process."""

_BYTE = np.dtype("u1")
_OFFSET = np.dtype("i4")
_ADDRESS = np.dtype((">u8", 2))
_DTYPES = {
    name: _ADDRESS if name.endswith("_address") else ROW[name]
    for name in SCHEMA.names
    if name != "name"
}
"""The columns of fixed width, as numpy sees them."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one batch.

    Attributes:
        values: by name, every column but the two below: integers of shape (rows,); an address is
            `>u8` of shape (rows, 2).
        name_offsets: int32, shape (rows + 1,); name i is
            `name_bytes[name_offsets[i] : name_offsets[i + 1]]`.
        name_bytes: uint8.
        responses: an Arrow binary array of shape (rows,), or None where responses weren't kept.
    """

    values: Mapping[str, Array]
    name_offsets: Array
    name_bytes: Array
    responses: Any


def binary_array(values: Sequence[bytes | None]) -> Any:
    """An Arrow binary array; None becomes null."""
    return pa.array(values, RESPONSE.type)


def write_stream(columns: Columns) -> Any:
    """The IPC stream of `columns`, in a buffer of Arrow's (it has the buffer protocol)."""
    rows = len(columns.name_offsets) - 1
    names = (columns.name_offsets, columns.name_bytes)
    arrays = []
    for name, kind in zip(SCHEMA.names, SCHEMA.types, strict=True):
        buffers = names if name == "name" else (columns.values[name],)
        arrays.append(pa.Array.from_buffers(kind, rows, [None, *map(pa.py_buffer, buffers)]))
    schema = SCHEMA
    if columns.responses is not None:
        schema = SCHEMA_WITH_RESPONSES
        arrays.append(columns.responses)
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, schema) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return sink.getvalue()


def read_stream(stream: bytes) -> Columns:
    """The columns of an IPC stream, as read-only views on it.

    Raises:
        InvalidRecordError: `arrow` (not a stream of exactly one sound, uncompressed record
            batch), `schema`, `newer_schema` or `nulls`.
    """
    try:
        batch = _read_batch(stream)
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError, struct.error) as error:
        raise invalid_record("arrow") from error
    rows = batch.num_rows
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    responses = columns.pop(RESPONSE.name, None)
    if any(column.null_count for column in columns.values()):
        raise invalid_record("nulls")
    _, name_offsets, name_bytes = columns["name"].buffers()
    values = {
        name: _view(columns[name].buffers()[1], dtype, rows) for name, dtype in _DTYPES.items()
    }
    return Columns(
        values=values,
        # Arrow lets an empty column do without its one offset.
        name_offsets=_view(name_offsets, _OFFSET, rows + 1) if rows else np.zeros(1, _OFFSET),
        name_bytes=_view(name_bytes, _BYTE, name_bytes.size if name_bytes else 0),
        responses=responses,
    )


def _read_batch(stream: bytes) -> Any:
    """The record batch of `stream`, its known columns only, validated."""
    source = pa.BufferReader(stream)
    messages = ipc.MessageReader.open_stream(source)
    message = _next_message(messages)
    if message is None or message.type != "schema" or message.metadata.size > _MOST_SCHEMA_BYTES:
        raise invalid_record("arrow")
    schema = ipc.read_schema(message)
    check_schema(schema)

    message = _next_message(messages)
    if message is None or message.type != "record batch" or _may_be_compressed(message):
        raise invalid_record("arrow")
    batch = ipc.read_record_batch(message, schema)
    if _next_message(messages) is not None or source.tell() != source.size():
        raise invalid_record("arrow")

    names = set(schema.names)
    batch = batch.select([name for name in SCHEMA_WITH_RESPONSES.names if name in names])
    # Offsets are hostile until here: touching a column before this line can crash the process.
    batch.validate(full=True)
    return batch


def _next_message(messages: Any) -> Any:
    try:
        return messages.read_next_message()
    except StopIteration:
        return None


def _may_be_compressed(message: Any) -> bool:
    """Whether Arrow would decompress the buffers of this record batch, at any size they claim.

    pyarrow doesn't tell, so this looks for the `compression` field of the message's `RecordBatch`
    (Arrow format, Message.fbs; FlatBuffers internals: a table starts with the distance to its
    vtable, whose first two words are sizes, then the position of each field, 0 where absent).
    Before metadata version 5 compression could also stand in free-form metadata.
    """
    if message.metadata_version != ipc.MetadataVersion.V5:
        return True
    metadata = message.metadata.to_pybytes()
    (root,) = struct.unpack_from("<I", metadata, 0)
    header_field = _table_field(metadata, root, 2)
    (header,) = struct.unpack_from("<I", metadata, header_field)
    return _table_field(metadata, header_field + header, 3) != 0


def _table_field(metadata: bytes, table: int, number: int) -> int:
    """Where field `number` of the FlatBuffers table at `table` starts; 0 where it is absent."""
    (distance,) = struct.unpack_from("<i", metadata, table)
    (vtable_bytes,) = struct.unpack_from("<H", metadata, table - distance)
    entry = 4 + 2 * number
    if entry + 2 > vtable_bytes:
        return 0
    (position,) = struct.unpack_from("<H", metadata, table - distance + entry)
    return table + int(position) if position else 0


def _view(buffer: Any, dtype: Any, count: int) -> Array:
    # Where there is nothing to see there may be no buffer either, and `frombuffer` wants one.
    return np.frombuffer(buffer, dtype, count) if count else np.empty(0, dtype)
