"""The windows' kernels against brute force, after every row."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geophone_detector.archive import Archive
from geophone_detector.kernels.layout import NONE, WINDOWS
from geophone_detector.kernels.tables import Tables
from geophone_detector.reading import Counts, live_counts, peak_counts
from geophone_detector.summaries import summary_at_peak, summary_now
from geophone_detector.windows import SlidingWindows
from geophone_shared.jit import Array, is_interpreted
from geophone_shared.names import wire_name
from tests.support.detector_rows import FAR_US, HOUR_US, NOON_US, Row, transactions_of
from tests.support.detector_streams import ALLOW_LIST, Step, streams
from tests.support.window_driver import PLENTY, create_windows, feed, keys, mark
from tests.support.window_model import WindowModel, presentation_form
from tests.support.window_state import assert_consistent

pytestmark = pytest.mark.kernels

_ENTRIES = [wire_name(entry) for entry in ALLOW_LIST]


def assert_same_counts(tables: Tables, model: WindowModel) -> None:
    """Every domain's names and bytes in every window are those of the model."""
    counted = {
        key: [
            _numbers(count(tables, domain, window))
            for count in (live_counts, peak_counts)
            for window in range(WINDOWS)
        ]
        for key, domain in keys(tables).items()
    }
    expected = {}
    for key, domain in model.domains.items():
        live = [domain.live_names(model.now_pane, window) for window in range(WINDOWS)]
        expected[key] = [
            *((len(names), domain.information_bytes(names)) for names in live),
            *zip(domain.peak_names, domain.peak_information, strict=True),
        ]
    assert counted == expected


def _numbers(counts: Counts) -> tuple[int, int]:
    return counts.names, counts.information


def assert_same_heads(tables: Tables, model: WindowModel) -> None:
    """What was left out is counted by reason, and no freed name holds a place."""
    heads = tables.heads[0]
    assert heads["late_rows"] == model.late_rows
    assert heads["names_at_cap"] == model.names_at_cap
    assert heads["live_pairs"] == model.live_names()


def assert_same_summaries(tables: Tables, model: WindowModel) -> None:
    """What people are shown of every domain is what the model shows."""
    for key, domain in keys(tables).items():
        for window in range(WINDOWS):
            assert summary_now(tables, domain, window) == model.now(key, window)
            assert summary_at_peak(tables, domain, window) == model.at_peak(key, window)


@given(
    steps=streams(),
    exact_cap_names=st.sampled_from([1, 2, 3, PLENTY, PLENTY]),
    latest_us=st.sampled_from([FAR_US, FAR_US, NOON_US + 2 * HOUR_US]),
)
def test_every_count_is_that_of_brute_force_after_every_row(
    steps: list[Step], exact_cap_names: int, latest_us: int
) -> None:
    windows = create_windows(allow_list=ALLOW_LIST, exact_cap_names=exact_cap_names, sketches=0)
    model = WindowModel(allow_list=_ENTRIES, exact_cap_names=exact_cap_names)
    for step in steps:
        if isinstance(step, Row):
            feed(windows, [step], latest_us)
            model.add(step, latest_us)
        else:
            mark(windows, min(step, latest_us))
            model.advance(min(step, latest_us))
            model.let_go()
        assert_same_counts(windows.tables, model)
        assert_same_heads(windows.tables, model)
        assert_consistent(windows.tables)
    assert_same_summaries(windows.tables, model)


class SweepSpy(Archive):
    """Remembers which domains were about to be freed."""

    def __init__(self) -> None:
        super().__init__()
        self.freed: list[bytes] = []

    def add(self, tables: Tables, domains: Array) -> None:
        names = {domain: key for key, domain in keys(tables).items()}
        self.freed += [names[int(domain)] for domain in domains]
        super().add(tables, domains)


@given(
    steps=streams(),
    pair_capacity=st.sampled_from([2, 4, PLENTY]),
    domain_capacity=st.sampled_from([2, 3, PLENTY]),
    domain_name_bytes=st.sampled_from([60, 80, 100 * PLENTY]),
)
def test_a_sweep_takes_the_fewest_names_and_of_those_the_oldest_and_nothing_else(
    steps: list[Step], pair_capacity: int, domain_capacity: int, domain_name_bytes: int
) -> None:
    windows = create_windows(
        allow_list=ALLOW_LIST,
        pair_capacity=pair_capacity,
        domain_capacity=domain_capacity,
        domain_name_bytes=domain_name_bytes,
    )
    windows.archive = spy = SweepSpy()
    model = WindowModel(allow_list=_ENTRIES)
    for step in steps:
        if not isinstance(step, Row):
            mark(windows, step)
            model.advance(step)
            model.let_go()
            continue
        spy.freed.clear()
        feed(windows, [step])
        model.advance(step.completed_us)
        model.let_go()
        swept = [key for key in spy.freed if key in model.domains]
        ranks = {
            key: (len(domain.live_names(model.now_pane, -1)), max(r.time_us for r in domain.rows))
            for key, domain in model.domains.items()
        }
        stayed = [rank for key, rank in ranks.items() if key not in swept]
        assert all(ranks[key] <= min(stayed, default=ranks[key]) for key in swept)
        for key in swept:
            del model.domains[key]
        model.add(step)
        assert_same_counts(windows.tables, model)
        assert_consistent(windows.tables)
    assert windows.tables.heads[0]["rows_without_room"] == 0
    assert_same_summaries(windows.tables, model)


