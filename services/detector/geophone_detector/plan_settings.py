"""The plan of a detector that its settings describe [shell]."""

from geophone_detector.allow_list_file import read_allow_list
from geophone_detector.plan import DetectorPlan, capacities_of_each
from geophone_detector.rules import SHIPPED_RULES, with_thresholds
from geophone_shared.hashing import SecretKey
from geophone_shared.settings.sections import DetectorSettings


def plan_from(settings: DetectorSettings, secret: SecretKey, partitions: int) -> DetectorPlan:
    """The plan for each of so many partitions of the log.

    Raises:
        ConfigError: the allow list can't be read, or a budget is too small.
    """
    return DetectorPlan(
        rules=with_thresholds(SHIPPED_RULES, settings.rule_thresholds.by_rule()),
        allow_list=read_allow_list(settings.allow_list_file),
        secret=secret,
        exact_cap_names=settings.exact_cap_names,
        capacities=capacities_of_each(
            settings.memory_budget_bytes, settings.sketch_budget_bytes, partitions
        ),
    )
