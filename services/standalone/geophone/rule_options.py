"""`--rule NAME=THRESHOLD`: another threshold for a shipped rule."""

from collections.abc import Sequence

from geophone_detector.rules import SHIPPED_RULES, with_thresholds
from geophone_shared.errors import ConfigError

SHIPPED_SETTINGS = ", ".join(f"{rule.name}={rule.threshold}" for rule in SHIPPED_RULES)
"""All rules as they are without the option."""


def rule_thresholds(settings: Sequence[str]) -> dict[str, int]:
    """Rule name → threshold; of two settings for a rule the later one counts.

    Raises:
        ConfigError: a setting isn't NAME=THRESHOLD, names no rule, or its threshold isn't a
            positive whole number.
    """
    thresholds = dict(_rule_threshold(setting) for setting in settings)
    with_thresholds(SHIPPED_RULES, thresholds)
    return thresholds


def _rule_threshold(setting: str) -> tuple[str, int]:
    name, equals, threshold = setting.partition("=")
    if not equals:
        raise ConfigError(f"--rule {setting}: write NAME=THRESHOLD, such as {SHIPPED_SETTINGS}")
    # Not int() alone: it also takes 2_0, blanks and other scripts' digits.
    if not (threshold.isascii() and threshold.isdigit()):
        raise ConfigError(f"--rule {setting}: the threshold has to be a whole number from 1 on")
    return name, int(threshold)
