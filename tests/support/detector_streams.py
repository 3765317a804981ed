"""Random streams of rows and minute marks, dense where the windows' edges are."""

from dataclasses import replace

from hypothesis import strategies as st

from geophone_shared.transactions import Outcome
from tests.support.detector_rows import (
    HOUR_US,
    MINUTE_US,
    NOON_US,
    SECOND_US,
    YEAR_US,
    Row,
    name_of,
)

Step = Row | int
"""A row, or a minute mark: the clock's time in µs."""

ALLOW_LIST = ("akadns.net", "b.finer.org")
"""Coarser than one of the domains below, and finer than another."""

_DOMAINS = ("pirate.sea", "example.co.uk", "x.akadns.net", "finer.org", "wpad")
_HOSTS = ("", "a", "b", "c", "dd", "a.b", "ee.b", "f" * 40)
_NAMES = {domain: [name_of(host, domain) for host in _HOSTS] for domain in _DOMAINS}

_Move = tuple[int | None, int]
"""(panes, µs): to so many µs after the edge that lies so many panes away; or just so many µs."""

_EDGES = (0, 1, 9, 10, 11, 239, 240, 241, 1_439, 1_440, 1_441)
_MICROSECONDS = st.sampled_from([-1, 0, 1])

_dense: st.SearchStrategy[_Move] = st.one_of(
    st.tuples(st.none(), st.integers(0, 90 * SECOND_US)),
    st.tuples(st.none(), st.sampled_from([0, 0, 1, 30 * SECOND_US, MINUTE_US])),
    st.tuples(st.sampled_from([1, 2, 8, 10]), _MICROSECONDS),
)
_wide: st.SearchStrategy[_Move] = st.one_of(
    _dense,
    _dense,
    st.tuples(st.sampled_from(_EDGES), _MICROSECONDS),
    st.tuples(st.none(), st.sampled_from([12 * MINUTE_US, 5 * HOUR_US, 25 * HOUR_US, YEAR_US])),
)
_behind: st.SearchStrategy[_Move] = st.tuples(
    st.none(), st.sampled_from([-1, -SECOND_US, -2 * MINUTE_US, -25 * HOUR_US])
)
"""The clock of another producer."""

_dated: st.SearchStrategy[_Move] = st.one_of(
    st.just((None, 0)),
    st.just((None, 0)),
    st.tuples(st.none(), st.integers(-12 * MINUTE_US, 0)),
    st.tuples(st.sampled_from([-edge for edge in _EDGES]), _MICROSECONDS),
    st.tuples(st.none(), st.sampled_from([1, MINUTE_US, 72 * HOUR_US])),
)


@st.composite
def _templates(draw: st.DrawFn, domains: int) -> Row:
    """A row without its times: a name of a few, in any mix of cases (DNS 0x20)."""
    names = [name for domain in _DOMAINS[:domains] for name in _NAMES[domain]]
    name, domain_offset = draw(st.sampled_from(names))
    upper = draw(st.sampled_from([0, 0, 0x0A, 0x3FFF_FFFF_FFFF]))
    return Row(
        name=bytes(
            byte - 32 if upper >> index & 1 and 97 <= byte <= 122 else byte
            for index, byte in enumerate(name)
        ),
        domain_offset=domain_offset,
        completed_us=0,
        time_us=0,
        client=draw(
            st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1", "::ffff", "10.0.0.9"])
        ),
        outcome=draw(st.sampled_from(Outcome)),
        query_type=draw(st.sampled_from([1, 10, 65_399])),
        response_code=draw(st.sampled_from([0, 3, 12])),
        bytes_in=draw(st.integers(0, 2**32 - 1)),
        bytes_out=draw(st.integers(0, 2**32 - 1)),
    )


@st.composite
def streams(draw: st.DrawFn, most: int = 40, domains: int = len(_DOMAINS)) -> list[Step]:
    """Rows and marks: late ones, duplicates, pane edges ±1 µs, names that return, jumps of days."""
    steps: list[Step] = []
    clock_us = NOON_US
    row = _templates(domains)
    completed = draw(st.sampled_from([_dense, _wide | _wide | _wide | _behind]))
    moves = st.tuples(completed, _dated, st.one_of(row, row, row, st.none()))
    # Lists of a drawn length: left to itself, hypothesis mostly makes short ones.
    length = draw(st.integers(1, most))
    for forwards, dated, template in draw(st.lists(moves, min_size=length, max_size=length)):
        completed_us = _moved(clock_us, forwards)
        clock_us = max(clock_us, completed_us)
        if template is None:
            steps.append(completed_us)
        else:
            time_us = _moved(completed_us, dated)
            steps.append(replace(template, completed_us=completed_us, time_us=time_us))
    return steps


def _moved(from_us: int, move: _Move) -> int:
    panes, offset_us = move
    if panes is None:
        return from_us + offset_us
    return (from_us // MINUTE_US + panes) * MINUTE_US + offset_us
