"""What the tables hold of many domains at once is what they hold of each."""

import numpy as np
import pytest

from geophone_detector.kernels.layout import NONE, WINDOWS
from geophone_detector.reading import live_counts, live_counts_of_all
from tests.support.detector_rows import FAR_US, HOUR_US, MINUTE_US, NOON_US, row, transactions_of
from tests.support.snapshots import create_plan
from tests.support.window_driver import create_rule

pytestmark = pytest.mark.kernels


def test_many_domains_have_the_counts_of_each() -> None:
    plan = create_plan([create_rule(threshold=1_000_000)], exact_cap_names=10)
    detector = plan.create()
    names = {"single": 1, "several": 3, "sketched": 40, "estimated": 90, "refused": 20}
    rows = [
        row(f"host-{host}", f"{domain}.example", NOON_US + hour * HOUR_US)
        for hour in (0, 5)
        for domain, hosts in names.items()
        for host in range(hosts if hour == 0 or domain == "single" else 2 * hosts)
    ]
    detector.observe(transactions_of(rows), FAR_US)
    detector.advance(NOON_US + 5 * HOUR_US + 2 * MINUTE_US)
    tables = detector.windows.tables
    domains = np.arange(len(names))
    assert len(detector.windows.sketched) == 2
    assert (tables.domains["counts"][domains] == NONE).tolist() == [True] + [False] * 4
    counted = [each.tolist() for each in live_counts_of_all(tables, domains)]
    each = [
        [live_counts(tables, int(domain), window) for window in range(WINDOWS)]
        for domain in domains
    ]
    assert counted == [
        [[one.names for one in of] for of in each],
        [[one.names_lower for one in of] for of in each],
        [[one.names_upper for one in of] for of in each],
        [[one.information for one in of] for of in each],
    ]
    assert each[-1][-1].names_upper > each[-1][-1].names == 10
