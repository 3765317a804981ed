"""A state that was written and restored goes on as if nothing had happened."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geophone_detector.detector import Detector
from geophone_detector.kernels.layout import WINDOWS
from geophone_detector.partition import Partition
from geophone_detector.plan import DetectorPlan
from geophone_detector.summaries import summary_at_peak, summary_now
from geophone_shared.alerts import Alert
from geophone_shared.summaries import DomainSummary
from tests.support.detector_rows import FAR_US, Row, transactions_of
from tests.support.detector_streams import ALLOW_LIST, Step, streams
from tests.support.snapshots import content, create_plan, indexes_that_grow, restart
from tests.support.window_driver import create_rule, keys
from tests.support.window_state import assert_consistent

RULES = (
    create_rule("names", threshold=3, must_exceed=True),
    create_rule("burst", "information_bytes", window_seconds=600, threshold=5, severity="medium"),
    create_rule("few-clients", window_seconds=600, threshold=2, severity="low", max_clients=2),
)


def said(detector: Detector, steps: Sequence[Step]) -> list[Alert]:
    """What the detector says of the steps, a row at a time."""
    events = []
    for step in steps:
        if isinstance(step, Row):
            events += detector.observe(transactions_of([step]), FAR_US)
        else:
            events += detector.advance(step)
    return events


def shown(detector: Detector) -> dict[tuple[bytes, int], tuple[DomainSummary, DomainSummary]]:
    """What people can be shown of every domain."""
    tables = detector.windows.tables
    return {
        (key, window): (
            summary_now(tables, domain, window),
            summary_at_peak(tables, domain, window),
        )
        for key, domain in keys(tables).items()
        for window in range(WINDOWS)
    }


def assert_goes_on(plan: DetectorPlan, steps: Sequence[Step], cuts: set[int]) -> None:
    """Whoever is restarted before the steps of these numbers says the same as who isn't."""
    with indexes_that_grow():
        whole, cut = Partition(plan.create(), 0), Partition(plan.create(), 0)
        for number, step in enumerate(steps):
            if number in cuts:
                before = content(cut)
                cut = restart(plan, cut)
                assert content(cut) == before
            assert said(cut.detector, [step]) == said(whole.detector, [step])
    assert_consistent(cut.detector.windows.tables)
    assert shown(cut.detector) == shown(whole.detector)
    assert cut.detector.windows.swept_domains == whole.detector.windows.swept_domains


_CUTS = st.sets(st.integers(0, 50), min_size=1, max_size=3)


@pytest.mark.kernels
@given(
    steps=streams(most=50, domains=3),
    cuts=_CUTS,
    evidence=st.sampled_from([1, 2, 1_000]),
    pairs=st.sampled_from([4, 1_000, 1_000]),
)
def test_a_stream_that_is_cut_by_a_restart_says_what_one_says_that_is_not(
    steps: list[Step], cuts: set[int], evidence: int, pairs: int
) -> None:
    assert_goes_on(
        create_plan(RULES, allow_list=ALLOW_LIST, evidence=evidence, pairs=pairs), steps, cuts
    )


# Interpreted, each look at a sketch takes half a second.
@given(steps=streams(most=50, domains=3), cuts=_CUTS, exact_cap_names=st.sampled_from([1, 2, 3]))
def test_so_does_one_with_domains_above_the_exact_cap(
    steps: list[Step], cuts: set[int], exact_cap_names: int
) -> None:
    assert_goes_on(
        create_plan(RULES, allow_list=ALLOW_LIST, exact_cap_names=exact_cap_names), steps, cuts
    )
