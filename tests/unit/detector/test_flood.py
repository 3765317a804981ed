"""A flood of one-shot domains hides no tunnel, raises no alert and takes no more memory."""

import pytest

from geophone_detector.budgets import EXACT_CAP_NAMES
from geophone_detector.capacities import capacities_within
from geophone_detector.detector import Detector
from geophone_detector.rules import SHIPPED_RULES
from geophone_shared.jit import is_interpreted
from geophone_shared.suffixes import compile_suffix_set
from tests.support.detector_rows import HOUR_US, SECOND_US
from tests.support.floods import TUNNEL, opened_in_flood
from tests.support.window_driver import SECRET
from tests.support.window_state import assert_consistent

pytestmark = pytest.mark.skipif(is_interpreted(), reason="takes hours under NUMBA_DISABLE_JIT=1")

BUDGET_BYTES = 16 << 20


def create_detector() -> Detector:
    return Detector(
        SHIPPED_RULES,
        compile_suffix_set([]),
        SECRET,
        EXACT_CAP_NAMES,
        capacities_within(BUDGET_BYTES, 0),
    )


def test_a_tunnel_is_found_at_its_201st_name_in_a_flood_of_ten_times_what_fits() -> None:
    detector = create_detector()
    domains = 10 * detector.windows.tables.domains.size
    opened = opened_in_flood(detector, domains, 4 * HOUR_US, 65 * SECOND_US)
    assert [(alert.rule, alert.registered_domain, sent) for alert, sent in opened] == [
        ("unique-hostnames", TUNNEL, 201)
    ]
    heads = detector.windows.tables.heads[0]
    assert detector.windows.swept_domains + heads["live_domains"] == domains + 1
    assert heads["rows_without_room"] == heads["names_without_room"] == 0
    # What is kept of swept domains for a table is bounded, too.
    assert all(len(detector.windows.archive.domains(window)) <= 1_000 for window in range(3))


def test_after_many_sweeps_the_tables_are_whole() -> None:
    detector = create_detector()
    opened_in_flood(detector, 3 * detector.windows.tables.domains.size, HOUR_US, 65 * SECOND_US)
    assert detector.windows.swept_domains > 0
    assert_consistent(detector.windows.tables)