def state_of(windows: SlidingWindows) -> dict[str, bytes]:
    """All that is known, as bytes."""
    tables = windows.tables
    heads = tables.heads[0]
    return {
        "domains": tables.domains[: int(heads["unused_domain"])].tobytes(),
        "counts": tables.counts[: int(heads["unused_counts"])].tobytes(),
        "evidence": tables.evidence[: int(heads["unused_evidence"])].tobytes(),
        "heads": tables.heads.tobytes(),
        "pair_slots": tables.pair_slots.tobytes(),
        "domain_slots": tables.domain_slots.tobytes(),
        "wheels": tables.wheels.tobytes(),
    }


@given(
    steps=streams(),
    cuts=st.sets(st.integers(0, 40)),
    evidence_capacity=st.sampled_from([1, 2, PLENTY]),
)
def test_the_state_does_not_depend_on_how_rows_are_cut_into_batches(
    steps: list[Step], cuts: set[int], evidence_capacity: int
) -> None:
    rows = [step for step in steps if isinstance(step, Row)]
    whole = create_windows(allow_list=ALLOW_LIST, evidence_capacity=evidence_capacity)
    feed(whole, rows, FAR_US)
    cut = create_windows(allow_list=ALLOW_LIST, evidence_capacity=evidence_capacity)
    borders = [0, *sorted(border for border in cuts if border < len(rows)), len(rows)]
    for start, end in itertools.pairwise(borders):
        feed(cut, rows[start:end], FAR_US)
    assert state_of(cut) == state_of(whole)


@given(steps=streams(), evidence_capacity=st.integers(1, 3))
def test_a_small_pool_of_evidence_changes_no_count_and_shows_nothing_of_another_domain(
    steps: list[Step], evidence_capacity: int
) -> None:
    """What a domain held from its first row on is complete; what it never had, empty."""
    rows = [step for step in steps if isinstance(step, Row)]
    windows = create_windows(allow_list=ALLOW_LIST, evidence_capacity=evidence_capacity)
    model = WindowModel(allow_list=_ENTRIES)
    for row in rows:
        feed(windows, [row], FAR_US)
        model.add(row)
    tables = windows.tables
    assert_same_counts(tables, model)
    assert_consistent(tables)
    domains = keys(tables)
    holders = [int(tables.domains[domain]["evidence"]) for domain in domains.values()]
    for (key, domain), record in zip(domains.items(), holders, strict=True):
        shown = summary_now(tables, domain, 2)
        if record == NONE:
            assert (shown.clients, shown.top_clients, shown.sample_names) == (0, (), ())
            assert (shown.query_types, shown.response_codes) == ({}, {})
        elif shown.evidence_since_us is None:
            assert shown == model.now(key, 2)
        else:
            names = {presentation_form(row.name) for row in model.domains[key].rows}
            assert set(shown.sample_names) <= names


# Interpreted, an estimate takes a hundred times as long as the rest: a minute of them is enough.
@settings(max_examples=20 if is_interpreted() else 100)
@given(steps=streams(), exact_cap_names=st.sampled_from([1, 2, 3, 5]))
def test_with_sketches_every_count_holds_at_every_pane_edge(
    steps: list[Step], exact_cap_names: int
) -> None:
    """The few names of these streams share no register, so that even estimates are right."""
    windows = create_windows(allow_list=ALLOW_LIST, exact_cap_names=exact_cap_names, sketches=9)
    model = WindowModel(allow_list=_ENTRIES)
    for step in steps:
        if isinstance(step, Row):
            feed(windows, [step])
            model.add(step)
        else:
            mark(windows, step)
            model.advance(step)
            model.let_go()
        windows.judge_sketched()
        windows.observe(transactions_of([]), 0, FAR_US)
        assert_consistent(windows.tables)
        assert keys(windows.tables).keys() == model.domains.keys()
        for key, domain in keys(windows.tables).items():
            for window in range(WINDOWS):
                counts = live_counts(windows.tables, domain, window)
                names = model.domains[key].live_names(model.now_pane, window)
                assert counts.names_lower <= counts.names == len(names) <= counts.names_upper
                assert counts.names_upper <= len(model.domains[key].rows)
