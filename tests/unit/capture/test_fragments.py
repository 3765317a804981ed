"""IP fragments: keys, overlaps, contradictions, time and memory."""

from itertools import permutations

import pytest

from geophone_capture.fragments import DATAGRAM_COST_BYTES, Datagram, Fragment, Fragments
from geophone_capture.pieces import PIECE_COST_BYTES
from tests.support.packets import CLIENT, CLIENT_6, SERVER, SERVER_6
from tests.support.tcp_traffic import mapped

SECOND_US = 1_000_000
WHOLE = bytes(range(20))


def fragment(
    start: int = 0,
    payload: bytes = WHOLE[:8],
    *,
    has_more: bool = True,
    version: int = 4,
    identification: int = 7,
    protocol: int = 17,
    wire_bytes: int | None = None,
    source: str | None = None,
) -> Fragment:
    ends = (CLIENT, SERVER) if version == 4 else (CLIENT_6, SERVER_6)
    return Fragment(
        version,
        mapped(source or ends[0]),
        mapped(ends[1]),
        identification,
        protocol,
        start,
        has_more,
        payload,
        len(payload) if wire_bytes is None else wire_bytes,
    )


def pieces_of(whole: bytes = WHOLE, size: int = 8, *, version: int = 4) -> list[Fragment]:
    return [
        fragment(at, whole[at : at + size], has_more=at + size < len(whole), version=version)
        for at in range(0, len(whole), size)
    ]


def datagrams(fragments: Fragments, *given: Fragment, time_us: int = 0) -> list[Datagram]:
    found = [fragments.add(time_us, each) for each in given]
    return [datagram for datagram in found if datagram is not None]


@pytest.mark.parametrize("version", [4, 6])
def test_fragments_in_any_order_come_to_their_datagram(version: int) -> None:
    for order in permutations(pieces_of(version=version)):
        fragments = Fragments()
        [datagram] = datagrams(fragments, *order)
        assert datagram == Datagram(version, order[0].source, order[0].destination, 17, WHOLE, 20)
        assert (fragments.waiting, fragments.held_bytes) == (0, 0)


@pytest.mark.parametrize(
    "other",
    [
        {"identification": 8},
        {"source": "10.0.0.9"},
        {"protocol": 6},
    ],
)
def test_fragments_of_other_ipv4_datagrams_are_kept_apart(other: dict[str, int]) -> None:
    first, second, _ = pieces_of()
    last = fragment(16, WHOLE[16:], has_more=False, **other)  # type: ignore[arg-type]  # of several types
    fragments = Fragments()
    assert datagrams(fragments, first, second, last) == []
    assert fragments.waiting == 2


def test_ipv6_protocol_is_that_of_the_first_fragment() -> None:
    # RFC 8200 §4.5: the next header of later fragments isn't used.
    first, second, _ = pieces_of(version=6)
    last = fragment(16, WHOLE[16:], has_more=False, version=6, protocol=99)
    [datagram] = datagrams(Fragments(), last, first, second)
    assert datagram.protocol == 17


@pytest.mark.parametrize("version", [4, 6])
def test_exact_duplicates_are_left_out(version: int) -> None:
    first, second, last = pieces_of(version=version)
    fragments = Fragments()
    [datagram] = datagrams(fragments, first, first, second, second, last)
    assert datagram.payload == WHOLE
    assert (fragments.counts.duplicate, fragments.counts.overlapping) == (2, 0)


def test_overlap_in_ipv4_leaves_the_first_copy_and_is_counted() -> None:
    first, _, last = pieces_of()
    fragments = Fragments()
    [datagram] = datagrams(fragments, first, fragment(0, b"X" * 16), fragment(8, b"Y" * 8), last)
    assert datagram.payload == WHOLE[:8] + b"X" * 8 + WHOLE[16:]
    assert (fragments.counts.overlapping, fragments.counts.reassembled) == (1, 1)


@pytest.mark.parametrize(
    "overlapping",
    [
        fragment(0, WHOLE[:16], version=6),
        fragment(0, b"X" * 8, version=6),
    ],
)
def test_overlap_in_ipv6_refuses_the_datagram_and_its_rest(overlapping: Fragment) -> None:
    first, second, last = pieces_of(version=6)
    fragments = Fragments()
    assert datagrams(fragments, first, overlapping, second, last, first) == []
    counts = fragments.counts
    assert (counts.overlapping, counts.refused_datagrams, counts.refused) == (1, 1, 3)
    assert fragments.held_bytes == DATAGRAM_COST_BYTES
    # When its time is over the identification can be used again.
    assert datagrams(fragments, first, second, last, time_us=30 * SECOND_US) != []


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(
    "impossible",
    [
        {"payload": b"1234567"},  # not the last, and no multiple of 8 bytes
        {"payload": b""},
        {"payload": b"", "has_more": False, "start": 8},
        {"payload": b"12345678", "start": 65_528, "has_more": True},
        {"payload": b"12345678", "start": 65_528, "has_more": False},
    ],
)
def test_impossible_fragments_are_left_out(version: int, impossible: dict[str, object]) -> None:
    fragments = Fragments()
    bad = fragment(version=version, **impossible)  # type: ignore[arg-type]  # of several types
    [datagram] = datagrams(fragments, bad, *pieces_of(version=version), bad)
    assert datagram.payload == WHOLE
    assert fragments.counts.malformed == 2


