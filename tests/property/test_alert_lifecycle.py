"""The detector against brute force: which alerts open, grow and recover, when, and as what."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geophone_detector.detector import Detector
from geophone_shared.alerts import Alert
from geophone_shared.hashing import SecretKey
from geophone_shared.names import wire_name
from tests.support.alert_model import AlertModel
from tests.support.detector_rows import FAR_US, HOUR_US, MINUTE_US, NOON_US, Row, transactions_of
from tests.support.detector_streams import ALLOW_LIST, Step, streams
from tests.support.window_driver import create_detector, create_rule
from tests.support.window_model import WindowModel

pytestmark = pytest.mark.kernels

RULES = (
    create_rule("names", threshold=3, must_exceed=True),
    create_rule("burst", "information_bytes", window_seconds=600, threshold=5, severity="medium"),
    create_rule("few-clients", window_seconds=600, threshold=2, severity="low", max_clients=2),
    create_rule(
        "slow", "information_bytes", window_seconds=86_400, threshold=45, severity="medium"
    ),
)

OTHER_SECRET = SecretKey.derived_from(b"another")

ENTRIES = [wire_name(entry) for entry in ALLOW_LIST]


def expected(steps: Sequence[Step], latest_us: int = FAR_US) -> list[Alert]:
    """What brute force says."""
    model = AlertModel(RULES, WindowModel(allow_list=ENTRIES))
    events = []
    for step in steps:
        if isinstance(step, Row):
            events += model.add(step, latest_us)
        else:
            events += model.advance(min(step, latest_us))
    return events


def said(
    detector: Detector, steps: Sequence[Step], latest_us: int = FAR_US, cuts: Sequence[int] = ()
) -> list[Alert]:
    """What the detector says of the steps, their rows in batches that end at marks and cuts."""
    events: list[Alert] = []
    rows: list[Row] = []
    for number, step in enumerate([*steps, None]):
        if number in cuts or not isinstance(step, Row):
            events += detector.observe(transactions_of(rows), latest_us)
            rows = []
        if isinstance(step, Row):
            rows.append(step)
        elif step is not None:
            events += detector.advance(min(step, latest_us))
    return events


@given(
    steps=streams(most=60, domains=2),
    cuts=st.lists(st.integers(0, 60)),
    latest_us=st.sampled_from([FAR_US, FAR_US, NOON_US + HOUR_US]),
)
def test_alerts_are_those_of_brute_force(
    steps: list[Step], cuts: list[int], latest_us: int
) -> None:
    detector = create_detector(RULES, allow_list=ALLOW_LIST)
    assert said(detector, steps, latest_us, cuts) == expected(steps, latest_us)


@given(steps=streams(most=30, domains=1))
def test_time_in_steps_of_a_minute_says_the_same_as_time_in_jumps(steps: list[Step]) -> None:
    with_every_mark: list[Step] = []
    clock_us = NOON_US
    for step in steps:
        at_us = step.completed_us if isinstance(step, Row) else step
        edge_us = (clock_us // MINUTE_US + 1) * MINUTE_US
        # Nothing is open for longer than the longest window and the time to recover.
        with_every_mark += range(edge_us, min(at_us + 1, edge_us + 25 * HOUR_US), MINUTE_US)
        with_every_mark.append(step)
        clock_us = max(clock_us, at_us)
    jumping = said(create_detector(RULES, allow_list=ALLOW_LIST), steps)
    stepping = said(create_detector(RULES, allow_list=ALLOW_LIST), with_every_mark)
    assert stepping == jumping


@given(steps=streams(most=30, domains=2))
def test_the_secret_changes_nothing(steps: list[Step]) -> None:
    other = create_detector(RULES, allow_list=ALLOW_LIST, secret=OTHER_SECRET)
    assert said(other, steps) == said(create_detector(RULES, allow_list=ALLOW_LIST), steps)
