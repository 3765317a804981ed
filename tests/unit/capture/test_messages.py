"""A message's header, first question and EDNS: literals, each rejection with its reason.

Any other message is compared with dnspython in `tests/property/test_capture_kernels.py`.
"""

import numpy as np
import pytest

from geophone_capture.kernels.messages import decode_name
from geophone_capture.reasons import Reason
from geophone_shared.transactions import Note
from tests.support.decoded import decode
from tests.support.dns_messages import (
    OPT,
    OPT_RECORD,
    QUERY,
    RESPONSE,
    ROOT,
    TO_QUESTION,
    TXT,
    A,
    message,
    name,
    name_of,
    pointer,
    question,
    record,
)
from tests.support.message_model import Header, Message, Question

pytestmark = pytest.mark.kernels

WWW = name(b"www", b"example", b"com")
ASK = question(WWW)
ASK_HEADER = Header(1, QUERY, 1, 0, 0, 0)
A_RECORD = record(TO_QUESTION)
BAD_QUERY = Note.MALFORMED_QUERY_RECORDS
BAD_RESPONSE = Note.MALFORMED_RESPONSE_RECORDS


def ask(owner: bytes, dns_id: int = 1, flags: int = QUERY) -> bytes:
    """A query whose question's name is `owner`."""
    return message([question(owner)], dns_id=dns_id, flags=flags)


def test_header() -> None:
    found = decode(message(dns_id=0xFEDC, flags=0xBA98, counts=(1, 0x7654, 0x3210, 0xFFFF)))
    assert isinstance(found, Message)
    assert found.header == (0xFEDC, 0xBA98, 1, 0x7654, 0x3210, 0xFFFF)


@pytest.mark.parametrize(
    "owner",
    [
        ROOT,
        WWW,
        name(b"wpad"),
        name(bytes(range(63)), bytes(range(193, 256))),  # any byte
        name(b"a.b", b"\0", b"\\", b" "),
        *(name(b"x" * size) for size in range(1, 64)),
        name_of(253),
        name_of(254),
        name_of(255),
        name(*[b"a"] * 127),  # as many labels as fit
    ],
)
def test_names(owner: bytes) -> None:
    found = decode(ask(owner))
    assert found == Message(ASK_HEADER, Question(owner[:-1], A, 1), has_edns=False, notes=Note(0))


def test_type_and_class() -> None:
    found = decode(message([question(WWW, 0xFFFE, 0xFEFF)]))
    assert isinstance(found, Message)
    assert found.question == (WWW[:-1], 0xFFFE, 0xFEFF)


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (b"", Reason.SHORT_MESSAGE),
        (message()[:11], Reason.SHORT_MESSAGE),
        (message()[:12], Reason.TRUNCATED_MESSAGE),
        (message([]), Reason.NO_QUESTION),
        (message([], [record(WWW)]), Reason.NO_QUESTION),
        (ask(name_of(256)), Reason.NAME_TOO_LONG),
        (ask(name_of(300)), Reason.NAME_TOO_LONG),
        (ask(name(*[b"a"] * 128)), Reason.NAME_TOO_LONG),
        *(
            (ask(bytes([head]) + ROOT), Reason.BAD_LABEL_TYPE)
            for head in (0x40, 0x41, 0x7F, 0x80, 0xBF)
        ),
        (ask(WWW[:-1] + b"\x40"), Reason.BAD_LABEL_TYPE),
        (ask(pointer(12)), Reason.BAD_POINTER),  # to itself
        (ask(pointer(13)), Reason.BAD_POINTER),
        (ask(pointer(18)), Reason.BAD_POINTER),  # forward
        (ask(pointer(0x3FFF)), Reason.BAD_POINTER),
        (ask(b"\3www" + pointer(12)), Reason.BAD_POINTER),  # a loop
        (ask(b"\3www" + pointer(14)), Reason.BAD_POINTER),  # into its own label
        (ask(b"\3www" + pointer(20)), Reason.BAD_POINTER),
        (ask(pointer(0), 0xC000), Reason.BAD_POINTER),  # a loop inside of the header
        (ask(pointer(0), 0x4041), Reason.BAD_LABEL_TYPE),
        # Backwards, but its target runs into the labels that it was to continue.
        (message([question(pointer(11))], counts=(1, 0, 0, 2)), Reason.BAD_POINTER),
        (ask(pointer(0), 0x0C00), Reason.BAD_POINTER),
        (message()[:-1], Reason.TRUNCATED_MESSAGE),
        (message()[:-4], Reason.TRUNCATED_MESSAGE),
        (message()[:-5], Reason.TRUNCATED_MESSAGE),
        (ask(pointer(0), 0x0161, 0)[:13], Reason.TRUNCATED_MESSAGE),  # half a pointer
        (ask(b"\x3f" + b"a" * 62)[: 12 + 63], Reason.TRUNCATED_MESSAGE),
    ],
)
def test_rejected_messages(wire: bytes, reason: Reason) -> None:
    assert decode(wire) == reason


