"""Calls the kernel that decodes a message, and gives its answer as plain values."""

import numpy as np

from geophone_capture.kernels.messages import (
    DECODED,
    EDNS_UNKNOWN,
    MESSAGE,
    NO_EDNS,
    WITH_EDNS,
    decode_message,
)
from geophone_capture.kernels.pending import NAME_WORDS
from geophone_capture.reasons import Reason
from geophone_shared.transactions import Note
from tests.support.message_model import Header, Message, Question

_BEFORE, _AFTER = b"\xc0\0\xff", b"\x3f\xc0\0"
"""Stand around a message: whoever reads outside of it finds a pointer or a label."""
_ROOM = b"\xff" * 32
"""Behind them: names are copied four words at a time, but near the end of the buffer."""

_EDNS = {NO_EDNS: False, WITH_EDNS: True, EDNS_UNKNOWN: None}


def decode(wire: bytes, wire_bytes: int | None = None) -> Message | Reason:
    """Decode a message; `wire_bytes` where the capture cut it."""
    wire_bytes = len(wire) if wire_bytes is None else wire_bytes
    found = _decode(wire, wire_bytes, _AFTER)
    assert _decode(wire, wire_bytes, _AFTER + _ROOM) == found
    return found


def _decode(wire: bytes, wire_bytes: int, after: bytes) -> Message | Reason:
    buffer = np.array(bytearray(_BEFORE + wire + after))
    name, found = np.full(NAME_WORDS, 2**64 - 1, np.uint64), np.zeros(1, MESSAGE)
    start, end = len(_BEFORE), len(_BEFORE) + len(wire)
    status = decode_message(buffer, start, end, wire_bytes, name, found)
    if status != DECODED:
        return Reason(status)
    values = {field: int(found[0][field]) for field in MESSAGE.names or ()}
    octets, length = name.tobytes(), values["name_length"]
    assert not any(octets[length : -(-length // 8) * 8])
    return Message(
        Header(*(values[field] for field in Header._fields)),
        Question(octets[:length], values["query_type"], values["query_class"]),
        _EDNS[values["edns"]],
        Note(values["notes"]),
    )
