"""The notes of transactions: a scene for each."""

import pytest

from geophone_capture.reasons import Reason
from geophone_shared.transactions import Note, Outcome
from tests.support.decoded_rows import create_decoder, decode_packets
from tests.support.dns_messages import (
    OPT_RECORD,
    RESPONSE,
    ROOT,
    TXT,
    message,
    record,
)
from tests.support.packets import (
    Packet,
)
from tests.support.scenes import (
    ASK,
    ASK_OTHER,
    ENDED,
    EVICTED,
    GIVEN_UP,
    REUSED,
    WWW,
    arp,
    lines,
    query,
    response,
)

pytestmark = pytest.mark.kernels

LONG = record(ROOT, TXT, bytes(600))
WITH_EDNS = message([ASK], [], [], [OPT_RECORD])
ANSWER_WITH_EDNS = message([ASK], [], [], [OPT_RECORD], flags=RESPONSE)
LONG_ANSWER = message([ASK], [LONG], flags=RESPONSE)
CUT_ANSWER = response(1, payload=message([ASK], [LONG], [], [OPT_RECORD], flags=RESPONSE)).cut(90)
SCENES: list[tuple[Note, list[Packet], Note]] = [
    (Note.NO_RESPONSE, [query(0), arp(10)], GIVEN_UP),
    (Note.NO_QUERY, [response(0)], Note.NO_QUERY),
    (Note.ID_REUSED, [query(0), query(1)], REUSED),
    (
        Note.OVERSIZE_WITHOUT_EDNS,
        [query(0), response(1, payload=LONG_ANSWER)],
        Note.OVERSIZE_WITHOUT_EDNS,
    ),
    (
        Note.OVERSIZE_WITHOUT_EDNS,
        [query(0, payload=message([ASK], [], [], [LONG])), response(1)],
        Note.OVERSIZE_WITHOUT_EDNS,
    ),
    (
        Note.OVERSIZE_WITHOUT_EDNS,
        [response(1, payload=LONG_ANSWER)],
        Note.NO_QUERY | Note.OVERSIZE_WITHOUT_EDNS,
    ),
    (
        Note.RESPONDER_WITHOUT_EDNS,
        [query(0, payload=WITH_EDNS), response(1)],
        Note.RESPONDER_WITHOUT_EDNS,
    ),
    (
        Note.RESPONDER_WITHOUT_EDNS,
        [query(0, payload=WITH_EDNS), response(1, payload=LONG_ANSWER)],
        Note.RESPONDER_WITHOUT_EDNS | Note.OVERSIZE_WITHOUT_EDNS,
    ),
    (
        Note.UNEXPECTED_EDNS,
        [query(0), response(1, payload=ANSWER_WITH_EDNS)],
        Note.UNEXPECTED_EDNS,
    ),
    (
        Note.QUESTION_DIFFERS,
        [query(0), response(1, payload=message([ASK_OTHER], flags=RESPONSE))],
        Note.NO_QUERY | Note.QUESTION_DIFFERS,
    ),
    (
        Note.LATE_RESPONSE,
        [query(99, 9), query(0), response(11)],
        Note.NO_QUERY | Note.LATE_RESPONSE,
    ),
    (Note.PENDING_EVICTED, [query(0), query(1, 2), query(2, 3)], EVICTED),
    (
        Note.SEVERAL_QUESTIONS,
        [query(0, payload=message([ASK, ASK_OTHER])), response(1)],
        Note.SEVERAL_QUESTIONS,
    ),
    (
        Note.MALFORMED_QUERY_RECORDS,
        [query(0, payload=message([ASK], counts=(1, 1, 0, 0))), response(1)],
        Note.MALFORMED_QUERY_RECORDS,
    ),
    (
        Note.MALFORMED_RESPONSE_RECORDS,
        [query(0), response(1, payload=message([ASK], flags=RESPONSE, counts=(1, 1, 0, 0)))],
        Note.MALFORMED_RESPONSE_RECORDS,
    ),
    (
        Note.TRAILING_BYTES,
        [query(0), response(1, payload=message([ASK], flags=RESPONSE, trailing=b"\0"))],
        Note.TRAILING_BYTES,
    ),
    (Note.CUT_BY_SNAPLEN, [query(0), CUT_ANSWER], Note.CUT_BY_SNAPLEN),
    (Note.CUT_BY_SNAPLEN, [query(0, payload=WITH_EDNS), CUT_ANSWER], Note.CUT_BY_SNAPLEN),
    (Note.INPUT_ENDED, [query(0), arp(1)], ENDED),
]


@pytest.mark.parametrize(("note", "packets", "expected"), SCENES)
def test_notes(note: Note, packets: list[Packet], expected: Note) -> None:
    first = lines(packets, pending_capacity=2)[0]
    assert first[3] == expected
    assert note in first[3]


def test_every_note_has_a_scene() -> None:
    over_tcp = {note for note in Note if (note.name or "").startswith("REPLY_")}
    assert {scene[0] for scene in SCENES} == set(Note) - over_tcp


@pytest.mark.parametrize("payload_bytes", [512, 513])
def test_oversize_begins_after_512_bytes(payload_bytes: int) -> None:
    empty = message([ASK], [record(ROOT, TXT, b"")], flags=RESPONSE)
    answer = message([ASK], [record(ROOT, TXT, bytes(payload_bytes - len(empty)))], flags=RESPONSE)
    assert len(answer) == payload_bytes
    (line,) = lines([query(0), response(1, payload=answer)])
    assert (Note.OVERSIZE_WITHOUT_EDNS in line[3]) == (payload_bytes > 512)
    with_edns = message([ASK], [record(ROOT, TXT, bytes(600))], [], [OPT_RECORD], flags=RESPONSE)
    (line,) = lines([query(0, payload=WITH_EDNS), response(1, payload=with_edns)])
    assert line[3] == Note(0)


def test_snap_length_at_every_byte_of_a_query() -> None:
    whole = query(0, payload=WITH_EDNS)
    payload_at = 14 + 20 + 8
    for captured in range(len(whole.frame)):
        decoder = create_decoder()
        rows = decode_packets(decoder, [whole.cut(captured), response(1)])
        if captured < payload_at + 12 + len(ASK):
            assert decoder.counts()[Reason.CUT_BY_SNAPLEN] == 1
            assert [row.outcome for row in rows] == [Outcome.UNSOLICITED]
        else:
            (row,) = rows
            assert row.outcome == Outcome.ANSWERED
            assert row.name == WWW[:-1]
            assert row.bytes_in == len(WITH_EDNS)
            # Whether it had EDNS is not known any more, so the response is not blamed.
            assert row.notes == Note.CUT_BY_SNAPLEN