@pytest.mark.parametrize(
    ("wire", "expected_name"),
    [
        (ask(pointer(0), 0x0161, 0x0000), b"\1a"),  # the id and the flags are a name
        (ask(pointer(2), 0x0000, 0x0061), b""),
        (ask(b"\3www" + pointer(0), 0x0161, 0x0000), b"\3www\1a"),
        (message([question(pointer(10))], counts=(1, 0, 0, 0)), b""),
        (message([question(pointer(11))], counts=(1, 0, 0, 0)), b""),
        (ask(pointer(2), 0x0000, 0xC000), b""),
        # A chain inside of the header: additionals → id → root in the flags.
        (
            message([question(pointer(10))], dns_id=0x0162, flags=0, counts=(1, 0, 0, 0xC000)),
            b"\1b",
        ),
    ],
)
def test_pointers_into_the_header(wire: bytes, expected_name: bytes) -> None:
    found = decode(wire)
    assert isinstance(found, Message)
    assert found.question.name == expected_name


def test_pointer_chains() -> None:
    wire = b"\1a\0" + b"\1b" + pointer(0) + b"\1c" + pointer(3) + pointer(7) + b"rest"
    start = 5
    buffer, found = np.array(bytearray(bytes(start) + wire)), np.zeros(32, np.uint64)
    length, after = decode_name(buffer, start, start + 11, start + len(wire), found)
    assert found.tobytes()[:length] == b"\1c\1b\1a"
    assert after == start + 13


def test_a_response_without_a_question_is_for_its_query_to_name() -> None:
    found = decode(message([], [record(WWW)], [], [OPT_RECORD], flags=RESPONSE))
    header = Header(1, RESPONSE, 0, 1, 0, 1)
    assert found == Message(header, Question(b"", 0, 0), has_edns=True, notes=Note(0))


