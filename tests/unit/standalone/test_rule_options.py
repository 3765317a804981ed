import pytest

from geophone.rule_options import rule_thresholds
from geophone_shared.errors import ConfigError


def test_no_settings_change_nothing() -> None:
    assert rule_thresholds([]) == {}


def test_the_later_setting_of_a_rule_counts() -> None:
    settings = ["burst=1", "unique-hostnames=100", "burst=5000"]
    assert rule_thresholds(settings) == {"burst": 5_000, "unique-hostnames": 100}


@pytest.mark.parametrize(
    ("setting", "what_to_do"),
    [
        ("burst", "write NAME=THRESHOLD"),
        ("", "write NAME=THRESHOLD"),
        ("bursts=1", "the rules are unique-hostnames, burst, information, slow"),
        ("=1", "there is no rule ''"),
        ("burst=", "whole number"),
        ("burst=0", "at least 1"),
        ("burst=-1", "whole number"),
        ("burst=1.5", "whole number"),
        ("burst= 1", "whole number"),
        ("burst=2_0", "whole number"),
        ("burst=٣", "whole number"),
    ],
)
def test_a_wrong_setting_says_what_to_do(setting: str, what_to_do: str) -> None:
    with pytest.raises(ConfigError, match=what_to_do):
        rule_thresholds([setting])
