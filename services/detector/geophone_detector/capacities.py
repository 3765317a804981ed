"""How many records fit into the memory budget [core]."""

from dataclasses import dataclass

from geophone_detector.budgets import MEMORY_BUDGET_BYTES, SKETCH_BUDGET_BYTES
from geophone_detector.kernels.layout import (
    COUNTS,
    DOMAIN,
    EVIDENCE,
    PAIR,
    SAMPLE_BYTES,
)
from geophone_detector.kernels.sketches import SKETCH_BYTES
from geophone_shared.errors import ConfigError

LEAST_BUDGET_BYTES = 16 << 20

NAMES_EACH = 2
"""Live names that there is room for, for each domain. Most domains have one."""
DOMAIN_NAME_BYTES = 24
"""Room for the name of a domain, on average."""
MOST_EVIDENCE = 16_384

_EVIDENCE_BYTES = EVIDENCE.itemsize + SAMPLE_BYTES
_EVIDENCE_SHARE = 12
"""At most this part of the budget goes to evidence."""
_SWEEP_BYTES = 20
"""What ranking a domain takes while the tables are swept: a key, its place, half a copy."""
_EMPTIED_BYTES = 4
_SLOT_BYTES = 4
_RECORD_BYTES = (
    DOMAIN.itemsize
    + COUNTS.itemsize
    + DOMAIN_NAME_BYTES
    + _EMPTIED_BYTES
    + _SWEEP_BYTES
    + NAMES_EACH * PAIR.itemsize
)


@dataclass(frozen=True, slots=True)
class Capacities:
    """How many records the tables may ever hold.

    Attributes:
        pairs: live hostnames of all domains.
        domains: registered domains.
        domain_name_bytes: the domains' names, together.
        evidence: domains of which clients, types and sample names are remembered.
        sketches: domains above the exact cap.
    """

    pairs: int
    domains: int
    domain_name_bytes: int
    evidence: int
    sketches: int


def capacities_within(memory_budget_bytes: int, sketch_budget_bytes: int) -> Capacities:
    """The most that the budgets hold, indexes and what sweeping takes included.

    Raises:
        ConfigError: a budget is too small to work with.
    """
    if memory_budget_bytes < LEAST_BUDGET_BYTES:
        raise ConfigError(
            f"the memory budget has to be at least {LEAST_BUDGET_BYTES >> 20} MiB, so"
            f" {memory_budget_bytes} bytes are too few"
        )
    if sketch_budget_bytes < 0:
        raise ConfigError("the budget for sketches can't be below 0 bytes")
    evidence = min(MOST_EVIDENCE, memory_budget_bytes // _EVIDENCE_SHARE // _EVIDENCE_BYTES)
    left_bytes = memory_budget_bytes - evidence * _EVIDENCE_BYTES
    domains = left_bytes // _RECORD_BYTES
    while domains * _RECORD_BYTES + _index_bytes(domains) > left_bytes:
        domains -= 1 + domains // 1000
    return Capacities(
        pairs=NAMES_EACH * domains,
        domains=domains,
        domain_name_bytes=DOMAIN_NAME_BYTES * domains,
        evidence=evidence,
        sketches=sketch_budget_bytes // SKETCH_BYTES,
    )


def slots_for(records: int) -> int:
    """The slots of an index that is at most 5/8 full with so many records: a power of two."""
    return 1 << (max(8 * records - 1, 0) // 5).bit_length()


def _index_bytes(domains: int) -> int:
    # While the larger one grows, its predecessor of half the size is there, too.
    pair_slots = slots_for(NAMES_EACH * domains)
    return _SLOT_BYTES * (pair_slots + pair_slots // 2 + slots_for(domains))


DEFAULT_CAPACITIES = capacities_within(MEMORY_BUDGET_BYTES, SKETCH_BUDGET_BYTES)