@pytest.mark.parametrize(
    ("wire", "has_edns", "notes"),
    [
        (message(), False, Note(0)),
        (message(additionals=[OPT_RECORD]), True, Note(0)),
        (message([ASK], [A_RECORD] * 3, [record(ROOT)], [OPT_RECORD]), True, Note(0)),
        (message(answers=[record(TO_QUESTION, TXT, b"\3abc")]), False, Note(0)),
        (message(answers=[OPT_RECORD], additionals=[record(ROOT)]), False, Note(0)),  # misplaced
        (message(additionals=[record(ROOT), OPT_RECORD]), True, Note(0)),
        (message([ASK, question(ROOT)]), False, Note.SEVERAL_QUESTIONS),
        (message([ASK] * 3, [], [], [OPT_RECORD]), True, Note.SEVERAL_QUESTIONS),
        (message(trailing=b"\0"), False, Note.TRAILING_BYTES),
        (message(additionals=[OPT_RECORD], trailing=bytes(99)), True, Note.TRAILING_BYTES),
        (message(counts=(2, 0, 0, 0)), None, Note.SEVERAL_QUESTIONS | BAD_QUERY),
        (message(counts=(1, 65_535, 65_535, 65_535)), None, BAD_QUERY),
        (message(counts=(1, 1, 0, 0), flags=RESPONSE), None, BAD_RESPONSE),
        (
            message(additionals=[OPT_RECORD], counts=(1, 0, 0, 2)),  # what was seen was seen
            True,
            BAD_QUERY,
        ),
        (
            message(answers=[record(ROOT, rdata_bytes=5)], flags=RESPONSE),
            None,
            BAD_RESPONSE,
        ),
        (message(answers=[record(b"\x80")]), None, BAD_QUERY),
        (message(additionals=[OPT_RECORD], counts=(1, 0, 0, 0)), False, Note.TRAILING_BYTES),
        # Names after the question are walked over, not followed.
        (message(answers=[record(pointer(0x3FFF))]), False, Note(0)),
        (message(answers=[record(ROOT, A, b"short")]), False, Note(0)),
    ],
)
def test_records(wire: bytes, has_edns: bool | None, notes: Note) -> None:
    found = decode(wire)
    assert isinstance(found, Message)
    assert (found.has_edns, found.notes) == (has_edns, notes)
    assert found.question == (WWW[:-1], A, 1)


FULL_MESSAGE = message(
    [ASK, question(TO_QUESTION, TXT)],
    [record(TO_QUESTION), record(name(b"a"), TXT, b"\3abc")],
    [record(ROOT, 10, b"")],
    [record(ROOT, OPT, b"\0\x0a\0\x01x", record_class=4096), record(TO_QUESTION)],
    flags=RESPONSE,
)
QUESTION_END = 12 + len(ASK)
OPT_SEEN = FULL_MESSAGE.index(OPT_RECORD[:5]) + 11
"""Where the fixed part of the OPT record ends: EDNS is used, whatever became of its options."""


def test_every_length_of_a_message_that_was_sent_like_that() -> None:
    for length in range(len(FULL_MESSAGE)):
        found = decode(FULL_MESSAGE[:length])
        if length < QUESTION_END:
            expected = Reason.SHORT_MESSAGE if length < 12 else Reason.TRUNCATED_MESSAGE
            assert found == expected
        else:
            assert isinstance(found, Message)
            assert found.notes == Note.SEVERAL_QUESTIONS | BAD_RESPONSE
            assert found.has_edns == (True if length >= OPT_SEEN else None)


def test_every_snap_length() -> None:
    for captured in range(len(FULL_MESSAGE)):
        found = decode(FULL_MESSAGE[:captured], len(FULL_MESSAGE))
        if captured < QUESTION_END:
            assert found == Reason.CUT_BY_SNAPLEN
        else:
            assert isinstance(found, Message)
            assert found.question.name == WWW[:-1]
            assert found.notes == Note.SEVERAL_QUESTIONS | Note.CUT_BY_SNAPLEN
            assert found.has_edns == (True if captured >= OPT_SEEN else None)


@pytest.mark.parametrize(
    ("captured", "wire_bytes", "reason"),
    [
        (message()[:4], 11, Reason.SHORT_MESSAGE),  # it was too short before the cut
        (message()[:4], 12, Reason.CUT_BY_SNAPLEN),
        (message([])[:12], 30, Reason.NO_QUESTION),
        (ask(name_of(256))[: 12 + 255], 300, Reason.NAME_TOO_LONG),  # what was kept shows it
        (ask(b"\x40")[:13], 40, Reason.BAD_LABEL_TYPE),
    ],
)
def test_cut_messages_that_would_be_rejected_anyway(
    captured: bytes, wire_bytes: int, reason: Reason
) -> None:
    assert decode(captured, wire_bytes) == reason


def test_a_cut_message_whose_kept_records_are_malformed() -> None:
    wire = message(answers=[record(b"\x80"), record(ROOT)])
    found = decode(wire[:-1], len(wire))
    assert isinstance(found, Message)
    assert found.notes == Note.CUT_BY_SNAPLEN | BAD_QUERY