def test_largest_datagrams_are_possible() -> None:
    for version, most_bytes in ((4, 65_515), (6, 65_535)):
        [datagram] = datagrams(Fragments(), *pieces_of(bytes(most_bytes), 1_480, version=version))
        assert datagram.wire_bytes == most_bytes


@pytest.mark.parametrize(
    "contradiction",
    [
        fragment(0, WHOLE[:16], has_more=False),  # ends before what came
        fragment(0, WHOLE[:8] * 2, has_more=False),
        fragment(16, WHOLE[16:] + b"more", has_more=False),  # another end
        fragment(16, WHOLE[:8]),  # beyond the end
    ],
)
def test_what_contradicts_the_end_is_left_out(contradiction: Fragment) -> None:
    first, second, last = pieces_of()
    fragments = Fragments()
    [datagram] = datagrams(fragments, last, second, contradiction, first)
    assert datagram.payload == WHOLE
    assert fragments.counts.malformed == 1


def test_first_end_that_lies_before_other_pieces_is_left_out() -> None:
    fragments = Fragments()
    assert datagrams(fragments, fragment(8), fragment(0, WHOLE[:4], has_more=False)) == []
    assert fragments.counts.malformed == 1


@pytest.mark.parametrize(
    ("kept_bytes", "expected"),
    [((8, 8, 2), WHOLE[:18]), ((8, 5, 4), WHOLE[:13]), ((0, 8, 4), b"")],
)
def test_cut_datagram_is_given_up_to_what_is_missing(
    kept_bytes: tuple[int, int, int], expected: bytes
) -> None:
    fragments = Fragments()
    cut = [
        each._replace(payload=each.payload[:kept])
        for each, kept in zip(pieces_of(), kept_bytes, strict=True)
    ]
    [datagram] = datagrams(fragments, *cut)
    assert (datagram.payload, datagram.wire_bytes) == (expected, 20)
    assert fragments.counts.cut == 1


def test_what_stays_incomplete_is_given_up_by_packet_time() -> None:
    first, second, last = pieces_of()
    fragments = Fragments(timeout_us=30 * SECOND_US)
    assert datagrams(fragments, first, time_us=5) == []
    assert datagrams(fragments, second, time_us=30 * SECOND_US + 4) == []
    assert fragments.counts.timed_out == 0
    assert datagrams(fragments, last, time_us=30 * SECOND_US + 5) == []
    assert (fragments.counts.timed_out, fragments.waiting) == (1, 1)
    fragments.close()
    assert (fragments.counts.unfinished, fragments.waiting, fragments.held_bytes) == (1, 0, 0)


def test_time_that_goes_back_gives_up_nothing() -> None:
    first, second, last = pieces_of()
    fragments = Fragments()
    assert datagrams(fragments, first, time_us=3_600 * SECOND_US) == []
    assert datagrams(fragments, second, last, time_us=0) != []


def test_oldest_give_way_when_memory_is_full() -> None:
    cost_bytes = DATAGRAM_COST_BYTES + PIECE_COST_BYTES + 8
    fragments = Fragments(memory_bytes=3 * cost_bytes)
    for number in range(5):
        fragments.add(number, fragment(identification=number))
    assert (fragments.waiting, fragments.counts.memory_dropped) == (3, 2)
    assert fragments.held_bytes == 3 * cost_bytes
    assert (
        datagrams(fragments, *(each._replace(identification=4) for each in pieces_of()[1:])) != []
    )


def test_oldest_give_way_when_there_are_too_many() -> None:
    fragments = Fragments(most_datagrams=2)
    for number in range(5):
        fragments.add(number, fragment(identification=number))
    assert (fragments.waiting, fragments.counts.memory_dropped) == (2, 3)


def test_datagram_of_too_many_pieces_is_refused() -> None:
    fragments = Fragments(most_pieces=4)
    given = pieces_of(bytes(80))
    assert datagrams(fragments, *given) == []
    assert (fragments.counts.refused_datagrams, fragments.counts.refused) == (1, 5)
    assert fragments.held_bytes == DATAGRAM_COST_BYTES
