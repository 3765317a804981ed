import pytest

from geophone.top_table import top_table
from tests.support import reports

LONG = "x" * 200 + ".example"


def titles(width: int, domain: str = LONG) -> list[str]:
    report = reports.report([reports.top_domain(domain)], [reports.alert(domain)])
    return [column.title for column in top_table(report, width).columns]


def test_a_wide_table_has_all_columns() -> None:
    assert titles(140) == [
        "#", "domain", "hostnames", "information", "queries", "unanswered", "bytes in",
        "bytes out", "clients", "types", "",
    ]  # fmt: skip


def test_columns_give_way_to_the_domain_in_a_fixed_order() -> None:
    wide = titles(140)
    gone: list[str] = []
    for width in range(139, 40, -1):
        now = titles(width)
        gone += [title for title in wide if title not in now and title not in gone]
    assert gone == ["types", "unanswered", "information", "clients"]


@pytest.mark.parametrize("width", [78, 98, 118])
@pytest.mark.parametrize("domain", ["a.example", LONG])
def test_the_table_fits(width: int, domain: str) -> None:
    report = reports.report(
        [reports.top_domain(domain), reports.benign_domain(rank=2)], [reports.alert(domain)]
    )
    table = top_table(report, width)
    cells = [[column.title for column in table.columns], *table.rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    assert sum(widths) + 2 * (len(widths) - 1) <= width


def test_a_long_domain_loses_its_middle() -> None:
    report = reports.report([reports.top_domain(LONG)])
    [row] = top_table(report, 80).rows
    assert row[1].startswith("xxxx")
    assert "…" in row[1]
    assert row[1].endswith(".example")


def test_domains_are_marked_only_where_there_is_something_to_mark() -> None:
    allowed = reports.benign_domain("cdn.example", allowed=True)
    rows = [reports.top_domain(), allowed, reports.benign_domain()]
    alerts = [reports.alert(), reports.alert("cdn.example", allowed=True)]
    marks = [row[-1] for row in top_table(reports.report(rows, alerts), 120).rows]
    assert marks == ["alert", "allowed", ""]
    unmarked = top_table(reports.report([reports.benign_domain()]), 120)
    assert unmarked.columns[-1].title == "types"


def test_the_commonest_types_stand_for_the_rest() -> None:
    row = reports.benign_domain(query_types={"A": 1, "TXT": 9, "NULL": 5, "MX": 2})
    assert top_table(reports.report([row]), 140).rows[0][-1] == "TXT NULL +2"


def test_an_estimate_shows_its_bounds() -> None:
    row = reports.top_domain(
        unique_hostnames=12_345,
        unique_hostnames_lower=12_100,
        unique_hostnames_upper=12_590,
        exact=False,
    )
    assert top_table(reports.report([row]), 120).rows[0][2] == "≈ 12,345 (12,100 to 12,590)"
