"""Kernel: a DNS message's header, its first question, and whether it carries EDNS (RFC 1035, 6891).

Answers are walked over, never decoded: only the OPT record and the end of the message matter here.
"""

import numpy as np

from geophone_capture.reasons import Reason
from geophone_shared.jit import Array, inner_kernel, kernel
from geophone_shared.kernels.octets import be16, le64, octet
from geophone_shared.transactions import LONGEST_NAME_BYTES, Note

MESSAGE = np.dtype(
    [
        ("dns_id", "i8"),
        ("flags", "i8"),
        ("questions", "i8"),
        ("answers", "i8"),
        ("authorities", "i8"),
        ("additionals", "i8"),
        ("query_type", "i8"),
        ("query_class", "i8"),
        ("name_length", "i8"),
        ("edns", "i8"),
        ("notes", "i8"),
    ]
)
"""What `decode_message` found. `edns` is one of `NO_EDNS`, `WITH_EDNS`, `EDNS_UNKNOWN`."""

DECODED = -1
NO_EDNS = 0
WITH_EDNS = 1
EDNS_UNKNOWN = 2
RESPONSE_FLAG = 0x8000

_CUT_BY_SNAPLEN = int(Reason.CUT_BY_SNAPLEN)
_SHORT_MESSAGE = int(Reason.SHORT_MESSAGE)
_NO_QUESTION = int(Reason.NO_QUESTION)
_TRUNCATED_MESSAGE = int(Reason.TRUNCATED_MESSAGE)
_BAD_POINTER = int(Reason.BAD_POINTER)
_BAD_LABEL_TYPE = int(Reason.BAD_LABEL_TYPE)
_NAME_TOO_LONG = int(Reason.NAME_TOO_LONG)

_SEVERAL_QUESTIONS = int(Note.SEVERAL_QUESTIONS)
_MALFORMED_QUERY = int(Note.MALFORMED_QUERY_RECORDS)
_MALFORMED_RESPONSE = int(Note.MALFORMED_RESPONSE_RECORDS)
_TRAILING_BYTES = int(Note.TRAILING_BYTES)
_NOTE_CUT = int(Note.CUT_BY_SNAPLEN)

_OPT = 41
_WALK_PAST_END = -1
_WALK_MALFORMED = -2
_ALL_BITS = np.uint64(0xFFFFFFFFFFFFFFFF)


@kernel
def decode_name(buffer: Array, start: int, at: int, end: int, name: Array) -> tuple[int, int]:
    """Decode the name at `at` into `name`, uncompressed, original case, without the root label.

    A compression pointer must point before the place where the labels it continues began, and what
    it points to must end before that place, so a chain of them ends and no byte is read twice
    (RFC 1035 §4.1.4 "prior occurrence"; RFC 9267 §2; dnspython does the same).

    Args:
        buffer: uint8; the message is `buffer[start:end]`.
        start: where the message starts.
        at: where the name starts.
        end: where the message's captured bytes end.
        name: uint64[32], written; zeros behind the name up to a whole word.

    Returns:
        (the name's length, where the bytes after it start), or (-reason, 0).
    """
    length = 0
    run = at
    after = -1
    lowest = at
    beyond = -_TRUNCATED_MESSAGE
    while True:
        if at >= end:
            return beyond, 0
        head = octet(buffer, at)
        if head == 0:
            _append_labels(name, length, buffer, run, at)
            return length, (at + 1 if after < 0 else after)
        if head < 64:
            if at + 1 + head > end:
                return beyond, 0
            if length + 1 + head > LONGEST_NAME_BYTES:
                return -_NAME_TOO_LONG, 0
            length += head + 1
            at += head + 1
        elif head >= 192:
            if at + 2 > end:
                return beyond, 0
            _append_labels(name, length, buffer, run, at)
            target = start + (((head & 0x3F) << 8) | octet(buffer, at + 1))
            if target >= lowest:
                return -_BAD_POINTER, 0
            if after < 0:
                after = at + 2
            end = lowest
            beyond = -_BAD_POINTER
            lowest = target
            run = at = target
        else:
            return -_BAD_LABEL_TYPE, 0


