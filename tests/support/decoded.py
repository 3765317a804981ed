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
from geophone_capture.reasons import Reason
from geophone_shared.transactions import Note
from tests.support.message_model import Header, Message, Question

_BEFORE, _AFTER = b"\xc0\0\xff", b"\x3f\xc0\0"
"""Stand around a message: whoever reads outside of it finds a pointer or a label."""

_EDNS = {NO_EDNS: False, WITH_EDNS: True, EDNS_UNKNOWN: None}


def decode(wire: bytes, wire_bytes: int | None = None) -> Message | Reason:
    """Decode a message; `wire_bytes` where the capture cut it."""
    buffer = np.array(bytearray(_BEFORE + wire + _AFTER))
    name, found = np.zeros(256, np.uint8), np.zeros(1, MESSAGE)
    start, end = len(_BEFORE), len(_BEFORE) + len(wire)
    wire_bytes = len(wire) if wire_bytes is None else wire_bytes
    status = decode_message(buffer, start, end, wire_bytes, name, found)
    if status != DECODED:
        return Reason(status)
    values = {field: int(found[0][field]) for field in MESSAGE.names or ()}
    return Message(
        Header(*(values[field] for field in Header._fields)),
        Question(
            name[: values["name_length"]].tobytes(), values["query_type"], values["query_class"]
        ),
        _EDNS[values["edns"]],
        Note(values["notes"]),
    )
