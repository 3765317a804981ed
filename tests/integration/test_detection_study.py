"""The rules on generated traffic: stolen files, and a day on which nothing is stolen.

The figures are those of `docs/detection.md`; where they change, `python -m tests.study` prints the
new tables.
"""

import pytest

from tests.study.benign_day import REASONS, Outcome, benign_day, day_table, notified, outcomes
from tests.study.exfiltration import REQUEST_BYTES, Theft, theft_table, thefts
from tests.support.outside import PROJECT

RECORDED_NAMES = {255: 131, 225: 151, 185: 189, 145: 253, 105: 387, 65: 804}
"""Of the tool itself, with a file of the same size: longest request → hostnames."""


@pytest.fixture(scope="module")
def documented() -> str:
    return (PROJECT / "docs" / "detection.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def stolen(tmp_path_factory: pytest.TempPathFactory) -> list[Theft]:
    return list(thefts(tmp_path_factory.mktemp("thefts")))


@pytest.fixture(scope="module")
def day() -> tuple[int, dict[str, Outcome], dict[str, Outcome]]:
    return outcomes(benign_day())


def test_the_thefts_are_as_large_as_those_of_the_tool(stolen: list[Theft]) -> None:
    assert [theft.request_bytes for theft in stolen] == list(REQUEST_BYTES)
    for theft in stolen:
        assert theft.names == pytest.approx(RECORDED_NAMES[theft.request_bytes], rel=0.03)
        assert theft.information_bytes > 28_657


def test_burst_opens_on_every_theft_before_a_seventh_of_the_file_is_gone(
    stolen: list[Theft],
) -> None:
    for theft in stolen:
        assert theft.burst_at_name is not None
        assert theft.burst_at_name < theft.names / 7


def test_the_published_rule_alone_misses_the_larger_requests(stolen: list[Theft]) -> None:
    seen = {theft.request_bytes: theft.is_seen_by_published_rule for theft in stolen}
    assert seen == {255: False, 225: False, 185: False, 145: True, 105: True, 65: True}


def test_the_table_of_thefts_is_documented(stolen: list[Theft], documented: str) -> None:
    assert theft_table(stolen) in documented


def test_with_the_shipped_allow_list_only_ones_own_domain_alerts(
    day: tuple[int, dict[str, Outcome], dict[str, Outcome]],
) -> None:
    rows, without, with_list = day
    assert rows > 2_000_000
    assert notified(with_list) == {"example.com"}
    assert with_list["example.com"].rules == {"unique-hostnames"}
    assert with_list["example.com"].alerts == 1
    assert with_list["example.com"].severity == "medium", "many clients share it"
    assert not any(outcome.is_allowed for outcome in without.values())
    assert {"e5.sk", "sophosxl.net", "spamhaus.org", "spamcop.net"} < without.keys()
    assert {"google.com", "1.in-addr.arpa"} < without.keys()


def test_another_day_has_no_other_alerts() -> None:
    _, without, with_list = outcomes(benign_day(seed=2, seconds=6 * 3_600))
    assert notified(with_list) == {"example.com"}
    assert len(without) > 15


def test_the_table_of_the_day_is_documented(
    day: tuple[int, dict[str, Outcome], dict[str, Outcome]], documented: str
) -> None:
    rows, without, with_list = day
    assert day_table(without, with_list) in documented
    assert f"{rows:,} transactions" in documented
    assert len(REASONS) == day_table(without, with_list).count("\n") - 1, "a reason for each"
