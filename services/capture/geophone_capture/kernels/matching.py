"""Kernel: from packets to transactions, in the order in which they complete.

The packet clock is the largest packet time so far, but for clock outliers (see `PACKET`). Before a
packet is looked at, the queries at the head of the order of arrival that are at least 10 s older
than it complete as unanswered. A row's `completed_us` never decreases.
"""

from typing import NamedTuple

import numpy as np

from geophone_capture.kernels.frames import FLOW, LOCATED, locate_datagram
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
    UDP,
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
from geophone_shared.jit import Array, inner_kernel, int64, kernel
from geophone_shared.kernels.octets import copy_words, is_same_name_words, words_for
from geophone_shared.transactions import Note, Outcome

TIMEOUT_US = 10_000_000
"""How long a query waits for its response: Packetbeat's `transaction_timeout`."""


class Scratch(NamedTuple):
    """What the kernel writes while it looks at one packet; nothing of it outlives the packet.

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
    """Scratch space for `transactions_from_packets`: kernels allocate nothing."""
    return Scratch(
        flow=np.zeros(1, FLOW),
        message=np.zeros(1, MESSAGE),
        key=np.zeros(1, PENDING),
        name=np.zeros(NAME_WORDS, np.uint64),
    )


_QUERY = int(Reason.QUERY)
_RESPONSE = int(Reason.RESPONSE)
_NO_QUESTION = int(Reason.NO_QUESTION)

_ANSWERED = int(Outcome.ANSWERED)
_UNSOLICITED = int(Outcome.UNSOLICITED)

_NO_QUERY = int(Note.NO_QUERY)
_ID_REUSED = int(Note.ID_REUSED)
_RESPONDER_WITHOUT_EDNS = int(Note.RESPONDER_WITHOUT_EDNS)
_UNEXPECTED_EDNS = int(Note.UNEXPECTED_EDNS)
_QUESTION_DIFFERS = int(Note.QUESTION_DIFFERS)
_LATE_RESPONSE = int(Note.LATE_RESPONSE)
_PENDING_EVICTED = int(Note.PENDING_EVICTED)
_INPUT_ENDED = int(Note.INPUT_ENDED)


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
def _edns_note(query_edns: int, response_edns: int) -> int:
    """Packetbeat's notes on a response whose EDNS isn't that of its query."""
    if query_edns == WITH_EDNS and response_edns == NO_EDNS:
        return _RESPONDER_WITHOUT_EDNS
    if query_edns == NO_EDNS and response_edns == WITH_EDNS:
        return _UNEXPECTED_EDNS
    return 0


@inner_kernel
def _take_query(
    pending: Pending,
    output: Output,
    key: Array,
    time_us: int,
    message: Array,
    name: Array,
    message_bytes: int,
) -> None:
    """Let a query wait for its response; at most one row completes by it."""
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
    entries[entry]["notes"] = message[0]["notes"] | size_note(message[0]["edns"], message_bytes)
    entries[entry]["query_flags"] = message[0]["flags"]
    entries[entry]["query_type"] = message[0]["query_type"]
    entries[entry]["query_class"] = message[0]["query_class"]
    entries[entry]["edns"] = message[0]["edns"]
    entries[entry]["name_length"] = message[0]["name_length"]
    words = words_for(message[0]["name_length"])
    copy_words(pending.names, entry * NAME_WORDS, name, int64(0), words)


@inner_kernel
def _take_response(
    pending: Pending,
    output: Output,
    key: Array,
    time_us: int,
    message: Array,
    name: Array,
    message_bytes: int,
) -> int:
    """Complete the query that a response belongs to, or make an unsolicited row.

    Returns:
        The `Reason` to count the packet under.
    """
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
            notes = _edns_note(query_edns, message[0]["edns"])
            row = row_of_query(pending, output, entry)
            rows[row]["outcome"] = _ANSWERED
            rows[row]["duration_us"] = max(0, waited_us)
            fill_response(output, row, message, message_bytes, notes)
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
    fill_response(output, row, message, message_bytes, notes)
    complete(output, row, int64(CLOCK_UNSET))
    return _RESPONSE


@inner_kernel
def _set_key(key: Array, flow: Array, message: Array, is_response: bool) -> None:
    """The pending table's key of a message: its client is the one that asks."""
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
        | (np.uint64(UDP) << np.uint64(16))
        | np.uint64(message[0]["dns_id"])
    )


@kernel
def transactions_from_packets(
    buffer: Array,
    packets: Array,
    first: int,
    is_dns_port: Array,
    pending: Pending,
    output: Output,
    counters: Array,
    scratch: Scratch,
) -> int:
    """Decode packets and match responses to queries.

    Args:
        buffer: uint8, in which the packets lie.
        packets: `PACKET` array.
        first: index of the first packet to look at.
        is_dns_port: bool[65536].
        pending: the queries that wait.
        output: where the rows go.
        counters: int64, one per `Reason`.
        scratch: space to work in.

    Returns:
        The index of the next packet: `len(packets)`, or less when the output was full; the same
        call with emptied output then goes on, without a difference in the rows.
    """
    flow, message, key, name = scratch.flow, scratch.message, scratch.key, scratch.name
    heads, progress = pending.heads, output.progress
    for index in range(first, packets.size):
        packet = packets[index]
        time_us = int64(packet["time_us"])
        while True:
            if progress[0]["row_count"] + 1 > output.rows.size:
                return index
            entry = int64(heads[0]["oldest"])
            if entry == NONE:
                break
            timeout_us = int64(pending.entries[entry]["time_us"]) + TIMEOUT_US
            if time_us < timeout_us:
                break
            close_unanswered(pending, output, entry, timeout_us, int64(0))
        if packet["clock_us"] >= time_us or progress[0]["clock_us"] == CLOCK_UNSET:
            progress[0]["clock_us"] = max(progress[0]["clock_us"], packet["clock_us"])
        reason = locate_datagram(
            buffer,
            int64(packet["offset"]),
            int64(packet["captured"]),
            int64(packet["original"]),
            int64(packet["link"]),
            is_dns_port,
            flow,
        )
        if reason != LOCATED:
            counters[reason] += 1
            continue
        message_bytes = int64(flow[0]["wire_bytes"])
        start, end = int64(flow[0]["start"]), int64(flow[0]["end"])
        reason = decode_message(buffer, start, end, message_bytes, name, message)
        if reason != DECODED:
            counters[reason] += 1
            continue
        is_response = (message[0]["flags"] & RESPONSE_FLAG) != 0
        _set_key(key, flow, message, is_response)
        key[0]["hash"] = flow_hash(pending, key)
        if is_response:
            reason = _take_response(pending, output, key, time_us, message, name, message_bytes)
        else:
            _take_query(pending, output, key, time_us, message, name, message_bytes)
            reason = _QUERY
        counters[reason] += 1
    return packets.size


@kernel
def close_pending(pending: Pending, output: Output, end_us: int) -> bool:
    """At the end of the input, complete what is still pending, oldest arrival first.

    Args:
        pending: the queries that wait.
        output: where the rows go.
        end_us: the time of the last packet.

    Returns:
        Whether all are closed; if not, the output was full: call again with emptied output.
    """
    while pending.heads[0]["oldest"] != NONE:
        if output.progress[0]["row_count"] == output.rows.size:
            return False
        entry = int64(pending.heads[0]["oldest"])
        close_unanswered(pending, output, entry, int64(end_us), int64(_INPUT_ENDED))
    return True
