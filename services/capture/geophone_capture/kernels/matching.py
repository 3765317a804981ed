"""Kernel: what a DNS message does: a query waits, a response completes its query.

Rows stand in the order in which they complete; a row's `completed_us` never decreases.
"""

from typing import NamedTuple

import numpy as np

from geophone_capture.kernels.flows import FLOW, TCP
from geophone_capture.kernels.foreign import Foreign, count_foreign
from geophone_capture.kernels.messages import (
    DECODED,
    MESSAGE,
    NO_EDNS,
    RESPONSE_FLAG,
    WITH_EDNS,
    decode_message,
)
from geophone_capture.kernels.pending import (
    NAME_WORDS,
    NONE,
    PENDING,
    Pending,
    add_pending,
    find_pending,
    flow_hash,
)
from geophone_capture.kernels.rows import (
    CLOCK_UNSET,
    Output,
    close_unanswered,
    complete,
    fill_response,
    new_row,
    row_of_query,
    set_flow,
    size_note,
)
from geophone_capture.reasons import Reason
from geophone_shared.jit import Array, inner_kernel, int64
from geophone_shared.kernels.octets import copy_words, is_same_name_words, words_for
from geophone_shared.transactions import Note, Outcome

TIMEOUT_US = 10_000_000
"""How long a query waits for its response: Packetbeat's `transaction_timeout`."""


class Scratch(NamedTuple):
    """What kernels write while they look at one packet; nothing of it outlives the packet.

    Attributes:
        flow: one `FLOW`.
        message: one `MESSAGE`.
        key: one `PENDING`.
        name: uint64[`NAME_WORDS`].
    """

    flow: Array
    message: Array
    key: Array
    name: Array


def new_scratch() -> Scratch:
    """Scratch space: kernels allocate nothing."""
    return Scratch(
        flow=np.zeros(1, FLOW),
        message=np.zeros(1, MESSAGE),
        key=np.zeros(1, PENDING),
        name=np.zeros(NAME_WORDS, np.uint64),
    )


_QUERY = int(Reason.QUERY)
_RESPONSE = int(Reason.RESPONSE)
_NO_QUESTION = int(Reason.NO_QUESTION)
_CUT_BY_SNAPLEN = int(Reason.CUT_BY_SNAPLEN)

_ANSWERED = int(Outcome.ANSWERED)
_UNSOLICITED = int(Outcome.UNSOLICITED)

_NO_QUERY = int(Note.NO_QUERY)
_ID_REUSED = int(Note.ID_REUSED)
_RESPONDER_WITHOUT_EDNS = int(Note.RESPONDER_WITHOUT_EDNS)
_UNEXPECTED_EDNS = int(Note.UNEXPECTED_EDNS)
_QUESTION_DIFFERS = int(Note.QUESTION_DIFFERS)
_LATE_RESPONSE = int(Note.LATE_RESPONSE)
_PENDING_EVICTED = int(Note.PENDING_EVICTED)
_MAKES_NO_SENSE = int(Note.MALFORMED_RESPONSE_RECORDS | Note.TRAILING_BYTES)


@inner_kernel
def _same_question(pending: Pending, entry: int, message: Array, name: Array) -> bool:
    """Whether a response repeats the pending question; letters' case may differ (0x20)."""
    query = pending.entries[entry]
    start = entry * NAME_WORDS
    length = message[0]["name_length"]
    if (
        length != query["name_length"]
        or message[0]["query_type"] != query["query_type"]
        or message[0]["query_class"] != query["query_class"]
    ):
        return False
    return is_same_name_words(pending.names, start, name, int64(0), words_for(length))


@inner_kernel
def _edns_note(query_edns: int, response_edns: int, protocol: int) -> int:
    """Packetbeat's notes on a response over UDP whose EDNS isn't that of its query."""
    if protocol == TCP:
        return 0
    if query_edns == WITH_EDNS and response_edns == NO_EDNS:
        return _RESPONDER_WITHOUT_EDNS
    if query_edns == NO_EDNS and response_edns == WITH_EDNS:
        return _UNEXPECTED_EDNS
    return 0


@inner_kernel
def _take_query(
    pending: Pending, output: Output, scratch: Scratch, time_us: int, message_bytes: int
) -> None:
    """Let a query wait for its response; at most one row completes by it."""
    flow, message, key, name = scratch.flow, scratch.message, scratch.key, scratch.name
    protocol = int64(flow[0]["protocol"])
    edns = int64(message[0]["edns"])
    entry = find_pending(pending, key)
    if entry != NONE:
        close_unanswered(pending, output, entry, int64(CLOCK_UNSET), int64(_ID_REUSED))
    elif pending.heads[0]["count"] == pending.entries.size:
        output.progress[0]["evicted"] += 1
        oldest = int64(pending.heads[0]["oldest"])
        close_unanswered(pending, output, oldest, int64(CLOCK_UNSET), int64(_PENDING_EVICTED))
    entry = add_pending(pending, key)
    entries = pending.entries
    entries[entry]["time_us"] = time_us
    entries[entry]["bytes_in"] = message_bytes
    entries[entry]["notes"] = message[0]["notes"] | size_note(edns, message_bytes, protocol)
    entries[entry]["query_flags"] = message[0]["flags"]
    entries[entry]["query_type"] = message[0]["query_type"]
    entries[entry]["query_class"] = message[0]["query_class"]
    entries[entry]["edns"] = message[0]["edns"]
    entries[entry]["name_length"] = message[0]["name_length"]
    words = words_for(message[0]["name_length"])
    copy_words(pending.names, entry * NAME_WORDS, name, int64(0), words)


