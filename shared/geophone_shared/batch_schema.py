"""The columns of the batch on `dns.transactions`, as Arrow names and types them. Core.

docs/records.md explains each column; a test holds the two together.
"""

import re
from typing import Any

import pyarrow as pa

from geophone_shared.record_reasons import invalid_record

SCHEMA_MAJOR = 1
"""Raised by a change that an older reader can't ignore (docs/records.md, "Versions")."""

_MAJOR_KEY = b"geophone.schema"
_MAJOR = re.compile(rb"[1-9][0-9]{0,8}")


def _column(name: str, kind: Any, **metadata: str) -> Any:
    return pa.field(name, kind, nullable=False, metadata=metadata or None)


SCHEMA = pa.schema(
    [
        _column("time_us", pa.int64(), unit="us", epoch="unix"),
        _column("completed_us", pa.int64(), unit="us", epoch="unix"),
        _column("duration_us", pa.int32(), unit="us"),
        _column("outcome", pa.uint8()),
        _column("transport", pa.uint8()),
        _column("client_address", pa.binary(16)),
        _column("server_address", pa.binary(16)),
        _column("client_port", pa.uint16()),
        _column("server_port", pa.uint16()),
        _column("dns_id", pa.uint16()),
        _column("name", pa.binary()),
        _column("domain_offset", pa.uint8(), unit="bytes"),
        _column("query_type", pa.uint16()),
        _column("query_class", pa.uint16()),
        _column("query_flags", pa.uint16()),
        _column("response_flags", pa.uint16()),
        _column("bytes_in", pa.uint32(), unit="bytes"),
        _column("bytes_out", pa.uint32(), unit="bytes"),
        _column("answers", pa.uint16(), unit="records"),
        _column("authorities", pa.uint16(), unit="records"),
        _column("additionals", pa.uint16(), unit="records"),
        _column("notes", pa.uint32()),
    ],
    metadata={_MAJOR_KEY: str(SCHEMA_MAJOR).encode()},
)
"""What every batch of this major has."""

RESPONSE = pa.field("response", pa.binary(), nullable=True)
"""The column that follows where responses are kept."""

SCHEMA_WITH_RESPONSES = SCHEMA.append(RESPONSE)

_KINDS = dict(zip(SCHEMA.names, SCHEMA.types, strict=True))


def check_schema(schema: Any) -> None:
    """Check that a batch with this Arrow schema can be read, without looking at its data.

    Raises:
        InvalidRecordError: `newer_schema`; or `schema`: no major, a column missing, twice or of
            another type, or a further column of a type that later minor versions may not add.
    """
    major = (schema.metadata or {}).get(_MAJOR_KEY, b"")
    if _MAJOR.fullmatch(major) is None:
        raise invalid_record("schema")
    if int(major) > SCHEMA_MAJOR:
        raise invalid_record("newer_schema")
    kinds = dict(zip(schema.names, schema.types, strict=True))
    if (
        len(kinds) != len(schema)
        or any(kinds.get(name) != kind for name, kind in _KINDS.items())
        or kinds.get(RESPONSE.name, RESPONSE.type) != RESPONSE.type
        or not all(_may_be_added(kind) for name, kind in kinds.items() if name not in _KINDS)
    ):
        raise invalid_record("schema")


def _may_be_added(kind: Any) -> bool:
    """Whether a column that this version doesn't know may have this type.

    Arrow loads a column before it is ignored, and only for flat types is that certain to need
    no more memory than the column's bytes: nested, dictionary, view and extension types are out.
    """
    return bool(
        pa.types.is_primitive(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_string(kind)
        or pa.types.is_fixed_size_binary(kind)
    )
