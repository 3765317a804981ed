"""The windows' kernels against brute force, after every row."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geophone_detector.kernels.layout import NONE, WINDOWS, Tables
from geophone_detector.summaries import summary_at_peak, summary_now
from geophone_detector.windows import SlidingWindows
from geophone_shared.names import wire_name
from tests.support.detector_rows import FAR_US, HOUR_US, NOON_US, Row
from tests.support.detector_streams import ALLOW_LIST, Step, streams
from tests.support.window_driver import PLENTY, create_windows, feed, keys, mark
from tests.support.window_model import WindowModel, presentation_form

pytestmark = pytest.mark.kernels

_ENTRIES = [wire_name(entry) for entry in ALLOW_LIST]


def assert_same_counts(tables: Tables, model: WindowModel) -> None:
    """Every domain's names and bytes in every window are those of the model."""
    counted = {
        key: (
            tables.domains[domain]["names"].tolist(),
            tables.domains[domain]["information"].tolist(),
            tables.domains[domain]["peak_names"].tolist(),
            tables.domains[domain]["peak_information"].tolist(),
        )
        for key, domain in keys(tables).items()
    }
    expected = {}
    for key, domain_model in model.domains.items():
        live = [domain_model.live_names(model.now_pane, window) for window in range(WINDOWS)]
        expected[key] = (
            [len(names) for names in live],
            [domain_model.information_bytes(names) for names in live],
            domain_model.peak_names,
            domain_model.peak_information,
        )
    assert counted == expected


def assert_same_heads(tables: Tables, model: WindowModel) -> None:
    """What was left out is counted by reason, and no freed name holds a place."""
    heads = tables.heads[0]
    assert heads["late_rows"] == model.late_rows
    assert heads["rows_without_room"] == model.rows_without_room
    assert heads["names_at_cap"] == model.names_at_cap
    assert heads["names_without_room"] == model.names_without_room
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
    pair_capacity=st.sampled_from([1, 4, PLENTY, PLENTY]),
    domain_capacity=st.sampled_from([1, 3, PLENTY, PLENTY]),
    latest_us=st.sampled_from([FAR_US, FAR_US, NOON_US + 2 * HOUR_US]),
)
def test_every_count_is_that_of_brute_force_after_every_row(
    steps: list[Step],
    exact_cap_names: int,
    pair_capacity: int,
    domain_capacity: int,
    latest_us: int,
) -> None:
    windows = create_windows(
        allow_list=ALLOW_LIST,
        exact_cap_names=exact_cap_names,
        pair_capacity=pair_capacity,
        domain_capacity=domain_capacity,
    )
    model = WindowModel(
        allow_list=_ENTRIES,
        exact_cap_names=exact_cap_names,
        pair_capacity=pair_capacity,
        domain_capacity=domain_capacity,
    )
    for step in steps:
        if isinstance(step, Row):
            feed(windows, [step], latest_us)
            model.add(step, latest_us)
        else:
            mark(windows, min(step, latest_us))
            model.advance(min(step, latest_us))
        assert_same_counts(windows.tables, model)
        assert_same_heads(windows.tables, model)
    assert_same_summaries(windows.tables, model)


def state_of(windows: SlidingWindows) -> dict[str, bytes]:
    """All that is known, as bytes."""
    tables = windows.tables
    heads = tables.heads[0]
    return {
        "domains": tables.domains[: int(heads["domains"])].tobytes(),
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
    held = int(tables.heads[0]["unused_evidence"])
    assert held == min(evidence_capacity, len(model.domains))
    domains = keys(tables)
    holders = [int(tables.domains[domain]["evidence"]) for domain in domains.values()]
    assert sorted(record for record in holders if record != NONE) == list(range(held))
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