@inner_kernel
def _take_response(
    buffer: Array,
    pending: Pending,
    output: Output,
    scratch: Scratch,
    time_us: int,
    message_bytes: int,
) -> int:
    """Complete the query that a response belongs to, or make an unsolicited row.

    Returns:
        The `Reason` to count the packet under.
    """
    flow, message, key, name = scratch.flow, scratch.message, scratch.key, scratch.name
    rows = output.rows
    entry = find_pending(pending, key)
    notes = _NO_QUERY
    if entry != NONE:
        waited_us = time_us - pending.entries[entry]["time_us"]
        if message[0]["questions"] != 0 and not _same_question(pending, entry, message, name):
            notes |= _QUESTION_DIFFERS
        elif waited_us > TIMEOUT_US:
            notes |= _LATE_RESPONSE
        else:
            query_edns = int64(pending.entries[entry]["edns"])
            protocol = int64(flow[0]["protocol"])
            notes = _edns_note(query_edns, message[0]["edns"], protocol)
            row = row_of_query(pending, output, entry)
            rows[row]["outcome"] = _ANSWERED
            rows[row]["duration_us"] = max(0, waited_us)
            fill_response(output, row, buffer, flow, message, message_bytes, notes)
            complete(output, row, int64(CLOCK_UNSET))
            return _RESPONSE
    if message[0]["questions"] == 0:
        return _NO_QUESTION
    row = new_row(output, name, int64(0), int64(message[0]["name_length"]))
    set_flow(output, row, key[0])
    rows[row]["time_us"] = time_us
    rows[row]["query_type"] = message[0]["query_type"]
    rows[row]["query_class"] = message[0]["query_class"]
    rows[row]["query_flags"] = 0
    rows[row]["bytes_in"] = 0
    rows[row]["outcome"] = _UNSOLICITED
    rows[row]["duration_us"] = -1
    rows[row]["notes"] = 0
    fill_response(output, row, buffer, flow, message, message_bytes, notes)
    complete(output, row, int64(CLOCK_UNSET))
    return _RESPONSE


@inner_kernel
def set_key(key: Array, flow: Array, dns_id: int, is_response: bool) -> None:
    """The pending table's key of a message, but its hash: its client is the one that asks."""
    if is_response:
        key[0]["client_high"] = flow[0]["destination_high"]
        key[0]["client_low"] = flow[0]["destination_low"]
        key[0]["server_high"] = flow[0]["source_high"]
        key[0]["server_low"] = flow[0]["source_low"]
        ports = (flow[0]["destination_port"] << 16) | flow[0]["source_port"]
    else:
        key[0]["client_high"] = flow[0]["source_high"]
        key[0]["client_low"] = flow[0]["source_low"]
        key[0]["server_high"] = flow[0]["destination_high"]
        key[0]["server_low"] = flow[0]["destination_low"]
        ports = (flow[0]["source_port"] << 16) | flow[0]["destination_port"]
    key[0]["ports_and_id"] = (
        (np.uint64(ports) << np.uint64(32))
        | (np.uint64(flow[0]["protocol"]) << np.uint64(16))
        | np.uint64(dns_id)
    )


@inner_kernel
def _count_foreign(foreign: Foreign, is_dns_port: Array, flow: Array, octets: int) -> None:
    """Count what isn't DNS for the one that isn't on a port of DNS, else for its sender."""
    if is_dns_port[flow[0]["source_port"]] and not is_dns_port[flow[0]["destination_port"]]:
        high, low = flow[0]["destination_high"], flow[0]["destination_low"]
    else:
        high, low = flow[0]["source_high"], flow[0]["source_low"]
    count_foreign(foreign, high, low, octets)


@inner_kernel
def match_message(
    buffer: Array,
    is_dns_port: Array,
    pending: Pending,
    output: Output,
    foreign: Foreign,
    scratch: Scratch,
    time_us: int,
) -> int:
    """Decode a message and match it; at most one row completes by it.

    Args:
        buffer: uint8, in which `scratch.flow` says where the message lies.
        is_dns_port: bool[65536].
        pending: the queries that wait.
        output: where rows go: one is free.
        foreign: takes what is no message.
        scratch: its `flow` is filled.
        time_us: when the message came.

    Returns:
        The `Reason` to count it under.
    """
    flow, message, key = scratch.flow, scratch.message, scratch.key
    wire_bytes = int64(flow[0]["wire_bytes"])
    message_bytes = wire_bytes + 2 if flow[0]["protocol"] == TCP else wire_bytes
    start, end = int64(flow[0]["start"]), int64(flow[0]["end"])
    reason = decode_message(buffer, start, end, wire_bytes, scratch.name, message)
    if reason != DECODED:
        if reason != _CUT_BY_SNAPLEN:
            _count_foreign(foreign, is_dns_port, flow, message_bytes)
        return reason
    is_response = (message[0]["flags"] & RESPONSE_FLAG) != 0
    set_key(key, flow, int64(message[0]["dns_id"]), is_response)
    key[0]["hash"] = flow_hash(pending, key)
    if not is_response:
        _take_query(pending, output, scratch, time_us, message_bytes)
        return _QUERY
    reason = _take_response(buffer, pending, output, scratch, time_us, message_bytes)
    # A server may send records without a question; what no record fits is something else.
    if reason == _NO_QUESTION and message[0]["notes"] & _MAKES_NO_SENSE != 0:
        _count_foreign(foreign, is_dns_port, flow, message_bytes)
    return reason
