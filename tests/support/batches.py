"""Batches for tests, made without the encoder: any Arrow table in any zstd frame."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import zstandard
from pyarrow import ipc

from geophone_shared.batch import decode_batch
from geophone_shared.batch_schema import SCHEMA
from geophone_shared.errors import InvalidRecordError


def compress(stream: Any) -> bytes:
    """One zstd frame that declares its size and has a checksum."""
    return zstandard.ZstdCompressor(level=1, write_checksum=True).compress(bytes(stream))


def stream_of(*batches: Any, schema: Any = None, options: Any = None) -> bytes:
    """The IPC stream of these record batches."""
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, schema or batches[0].schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return bytes(sink.getvalue())


def good_columns(rows: int = 3) -> dict[str, Any]:
    """Columns of a batch that every reader takes, as Arrow arrays by name."""
    columns = {
        field.name: pa.array(np.zeros(rows), pa.float64()).cast(field.type)
        for field in SCHEMA
        if pa.types.is_integer(field.type)
    }
    columns["transport"] = pa.array([17] * rows, pa.uint8())
    for side in ("client_address", "server_address"):
        columns[side] = pa.array([bytes(10) + b"\xff\xff\x0a\x00\x02\x1e"] * rows, pa.binary(16))
    columns["name"] = pa.array([b"\x06pirate\x03sea"] * rows, pa.binary())
    return {name: columns[name] for name in SCHEMA.names}


def batch_of(columns: dict[str, Any], metadata: dict[str, str] | None = None) -> Any:
    """A record batch of these columns, in their order; `metadata` replaces the schema's."""
    schema = pa.schema(
        [pa.field(name, column.type) for name, column in columns.items()],
        metadata=SCHEMA.metadata if metadata is None else metadata,
    )
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=schema)


def reason_of(data: bytes) -> str:
    """Why a batch is refused; fails the test when it is not."""
    with pytest.raises(InvalidRecordError) as raised:
        decode_batch(data)
    return str(raised.value)


def reason_of_columns(columns: dict[str, Any]) -> str:
    """Why a batch of these columns is refused."""
    return reason_of(compress(stream_of(batch_of(columns))))
