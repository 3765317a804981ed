"""The plan of a detector that its settings describe [shell]."""

from pathlib import Path

from geophone_detector.allow_list import SHIPPED_ENTRIES, parse_allow_list, wire_entries
from geophone_detector.plan import DetectorPlan, capacities_of_each
from geophone_detector.rules import SHIPPED_RULES, with_thresholds
from geophone_shared.errors import ConfigError
from geophone_shared.hashing import SecretKey
from geophone_shared.settings.sections import DetectorSettings
from geophone_shared.suffixes import SuffixTable, compile_suffix_set


def plan_from(settings: DetectorSettings, secret: SecretKey, partitions: int) -> DetectorPlan:
    """The plan for each of so many partitions of the log.

    Raises:
        ConfigError: the allow list can't be read, or a budget is too small.
    """
    return DetectorPlan(
        rules=with_thresholds(SHIPPED_RULES, settings.rule_thresholds.by_rule()),
        allow_list=_allow_list(settings.allow_list_file),
        secret=secret,
        exact_cap_names=settings.exact_cap_names,
        capacities=capacities_of_each(
            settings.memory_budget_bytes, settings.sketch_budget_bytes, partitions
        ),
    )


def _allow_list(path: Path | None) -> SuffixTable:
    if path is None:
        return compile_suffix_set(wire_entries(SHIPPED_ENTRIES))
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"the allow list {path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the allow list {path} isn't UTF-8 text") from error
    return compile_suffix_set(parse_allow_list(text, str(path)))
