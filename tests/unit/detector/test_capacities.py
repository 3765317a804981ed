"""What fits into a memory budget."""

import re

import pytest

from geophone_detector.capacities import (
    DEFAULT_CAPACITIES,
    LEAST_BUDGET_BYTES,
    capacities_within,
    slots_for,
)
from geophone_detector.kernels.layout import COUNTS, DOMAIN, EVIDENCE, PAIR, SAMPLE_BYTES
from geophone_detector.kernels.sketches import SKETCH_BYTES
from geophone_shared.errors import ConfigError
from tests.support.outside import PROJECT

MIB = 1 << 20


@pytest.mark.parametrize("budget_bytes", [LEAST_BUDGET_BYTES, 100 * MIB, 512 * MIB, 4096 * MIB])
def test_full_tables_fit_into_the_budget_and_nearly_fill_it(budget_bytes: int) -> None:
    fit = capacities_within(budget_bytes, 0)
    pair_slots, domain_slots = slots_for(fit.pairs), slots_for(fit.domains)
    full = (
        fit.pairs * PAIR.itemsize
        + fit.domains * (DOMAIN.itemsize + COUNTS.itemsize)
        + fit.domain_name_bytes
        + fit.evidence * (EVIDENCE.itemsize + SAMPLE_BYTES)
        + 4 * (pair_slots + domain_slots)
    )
    assert full <= budget_bytes
    # What is left is for a sweep, and for the index that one replaces while it grows.
    assert full + 24 * fit.domains + 2 * pair_slots > 0.95 * budget_bytes


def test_the_default_has_room_for_what_a_provider_sees() -> None:
    assert DEFAULT_CAPACITIES.domains > 1_600_000
    assert DEFAULT_CAPACITIES.evidence == 16_384
    assert DEFAULT_CAPACITIES.sketches == 64 * MIB // SKETCH_BYTES == 227


@pytest.mark.parametrize("domains", [int(50_000 * 1.07**step) for step in range(90)])
def test_the_formula_of_the_sizing_table_has_room_for_all(domains: int) -> None:
    page = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    [bytes_each] = re.findall(r"`detector.memory_budget_bytes` \| (\d+) . max\(D, N / 2\)", page)
    fit = capacities_within(max(int(bytes_each) * domains, LEAST_BUDGET_BYTES), 0)
    assert fit.domains >= domains
    assert fit.pairs >= 2 * domains
    [sketch_bytes] = re.findall(r"`detector.sketch_budget_bytes` \| ([\d,]+) ", page)
    assert SKETCH_BYTES <= int(sketch_bytes.replace(",", "")) < SKETCH_BYTES + 1_000


def test_an_index_is_at_most_five_eighths_full() -> None:
    assert [slots_for(records) for records in (1, 5, 6, 10, 11, 655_360, 655_361)] == [
        2,
        8,
        16,
        16,
        32,
        1 << 20,
        1 << 21,
    ]


@pytest.mark.parametrize(
    ("memory_bytes", "sketch_bytes", "says"),
    [(LEAST_BUDGET_BYTES - 1, 0, "at least 16 MiB"), (512 * MIB, -1, "can't be below 0")],
)
def test_a_budget_that_is_too_small_is_refused(
    memory_bytes: int, sketch_bytes: int, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        capacities_within(memory_bytes, sketch_bytes)
