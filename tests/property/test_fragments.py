"""Any fragments in any order give the datagram; whatever comes, bounds hold and counts add up."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from geophone_capture.fragments import Datagram, Fragment, Fragments
from tests.support.packets import CLIENT_6, SERVER_6
from tests.support.tcp_traffic import mapped

ENDS = (mapped(CLIENT_6), mapped(SERVER_6))


@st.composite
def fragmented(draw: st.DrawFn) -> tuple[bytes, list[Fragment]]:
    """A datagram, and its fragments in some order, some of them twice."""
    whole = draw(st.binary(min_size=9, max_size=200))
    version = draw(st.sampled_from([4, 6]))
    borders = draw(st.sets(st.integers(1, (len(whole) - 1) // 8), min_size=1))
    edges = [0, *sorted(8 * border for border in borders), len(whole)]
    made = [
        Fragment(version, *ENDS, 1, 17, start, end < len(whole), whole[start:end], end - start)
        for start, end in pairwise(edges)
    ]
    # The one that makes it whole must be the last: an earlier copy begins it anew otherwise.
    order = draw(st.permutations(made))
    repeated = draw(st.lists(st.sampled_from(order[:-1]), max_size=3))
    return whole, [*draw(st.permutations([*order[:-1], *repeated])), order[-1]]


@given(fragmented())
def test_any_order_gives_the_datagram(made: tuple[bytes, list[Fragment]]) -> None:
    whole, given_fragments = made
    fragments = Fragments()
    found = [fragments.add(number, each) for number, each in enumerate(given_fragments)]
    assert found[:-1] == [None] * (len(found) - 1)
    version = given_fragments[0].version
    assert found[-1] == Datagram(version, *ENDS, 17, whole, len(whole))
    assert (fragments.waiting, fragments.held_bytes) == (0, 0)
    assert fragments.counts.overlapping == 0


@st.composite
def any_fragments(draw: st.DrawFn) -> Fragment:
    """Fragments of a few datagrams that overlap, contradict each other or are cut."""
    wire_bytes = draw(st.integers(0, 40) | st.integers(0, 5).map(lambda count: 8 * count))
    kept_bytes = draw(st.just(wire_bytes) | st.integers(0, wire_bytes))
    return Fragment(
        draw(st.sampled_from([4, 6])),
        *ENDS,
        draw(st.integers(0, 2)),
        17,
        8 * draw(st.integers(0, 6) | st.just(8_191)),
        draw(st.booleans()),
        draw(st.binary(min_size=kept_bytes, max_size=kept_bytes)),
        wire_bytes,
    )


@given(
    st.lists(st.tuples(st.integers(-5, 15), any_fragments()), max_size=60),
    st.integers(0, 6_000),
    st.integers(1, 4),
)
def test_bounds_hold_and_counts_add_up(
    given_fragments: list[tuple[int, Fragment]], memory_bytes: int, most_datagrams: int
) -> None:
    fragments = Fragments(memory_bytes, most_datagrams, most_pieces=3, timeout_us=20)
    counts = fragments.counts
    time_us = 0
    for step_us, fragment in given_fragments:
        time_us += step_us
        datagram = fragments.add(time_us, fragment)
        assert fragments.held_bytes <= memory_bytes
        assert fragments.waiting <= most_datagrams
        if datagram is not None:
            assert len(datagram.payload) <= datagram.wire_bytes <= 65_535
    fragments.close()
    assert (fragments.waiting, fragments.held_bytes) == (0, 0)
    assert counts.fragments == len(given_fragments)
    assert counts.datagrams == (
        counts.reassembled
        + counts.refused_datagrams
        + counts.timed_out
        + counts.memory_dropped
        + counts.unfinished
    )
    assert counts.malformed + counts.duplicate + counts.refused <= counts.fragments
