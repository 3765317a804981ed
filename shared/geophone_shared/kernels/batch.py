"""Kernels of the batch codec: gather the names of rows, and check rows that came over the log."""

import numpy as np

from geophone_shared.jit import Array, kernel
from geophone_shared.timestamps import LATEST_TIME_US
from geophone_shared.transactions import LONGEST_NAME_BYTES, Outcome

ROWS_ARE_GOOD = 0
BAD_TIME = 1
BAD_ORDER = 2
BAD_OUTCOME = 3
BAD_DURATION = 4
BAD_TRANSPORT = 5
BAD_NAME = 6
BAD_DOMAIN_OFFSET = 7

_ANSWERED = int(Outcome.ANSWERED)
_LAST_OUTCOME = int(max(Outcome))
_UDP = 17
_TCP = 6
_LONGEST_LABEL_BYTES = 63


@kernel
def gather_names(rows: Array, names: Array, gathered: Array) -> int:
    """Write the rows' names one after the other into `gathered`.

    Args:
        rows: `ROW` array.
        names: uint8 array that the rows' names lie in.
        gathered: uint8 array with room for the sum of the rows' name lengths.

    Returns:
        How many rows were written before one whose name doesn't lie in `names` or no longer fits
        into `gathered`; the number of rows when all went well.
    """
    end = np.int64(0)
    for i in range(len(rows)):
        start = np.int64(rows[i]["name_offset"])
        length = np.int64(rows[i]["name_length"])
        if start < 0 or start + length > len(names) or end + length > len(gathered):
            return i
        for k in range(length):
            gathered[end + k] = names[start + k]
        end += length
    return len(rows)


@kernel
def check_rows(rows: Array, names: Array) -> int:
    """Check what every reader of a batch relies on (docs/records.md, "What a reader refuses").

    Args:
        rows: `ROW` array.
        names: uint8 array that the rows' names lie in.

    Returns:
        `ROWS_ARE_GOOD`, or what is wrong with the first bad row (a `BAD_` constant).
    """
    clock_us = np.int64(0)
    for i in range(len(rows)):
        time_us = np.int64(rows[i]["time_us"])
        completed_us = np.int64(rows[i]["completed_us"])
        if time_us < 0 or time_us > LATEST_TIME_US:
            return BAD_TIME
        if completed_us < 0 or completed_us > LATEST_TIME_US:
            return BAD_TIME
        if completed_us < clock_us:
            return BAD_ORDER
        clock_us = completed_us

        outcome = np.int64(rows[i]["outcome"])
        duration_us = np.int64(rows[i]["duration_us"])
        transport = np.int64(rows[i]["transport"])
        if outcome > _LAST_OUTCOME:
            return BAD_OUTCOME
        if outcome == _ANSWERED:
            if duration_us < 0:
                return BAD_DURATION
        elif duration_us != -1:
            return BAD_DURATION
        if transport != _UDP and transport != _TCP:
            return BAD_TRANSPORT

        start = np.int64(rows[i]["name_offset"])
        length = np.int64(rows[i]["name_length"])
        domain_offset = np.int64(rows[i]["domain_offset"])
        if length > LONGEST_NAME_BYTES or start < 0 or start + length > len(names):
            return BAD_NAME
        position = np.int64(0)
        is_border = domain_offset == 0
        while position < length:
            label_bytes = np.int64(names[start + position])
            # No root label inside of a name, no compression pointer (RFC 1035 §3.1, §4.1.4).
            if label_bytes == 0 or label_bytes > _LONGEST_LABEL_BYTES:
                return BAD_NAME
            position += np.int64(1) + label_bytes
            if position == domain_offset:
                is_border = True
        if position != length:
            return BAD_NAME
        if not is_border:
            return BAD_DOMAIN_OFFSET
    return ROWS_ARE_GOOD
