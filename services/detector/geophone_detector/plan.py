"""What makes one partition's detector like another's: rules, allow list, key, capacities [core]."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from geophone_detector.capacities import LEAST_BUDGET_BYTES, Capacities, capacities_within
from geophone_detector.detector import Detector
from geophone_detector.rules import Rule
from geophone_shared.errors import ConfigError
from geophone_shared.hashing import SecretKey
from geophone_shared.suffixes import SuffixTable


@dataclass(frozen=True, slots=True)
class DetectorPlan:
    """All that a detector is made from.

    Attributes:
        rules: what it judges by.
        allow_list: domains that nobody is notified of.
        secret: the key of its tables.
        exact_cap_names: live names of a domain that are counted exactly.
        capacities: how many records the tables of one partition may hold.
    """

    rules: Sequence[Rule]
    allow_list: SuffixTable
    secret: SecretKey
    exact_cap_names: int
    capacities: Capacities

    def create(self) -> Detector:
        """A detector that has counted nothing."""
        return Detector(
            self.rules, self.allow_list, self.secret, self.exact_cap_names, self.capacities
        )

    def digest(self) -> str:
        """Another one for each set of rules, allow list and cap: their states don't fit together.

        Capacities aren't in it: a state fits wherever there is room for it.
        """
        digest = hashlib.blake2b(digest_size=16)
        for rule in self.rules:
            # The reason is for people.
            digest.update(repr(replace(rule, reason="")).encode() + b"\0")
        digest.update(self.allow_list.slots.tobytes() + b"\0")
        digest.update(self.allow_list.labels.tobytes() + b"\0")
        digest.update(str(self.exact_cap_names).encode())
        return digest.hexdigest()


def capacities_of_each(
    memory_budget_bytes: int, sketch_budget_bytes: int, partitions: int
) -> Capacities:
    """The capacities of one of so many partitions.

    Each partition of the topic gets an equal share, whoever has it: so a state fits wherever it
    is restored, and what is counted doesn't depend on how many detectors there are.

    Raises:
        ConfigError: the shares are too small to work with.
    """
    share_bytes = memory_budget_bytes // partitions
    if share_bytes < LEAST_BUDGET_BYTES:
        raise ConfigError(
            f"the memory budget is shared by {partitions} partitions and each needs"
            f" {LEAST_BUDGET_BYTES >> 20} MiB: set memory_budget_bytes to at least"
            f" {partitions * LEAST_BUDGET_BYTES}"
        )
    return capacities_within(share_bytes, sketch_budget_bytes // partitions)
