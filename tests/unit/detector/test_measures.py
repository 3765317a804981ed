"""What a detector measures of its memory."""

import pytest

from geophone_detector.measures import Measures
from geophone_detector.metrics import FAMILIES
from geophone_detector.partition import Partition
from geophone_detector.plan import DetectorPlan
from geophone_shared.metrics.registry import Metrics
from tests.support.detector_rows import FAR_US, NOON_US, hosts, transactions_of
from tests.support.snapshots import create_plan
from tests.support.window_driver import create_rule

pytestmark = pytest.mark.kernels

PAIRS = 20


def fill_ratios(partitions: dict[int, Partition]) -> dict[str, float]:
    metrics = Metrics(FAMILIES, {"stage": ["detector"], "partition": ["0", "1"]})
    Measures(metrics).hold(partitions)
    lines = metrics.text().decode().splitlines()
    return {
        budget: float(line.split()[-1])
        for budget in ("memory", "sketch")
        for line in lines
        if line.startswith(f'geophone_detector_fill_ratio{{budget="{budget}"}}')
    }


def counted(plan: DetectorPlan, names: int) -> Partition:
    partition = Partition(plan.create(), 0)
    partition.detector.observe(transactions_of(hosts(range(names), NOON_US)), FAR_US)
    return partition


def test_the_fullest_partition_tells_how_full_a_detector_is() -> None:
    plan = create_plan([create_rule()], pairs=PAIRS)
    partitions = {0: counted(plan, 15), 1: counted(plan, 5)}
    assert fill_ratios(partitions) == {"memory": 15 / PAIRS, "sketch": 0}


def test_a_domain_above_the_exact_cap_takes_from_the_budget_for_sketches() -> None:
    plan = create_plan([create_rule()], exact_cap_names=3, pairs=PAIRS)
    assert fill_ratios({0: counted(plan, 10)})["sketch"] == 1 / 2


def test_one_that_holds_nothing_is_empty() -> None:
    assert fill_ratios({}) == {"memory": 0, "sketch": 0}
