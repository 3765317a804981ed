"""Messages in the bytes of one direction: whole, broken, lost, and none at all."""

import pytest

from geophone_capture.tcp_framing import (
    LONGEST_BYTES,
    BrokenMessage,
    Framed,
    FramedMessage,
    MessageFraming,
    Unframed,
    is_plausible,
)
from tests.support.dns_messages import (
    OPT_RECORD,
    RESPONSE,
    ROOT,
    TO_QUESTION,
    message,
    name,
    name_of,
    question,
    record,
)
from tests.support.tcp_traffic import framed, query, reply

SSH = b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"
LARGE = message([question(name(b"large"))], flags=RESPONSE, trailing=bytes(3_000))


def whole(*messages: bytes) -> list[Framed]:
    return [FramedMessage(each, len(each) + 2) for each in messages]


def feed(framing: MessageFraming, *segments: bytes) -> list[Framed]:
    return [found for segment in segments for found in framing.feed(segment)]


def test_several_messages_in_a_segment() -> None:
    framing = MessageFraming(from_start=True)
    assert feed(framing, framed(query(1), query(2), query(3))) == whole(
        query(1), query(2), query(3)
    )
    assert framing.held_bytes == 0


@pytest.mark.parametrize("size", [1, 2, 3, 13, 14, 15, 16, 40, 1_000])
def test_message_across_segments(size: int) -> None:
    stream = framed(query(1), LARGE, query(2))
    framing = MessageFraming(from_start=True)
    segments = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert feed(framing, *segments) == whole(query(1), LARGE, query(2))
    assert (framing.held_bytes, framing.end()) == (0, [])


def test_message_with_nothing_but_a_header() -> None:
    stream = framed(message([], flags=RESPONSE))
    for size in (1, 14):
        framing = MessageFraming(from_start=True)
        segments = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert feed(framing, *segments) == whole(stream[2:])


@pytest.mark.parametrize(
    ("length", "reason"),
    [
        (0, BrokenMessage.ZERO_LENGTH),
        (1, BrokenMessage.UNEXPECTED_LENGTH),
        (11, BrokenMessage.UNEXPECTED_LENGTH),
    ],
)
def test_absurd_length_costs_the_rest_of_the_segment(length: int, reason: BrokenMessage) -> None:
    framing = MessageFraming(from_start=True)
    absurd = length.to_bytes(2) + b"x" * 20
    found = feed(framing, framed(query(1)) + absurd, framed(query(2)))
    assert found == [*whole(query(1)), reason, Unframed(22, 0), *whole(query(2))]


def test_other_protocol_is_no_dns_and_holds_no_memory() -> None:
    framing = MessageFraming(from_start=True)
    assert feed(framing, SSH) == [BrokenMessage.UNDECODABLE, Unframed(len(SSH), 0)]
    for _ in range(100):
        assert feed(framing, SSH * 10) == [Unframed(10 * len(SSH), 0)]
        assert framing.held_bytes == 0
    # Whoever wraps DNS in something else is still seen where a segment starts with a message.
    assert feed(framing, framed(query(1))) == whole(query(1))


def test_other_protocol_in_segments_of_one_byte() -> None:
    framing = MessageFraming(from_start=True)
    found = feed(framing, *(SSH[at : at + 1] for at in range(len(SSH))))
    assert found[0] == BrokenMessage.UNDECODABLE
    told_bytes = sum(each.wire_bytes for each in found if isinstance(each, Unframed))
    assert told_bytes >= 15
    assert told_bytes + framing.held_bytes == len(SSH)


def test_start_that_was_missed_is_excused_up_to_the_longest_message() -> None:
    framing = MessageFraming(from_start=False)
    noise = b"\xff" * 1_000
    assert feed(framing, noise) == [Unframed(0, 1_000)]
    assert feed(framing, framed(query(1))) == whole(query(1))
    other = MessageFraming(from_start=False)
    found = [each for each in feed(other, *[noise] * 100) if isinstance(each, Unframed)]
    assert sum(each.excused_bytes for each in found) == LONGEST_BYTES
    assert sum(each.wire_bytes for each in found) == 100_000 - LONGEST_BYTES


