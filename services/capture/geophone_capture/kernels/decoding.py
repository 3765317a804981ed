"""Kernel: from packets to transactions, in the order in which they complete.

The packet clock is the largest packet time so far, but for clock outliers (see `PACKET`). Before a
packet is looked at, the queries at the head of the order of arrival that are at least 10 s older
than it complete as unanswered.

At a packet that holds a piece of something the kernel stops: who calls it puts pieces together, and
gives back the messages that came of them, as if each had come in a packet at that place.
"""

import numpy as np

from geophone_capture.kernels.flows import Sought
from geophone_capture.kernels.foreign import Foreign
from geophone_capture.kernels.frames import LOCATED, PIECE, locate_datagram
from geophone_capture.kernels.matching import TIMEOUT_US, Scratch, match_message, set_key
from geophone_capture.kernels.pending import NONE, Pending, find_pending, flow_hash
from geophone_capture.kernels.rows import (
    CLOCK_UNSET,
    Output,
    close_unanswered,
    complete,
    is_full,
    row_of_query,
)
from geophone_shared.jit import Array, int64, kernel
from geophone_shared.transactions import Note

AT_END = 0
"""Every packet has been looked at."""
OUTPUT_FULL = 1
"""The same call with emptied output goes on, without a difference in the rows."""
AT_PIECE = 2
"""The last packet holds a piece, which `scratch.flow` describes; it isn't counted yet."""

_INPUT_ENDED = int(Note.INPUT_ENDED)


@kernel
def transactions_from_packets(
    buffer: Array,
    packets: Array,
    first: int,
    sought: Sought,
    pending: Pending,
    output: Output,
    counters: Array,
    foreign: Foreign,
    scratch: Scratch,
) -> tuple[int, int]:
    """Decode packets and match responses to queries.

    Args:
        buffer: uint8, in which the packets lie.
        packets: `PACKET` array.
        first: index of the first packet to look at.
        sought: what is looked for in them.
        pending: the queries that wait.
        output: where the rows go.
        counters: int64, one per `Reason`.
        foreign: takes what is on a DNS port and no message.
        scratch: space to work in.

    Returns:
        (the index of the packet to go on with, why it stopped). At `AT_PIECE` the output has room
        for a row.
    """
    heads, progress = pending.heads, output.progress
    for index in range(first, packets.size):
        packet = packets[index]
        time_us = int64(packet["time_us"])
        while True:
            if is_full(output):
                return index, OUTPUT_FULL
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
            sought,
            scratch.flow,
        )
        if reason == PIECE:
            return index + 1, AT_PIECE
        if reason == LOCATED:
            reason = match_message(
                buffer, sought.is_dns_port, pending, output, foreign, scratch, time_us
            )
        counters[reason] += 1
    return packets.size, AT_END


@kernel
def transaction_from_message(
    buffer: Array,
    is_dns_port: Array,
    pending: Pending,
    output: Output,
    foreign: Foreign,
    scratch: Scratch,
    time_us: int,
) -> int:
    """Match a message that was put together of pieces; as `match_message`."""
    return match_message(buffer, is_dns_port, pending, output, foreign, scratch, time_us)


@kernel
def close_failed(
    pending: Pending, output: Output, scratch: Scratch, dns_id: int, note: int
) -> bool:
    """Complete a query whose response came and can't be used.

    Args:
        pending: the queries that wait.
        output: where the row goes: one is free.
        scratch: its `flow` is that of the response.
        dns_id: of the query.
        note: `Note` that says why.

    Returns:
        Whether there was such a query.
    """
    key = scratch.key
    set_key(key, scratch.flow, dns_id, True)  # noqa: FBT003
    key[0]["hash"] = flow_hash(pending, key)
    entry = find_pending(pending, key)
    if entry == NONE:
        return False
    row = row_of_query(pending, output, entry)
    output.rows[row]["notes"] |= np.uint32(note)
    complete(output, row, int64(CLOCK_UNSET))
    return True


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