@inner_kernel
def _append_labels(name: Array, length: int, buffer: Array, run: int, at: int) -> None:
    """Copy the labels `buffer[run:at]`, with which a name has come to `length` octets."""
    copied = length - (at - run)
    if copied == 0:
        # Always four words, as no processor can foretell how many the next name takes.
        while copied < length and run + copied + 32 <= buffer.size:
            for word in range(copied >> 3, (copied >> 3) + 4):
                name[np.uint64(word)] = le64(buffer, run + 8 * word)
            copied += 32
        run += copied
    for index in range(copied, length):
        if index & 7 == 0:
            name[np.uint64(index >> 3)] = np.uint64(0)
        value = np.uint64(octet(buffer, run + index - copied))
        name[np.uint64(index >> 3)] |= value << np.uint64(8 * (index & 7))
    if length & 7 != 0:
        name[np.uint64(length >> 3)] &= _ALL_BITS >> np.uint64(64 - 8 * (length & 7))


@inner_kernel
def _skip_name(buffer: Array, at: int, end: int) -> int:
    """Where the bytes after the name at `at` start, or a negative `_WALK_` status."""
    while True:
        if at >= end:
            return _WALK_PAST_END
        head = octet(buffer, at)
        if head == 0:
            return at + 1
        if head >= 192:
            return at + 2
        if head >= 64:
            return _WALK_MALFORMED
        at += head + 1


@inner_kernel
def _walk_records(buffer: Array, at: int, end: int, message: Array) -> tuple[int, int]:
    """Walk over everything after the first question.

    Every turn takes at least five bytes, so the message's length bounds the loop, not its counts.

    Returns:
        (where the last record ends or a negative `_WALK_` status, whether there was an OPT record)
    """
    edns = NO_EDNS
    for _ in range(message[0]["questions"] - 1):
        at = _skip_name(buffer, at, end)
        if at < 0:
            return at, edns
        at += 4
        if at > end:
            return _WALK_PAST_END, edns
    ahead = message[0]["answers"] + message[0]["authorities"]
    for index in range(ahead + message[0]["additionals"]):
        at = _skip_name(buffer, at, end)
        if at < 0:
            return at, edns
        if at + 10 > end:
            return _WALK_PAST_END, edns
        if index >= ahead and be16(buffer, at) == _OPT:
            edns = WITH_EDNS
        at += 10 + be16(buffer, at + 8)
        if at > end:
            return _WALK_PAST_END, edns
    return at, edns


@kernel
def decode_message(
    buffer: Array, start: int, end: int, wire_bytes: int, name: Array, message: Array
) -> int:
    """Decode a message's header and first question.

    Args:
        buffer: uint8; the message's captured bytes are `buffer[start:end]`.
        start: where it starts.
        end: where its captured bytes end.
        wire_bytes: its length before the capture cut it.
        name: uint64[32]; receives the first question's name, as `decode_name` writes it.
        message: one `MESSAGE`, filled.

    Returns:
        `DECODED`, or the `Reason` why the message can't be used. A response without a question is
        decoded, with `questions` 0 and an empty name: its query has the name.
    """
    is_cut = end - start < wire_bytes
    if end - start < 12:
        return _CUT_BY_SNAPLEN if is_cut and wire_bytes >= 12 else _SHORT_MESSAGE
    flags = be16(buffer, start + 2)
    questions = be16(buffer, start + 4)
    message[0]["dns_id"] = be16(buffer, start)
    message[0]["flags"] = flags
    message[0]["questions"] = questions
    message[0]["answers"] = be16(buffer, start + 6)
    message[0]["authorities"] = be16(buffer, start + 8)
    message[0]["additionals"] = be16(buffer, start + 10)
    message[0]["query_type"] = 0
    message[0]["query_class"] = 0
    message[0]["name_length"] = 0
    at = start + 12
    if questions == 0:
        if flags & RESPONSE_FLAG == 0:
            return _NO_QUESTION
    else:
        length, at = decode_name(buffer, start, at, end, name)
        if length < 0:
            if length == -_TRUNCATED_MESSAGE and is_cut:
                return _CUT_BY_SNAPLEN
            return -length
        if at + 4 > end:
            return _CUT_BY_SNAPLEN if is_cut else _TRUNCATED_MESSAGE
        message[0]["name_length"] = length
        message[0]["query_type"] = be16(buffer, at)
        message[0]["query_class"] = be16(buffer, at + 2)
        at += 4
    notes = 0
    if questions > 1:
        notes |= _SEVERAL_QUESTIONS
    if is_cut:
        notes |= _NOTE_CUT
    at, edns = _walk_records(buffer, at, end, message)
    if at < 0:
        if edns == NO_EDNS:
            edns = EDNS_UNKNOWN
        if not (is_cut and at == _WALK_PAST_END):
            notes |= _MALFORMED_QUERY if flags & RESPONSE_FLAG == 0 else _MALFORMED_RESPONSE
    elif at < end:
        notes |= _TRAILING_BYTES
    message[0]["edns"] = edns
    message[0]["notes"] = notes
    return DECODED
