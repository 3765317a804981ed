"""Why a record of the log can't be used: the closed set that dead letters carry. Core.

A reason is a header of a dead letter and a metric label, so it never holds what the record held.
"""

from typing import Literal

from geophone_shared.errors import InvalidRecordError

RecordReason = Literal[
    # any record
    "newer_schema",
    "damaged",
    # headers
    "headers",
    # batch
    "zstd_frame",
    "too_large",
    "arrow",
    "schema",
    "nulls",
    "row_time",
    "row_order",
    "row_duration",
    "row_outcome",
    "row_transport",
    "row_name",
    "row_domain_offset",
    # JSON
    "json",
    "missing_field",
    "ill_typed_field",
    # sketch
    "sketch_image",
    # snapshot
    "snapshot",
]
"""docs/records.md says what each of them means."""


def invalid_record(reason: RecordReason) -> InvalidRecordError:
    """The error to raise for a record that can't be used; its message is `reason` alone."""
    return InvalidRecordError(reason)
