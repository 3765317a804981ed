"""What the reader makes of Arrow streams that aren't one sound, uncompressed record batch."""

import pyarrow as pa
import pytest
from pyarrow import ipc

from geophone_shared.batch import decode_batch
from geophone_shared.batch_schema import SCHEMA
from tests.support.batches import (
    batch_of,
    compress,
    good_columns,
    reason_of,
    reason_of_columns,
    stream_of,
)

pytestmark = pytest.mark.kernels


def test_the_support_code_makes_a_good_batch() -> None:
    batch = decode_batch(compress(stream_of(batch_of(good_columns()))))
    assert batch.transactions.name(2) == b"\x06pirate\x03sea"


def test_not_a_stream() -> None:
    for stream in (b"\0", b"\xff" * 8, b"ARROW1\0\0", bytes(64), b"\xff\xff\xff\xff\0\0\0\x7f"):
        assert reason_of(compress(stream)) == "arrow"


def test_no_batch_two_batches_and_bytes_behind() -> None:
    batch = batch_of(good_columns())
    assert reason_of(compress(stream_of(schema=batch.schema))) == "arrow"
    assert reason_of(compress(stream_of(batch, batch))) == "arrow"
    assert reason_of(compress(stream_of(batch) + b"more")) == "arrow"
    assert reason_of(compress(stream_of(batch) + stream_of(batch))) == "arrow"


def test_a_stream_without_its_end_mark_is_whole() -> None:
    stream = stream_of(batch_of(good_columns()))
    assert stream.endswith(b"\xff\xff\xff\xff\0\0\0\0")
    assert len(decode_batch(compress(stream[:-8])).transactions.rows) == 3


def test_cut_at_every_byte() -> None:
    stream = stream_of(batch_of(good_columns()))
    for end in range(len(stream) - 8):
        assert reason_of(compress(stream[:end])) == "arrow"


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_compressed_buffers(codec: str) -> None:
    options = ipc.IpcWriteOptions(compression=codec)
    stream = stream_of(batch_of(good_columns(10_000)), options=options)
    assert ipc.open_stream(stream).read_next_batch().num_rows == 10_000
    assert reason_of(compress(stream)) == "arrow"


def test_older_metadata_version() -> None:
    options = ipc.IpcWriteOptions(metadata_version=ipc.MetadataVersion.V4)
    assert reason_of(compress(stream_of(batch_of(good_columns()), options=options))) == "arrow"


def test_a_file_instead_of_a_stream() -> None:
    sink = pa.BufferOutputStream()
    batch = batch_of(good_columns())
    with ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    assert reason_of(compress(sink.getvalue())) == "arrow"


def test_an_absurd_schema() -> None:
    columns = good_columns() | {f"extra{i}": pa.array([0, 0, 0]) for i in range(300)}
    assert reason_of_columns(columns) == "arrow"


def test_an_extension_type_with_an_absurd_parameter() -> None:
    metadata = {
        "ARROW:extension:name": "arrow.opaque",
        "ARROW:extension:metadata": "[" * 1_000_000,
    }
    schema = pa.schema([*SCHEMA, pa.field("extra", pa.int8(), metadata=metadata)])
    assert reason_of(compress(schema.serialize())) == "arrow"
