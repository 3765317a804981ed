import csv
import io

import pytest

from geophone_shared.domains_csv import csv_cell, domains_csv
from tests.support import reports


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_row_has_everything_that_the_report_knows_of_the_domain() -> None:
    [row] = rows_of(domains_csv([reports.top_domain()]))
    assert row.keys() == reports.top_domain().keys()
    assert row["registered_domain"] == "tunnel.example"
    assert row["unique_hostnames"] == "222"
    assert row["exact"] == "true"
    assert row["allowed"] == "false"
    assert row["top_clients"] == "10.0.2.30=222"
    assert row["query_types"] == "NULL=222"
    assert row["sample_names"].split(" ")[1] == "vaaaakat1.t.tunnel.example"
    assert row["first_seen"] == "2024-05-06T07:08:09.500000Z"


def test_without_domains_there_is_still_a_header() -> None:
    text = domains_csv([])
    assert text.startswith("rank,registered_domain,")
    assert text.count("\n") == 1


def test_lines_end_with_a_line_feed_alone() -> None:
    assert "\r" not in domains_csv(reports.tunnel_report()["top_domains"])


def test_a_domain_can_not_be_a_formula() -> None:
    names = ["=cmd|'/c calc'!a1.example", "+1.example", "-1.example", "@sum.example"]
    domains = [reports.top_domain(name, sample_names=[f"=x.{name}", name]) for name in names]
    for row, name in zip(rows_of(domains_csv(domains)), names, strict=True):
        assert row["registered_domain"] == f"'{name}"
        assert row["sample_names"] == f"'=x.{name} {name}"


def test_quotes_and_commas_stay_inside_their_cell() -> None:
    name = 'a,b"c.example'
    [row] = rows_of(domains_csv([reports.top_domain(name)]))
    assert row["registered_domain"] == name


def test_an_unknown_value_is_an_empty_cell() -> None:
    [row] = rows_of(domains_csv([reports.top_domain(query_types=None)]))
    assert row["query_types"] == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_spreadsheet_calculates_no_cell(start: str) -> None:
    assert csv_cell(f"{start}cmd()") == f"'{start}cmd()"


def test_other_cells_stay_as_they_are() -> None:
    assert csv_cell("a=b") == "a=b"
    assert csv_cell("") == ""