@pytest.mark.parametrize("size", [1, 5, 14, 100])
def test_pick_up_at_a_message_that_comes_in_pieces(size: int) -> None:
    stream = framed(reply(1), LARGE)
    framing = MessageFraming(from_start=False)
    segments = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert feed(framing, *segments) == whole(reply(1), LARGE)


@pytest.mark.parametrize("is_cut", [False, True])
def test_hole_inside_of_a_message_leaves_the_next_ones_known(is_cut: bool) -> None:
    stream = framed(LARGE, reply(1))
    framing = MessageFraming(from_start=True)
    assert feed(framing, stream[:100]) == []
    found = framing.miss(500, is_cut=is_cut)
    cut: list[Framed] = [FramedMessage(LARGE[:98], len(LARGE) + 2)]
    assert found == (cut if is_cut else [BrokenMessage.INCOMPLETE])
    assert framing.held_bytes == 0
    assert feed(framing, stream[600:1_000], stream[1_000:]) == whole(reply(1))


def test_two_holes_in_a_message_and_one_up_to_its_end() -> None:
    stream = framed(LARGE, reply(1))
    framing = MessageFraming(from_start=True)
    assert feed(framing, stream[:100]) == []
    assert framing.miss(500, is_cut=False) == [BrokenMessage.INCOMPLETE]
    assert feed(framing, stream[600:1_000]) == []
    assert framing.miss(len(LARGE) + 2 - 1_000, is_cut=False) == []
    assert feed(framing, stream[len(LARGE) + 2 :]) == whole(reply(1))


@pytest.mark.parametrize("lost", [50, 3_002, 4_000])
def test_hole_across_borders_costs_what_is_around_it(lost: int) -> None:
    stream = framed(query(1), *[LARGE] * 3, query(2))
    framing = MessageFraming(from_start=True)
    start = len(framed(query(1)))
    assert feed(framing, stream[:start]) == whole(query(1))
    assert framing.miss(lost, is_cut=False) == []
    # The rest of a message is left out; a segment that starts with one is seen.
    assert all(isinstance(each, Unframed) for each in feed(framing, b"\xf0" * 1_000))
    assert feed(framing, framed(query(2))) == whole(query(2))


def test_end_inside_of_a_message() -> None:
    framing = MessageFraming(from_start=True)
    feed(framing, framed(LARGE)[:100])
    assert framing.end() == [BrokenMessage.INCOMPLETE]
    assert (framing.end(), framing.held_bytes) == ([], 0)


@pytest.mark.parametrize(
    "good",
    [
        query(1),
        LARGE,
        message([question(ROOT)]),
        message([], flags=RESPONSE),
        message([], flags=RESPONSE, answers=[record(ROOT), record(ROOT)]),
        message([question(name_of(255))], additionals=[OPT_RECORD]),
        message([question(name(b"a")), question(TO_QUESTION)]),
        message(counts=(1, 65_535, 65_535, 65_535)),
    ],
)
def test_messages_are_plausible_at_any_cut(good: bytes) -> None:
    stream = framed(good)
    cuts = range(min(15, len(stream)), len(stream) + 1)
    assert all(is_plausible(stream[:cut], is_guess=False) for cut in cuts)


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        (query(1), True),
        (LARGE, True),
        (message([question(name(b"a")), question(TO_QUESTION)]), False),
        (message(counts=(1, 65_535, 0, 0)), False),
    ],
)
def test_guess_asks_for_more(odd: bytes, expected: bool) -> None:
    assert is_plausible(framed(odd), is_guess=True) == expected


@pytest.mark.parametrize(
    "bad",
    [
        framed(SSH),
        SSH,
        b"GET /index.html HTTP/1.1\r\nHost: www.example.com\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xa5" * 40,
        b"\xff" * 40,
        framed(message([question(name(b"a" * 40)[:-5])])),  # the name ends behind the message
        framed(message([question(name_of(256))])),
        framed(message([], flags=RESPONSE, counts=(0, 1, 0, 0))),
    ],
)
def test_other_bytes_are_not_plausible(bad: bytes) -> None:
    assert not is_plausible(bad, is_guess=False)
    assert not is_plausible(bad, is_guess=True)
