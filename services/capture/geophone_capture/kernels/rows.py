"""Kernel: the rows of transactions, as they complete (`geophone_shared.transactions.ROW`)."""

from typing import NamedTuple

import numpy as np

from geophone_capture.kernels.flows import TCP
from geophone_capture.kernels.messages import NO_EDNS
from geophone_capture.kernels.pending import NAME_WORDS, Pending, remove_pending
from geophone_shared.jit import Array, Record, inner_kernel, int64, kernel
from geophone_shared.kernels.octets import copy_octets, copy_words, words_for
from geophone_shared.transactions import LONGEST_MESSAGE_BYTES, NOTHING, Note, Outcome

CLOCK_UNSET = -1

PROGRESS = np.dtype(
    [
        ("clock_us", "i8"),
        ("completed_us", "i8"),
        ("row_count", "i8"),
        ("names_words", "i8"),
        ("response_bytes", "i8"),
        ("evicted", "i8"),
    ]
)
"""The packet clock, the last row's `completed_us`, how far the output is filled, and how many
queries were closed early because the table was full."""


class Output(NamedTuple):
    """Where the rows go.

    Attributes:
        rows: `ROW` array, at least two.
        names: uint64[len(rows) * NAME_WORDS]; each name begins with a word.
        spans: `SPAN` array: where the rows' raw responses lie; empty where they aren't kept.
        responses: uint8, room for one of `LONGEST_MESSAGE_BYTES` at least; likewise.
        progress: one `PROGRESS`.
    """

    rows: Array
    names: Array
    spans: Array
    responses: Array
    progress: Array


_UNANSWERED = int(Outcome.UNANSWERED)
_NO_RESPONSE = int(Note.NO_RESPONSE)
_OVERSIZE = int(Note.OVERSIZE_WITHOUT_EDNS)

_LONGEST_WITHOUT_EDNS = 512  # RFC 1035 §4.2.1


@kernel
def is_full(output: Output) -> bool:
    """Whether a further row, with the longest response, might find no room."""
    progress = output.progress
    if progress[0]["row_count"] >= output.rows.size:
        return True
    if output.spans.size == 0:
        return False
    used = int64(progress[0]["response_bytes"])
    return used + int64(LONGEST_MESSAGE_BYTES) > output.responses.size


@inner_kernel
def new_row(output: Output, source: Array, start: int, length: int) -> int:
    """Take the next row. Its name of `length` bytes is copied from the words at `start`."""
    rows, progress = output.rows, output.progress
    row = int64(progress[0]["row_count"])
    used = int64(progress[0]["names_words"])
    words = words_for(length)
    copy_words(output.names, used, source, start, words)
    rows[row]["name_offset"] = 8 * used
    rows[row]["name_length"] = length
    rows[row]["domain_offset"] = 0
    if output.spans.size != 0:
        output.spans[row]["offset"] = 0
        output.spans[row]["length"] = NOTHING
    progress[0]["row_count"] = row + 1
    progress[0]["names_words"] = used + words
    return row


@inner_kernel
def set_flow(output: Output, row: int, key: Record) -> None:
    """Copy the endpoints, the transport and the id of a `PENDING` record."""
    rows = output.rows
    rows[row]["client_high"] = key["client_high"]
    rows[row]["client_low"] = key["client_low"]
    rows[row]["server_high"] = key["server_high"]
    rows[row]["server_low"] = key["server_low"]
    rows[row]["client_port"] = (key["ports_and_id"] >> np.uint64(48)) & np.uint64(0xFFFF)
    rows[row]["server_port"] = (key["ports_and_id"] >> np.uint64(32)) & np.uint64(0xFFFF)
    rows[row]["transport"] = (key["ports_and_id"] >> np.uint64(16)) & np.uint64(0xFF)
    rows[row]["dns_id"] = key["ports_and_id"] & np.uint64(0xFFFF)


@inner_kernel
def complete(output: Output, row: int, at_us: int) -> None:
    """Date the completion of a row, raised to the clock where it would lie behind it."""
    progress = output.progress
    completed_us = max(at_us, progress[0]["clock_us"], progress[0]["completed_us"])
    output.rows[row]["completed_us"] = completed_us
    progress[0]["completed_us"] = completed_us


@inner_kernel
def row_of_query(pending: Pending, output: Output, entry: int) -> int:
    """A row of a pending query, as if unanswered; the entry is freed."""
    query = pending.entries[entry]
    row = new_row(output, pending.names, entry * NAME_WORDS, int64(query["name_length"]))
    set_flow(output, row, query)
    rows = output.rows
    rows[row]["time_us"] = query["time_us"]
    rows[row]["query_type"] = query["query_type"]
    rows[row]["query_class"] = query["query_class"]
    rows[row]["query_flags"] = query["query_flags"]
    rows[row]["bytes_in"] = query["bytes_in"]
    rows[row]["notes"] = query["notes"]
    rows[row]["outcome"] = _UNANSWERED
    rows[row]["duration_us"] = -1
    rows[row]["response_flags"] = 0
    rows[row]["bytes_out"] = 0
    rows[row]["answers"] = 0
    rows[row]["authorities"] = 0
    rows[row]["additionals"] = 0
    remove_pending(pending, entry)
    return row


@inner_kernel
def close_unanswered(pending: Pending, output: Output, entry: int, at_us: int, note: int) -> None:
    """Turn a pending query into an unanswered row that completes at `at_us`, or now if later."""
    row = row_of_query(pending, output, entry)
    output.rows[row]["notes"] |= np.uint32(_NO_RESPONSE | note)
    complete(output, row, at_us)


@inner_kernel
def size_note(edns: int, message_bytes: int, protocol: int) -> int:
    """Packetbeat's note on a message over UDP that is too long for one without EDNS."""
    if protocol == TCP or message_bytes <= _LONGEST_WITHOUT_EDNS:
        return 0
    return _OVERSIZE if edns == NO_EDNS else 0


@inner_kernel
def fill_response(
    output: Output,
    row: int,
    buffer: Array,
    flow: Array,
    message: Array,
    message_bytes: int,
    notes: int,
) -> None:
    """The response's side of a row; `flow` says where it lies in `buffer`."""
    rows = output.rows
    protocol = int64(flow[0]["protocol"])
    notes |= message[0]["notes"] | size_note(message[0]["edns"], message_bytes, protocol)
    rows[row]["response_flags"] = message[0]["flags"]
    rows[row]["bytes_out"] = message_bytes
    rows[row]["answers"] = message[0]["answers"]
    rows[row]["authorities"] = message[0]["authorities"]
    rows[row]["additionals"] = message[0]["additionals"]
    rows[row]["notes"] |= np.uint32(notes)
    if output.spans.size != 0:
        _keep_response(output, row, flow, buffer)


@inner_kernel
def _keep_response(output: Output, row: int, flow: Array, buffer: Array) -> None:
    """Copy what was captured of a response."""
    used = int64(output.progress[0]["response_bytes"])
    start = int64(flow[0]["start"])
    length = min(int64(flow[0]["end"]) - start, int64(LONGEST_MESSAGE_BYTES))
    copy_octets(output.responses, used, buffer, start, length)
    output.spans[row]["offset"] = used
    output.spans[row]["length"] = length
    output.progress[0]["response_bytes"] = used + length
