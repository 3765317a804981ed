from geophone_alerter import render
from tests.support import reports


def facts_of(alert: dict[str, object], first: str | None = reports.FIRST) -> dict[str, str]:
    """The facts by label, lines of one label joined by a bar."""
    joined: dict[str, str] = {}
    label = ""
    for given_label, text in render.facts(alert, first):
        label = given_label or label
        joined[label] = f"{joined[label]}|{text}" if label in joined else text
    return joined


def test_the_headline_names_the_domain_the_measure_and_the_rule() -> None:
    assert (
        render.headline(reports.alert())
        == "tunnel.example: 201 different hostnames in 4 h (rule unique-hostnames, threshold 200)"
    )
    assert render.headline(reports.burst_alert()) == (
        "tunnel.example: 4,245 B (4.2 kB) of information in hostnames in 10 min"
        " (rule burst, threshold 4,096 B)"
    )


def test_an_estimated_value_comes_with_its_bounds() -> None:
    estimate: dict[str, object] = {"value_lower": 6_300, "value_upper": 6_700, "value_exact": False}
    headline = render.headline(reports.alert() | {"value": 6_500, **estimate})
    assert "≈ 6,500 different hostnames (6,300 to 6,700) in 4 h" in headline


def test_a_measure_of_a_later_version_is_shown_by_its_name() -> None:
    headline = render.headline(reports.alert(measure="entropy_bits", value=7_000))
    assert headline.startswith("tunnel.example: entropy_bits 7,000 in 4 h")


def test_an_alert_on_an_allowed_domain_says_so() -> None:
    assert "threshold 200, on the allow list)" in render.headline(reports.alert(allowed=True))


def test_the_evidence_is_that_of_the_crossing() -> None:
    assert facts_of(reports.alert()) == {
        "opened": "2024-05-06 07:08:25.181000 UTC, 16.181 s after the first packet",
        "state": "still open",
        "hostnames": "201 different, with 7,104 B (7.1 kB) of information",
        "queries": "201 (7 unanswered)",
        "bytes": "15,122 B (15.1 kB) left in queries, 32,947 B (32.9 kB) came back in responses",
        "clients": "10.0.2.30: 201 queries (100 %)",
        "query types": "NULL 201",
        "response codes": "NOERROR 194",
        "sample names": "vaaaakat0.t.tunnel.example|vaaaakat1.t.tunnel.example"
        "|vaaaakat2.t.tunnel.example",
    }


def test_without_a_first_packet_times_are_absolute_only() -> None:
    assert facts_of(reports.alert(), None)["opened"] == "2024-05-06 07:08:25.181000 UTC"


def test_an_updated_alert_tells_the_value_it_rose_to() -> None:
    alert = reports.alert(state="updated", value=402, updated_at="2024-05-06T07:09:00.500000Z")
    assert facts_of(alert)["state"] == (
        "still open; 402 different hostnames at 2024-05-06 07:09:00.500000 UTC"
    )
    assert facts_of(alert)["hostnames"].startswith("201 different")


def test_a_recovered_alert_tells_when() -> None:
    alert = reports.alert(state="recovered", recovered_at="2024-05-06T11:20:00.000000Z")
    assert facts_of(alert)["state"] == "recovered 2024-05-06 11:20:00.000000 UTC"


def test_the_top_clients_have_shares_and_the_rest_is_counted() -> None:
    clients = [{"address": f"2001:db8::{n}", "queries": 100 - n} for n in range(8)]
    evidence = reports.evidence(clients=1_010, queries=1_000, top_clients=clients)
    assert facts_of(reports.alert(evidence=evidence))["clients"] == (
        "2001:db8::0: 100 queries (10 %)|2001:db8::1: 99 queries (10 %)"
        "|2001:db8::2: 98 queries (10 %)|1,010 in all"
    )


def test_an_estimate_of_clients_is_marked() -> None:
    assert render.clients(reports.evidence(), "client") == "1 client"
    assert render.clients(reports.evidence(clients=40, clients_exact=False)) == "≈ 40"
    unknown = reports.evidence(clients=0, clients_exact=False)
    assert render.clients(unknown, "client") == "unknown clients"


def test_evidence_that_began_late_says_so() -> None:
    evidence = reports.evidence(evidence_since="2024-05-06T07:08:20.000000Z")
    note = facts_of(reports.alert(evidence=evidence))["note"]
    assert note.endswith("collected from 2024-05-06 07:08:20.000000 UTC on")


def test_an_estimate_shows_its_bounds() -> None:
    evidence = reports.evidence(
        unique_hostnames=12_345,
        unique_hostnames_lower=12_100,
        unique_hostnames_upper=12_590,
        exact=False,
    )
    assert render.hostnames(evidence) == "≈ 12,345 (12,100 to 12,590)"
    assert render.hostnames(evidence, "hostname") == "≈ 12,345 (12,100 to 12,590) hostnames"
    assert render.hostnames(reports.evidence(unique_hostnames=1), "hostname") == "1 hostname"


def test_what_the_evidence_lacks_is_left_out() -> None:
    evidence = reports.evidence(
        clients=0, top_clients=[], query_types=None, response_codes={}, sample_names=[]
    )
    labels = facts_of(reports.alert(evidence=evidence)).keys()
    assert labels == {"opened", "state", "hostnames", "queries", "bytes"}


def test_a_long_sample_name_loses_its_middle_but_the_domain_stays_whole() -> None:
    domain = "d" * 60 + ".example"
    sample = "\\255" * 180 + "." + domain
    alert = reports.alert(domain, evidence=reports.evidence(domain, sample_names=[sample]))
    assert domain in render.headline(alert)
    shown = facts_of(alert)["sample names"]
    assert len(shown) == 120
    assert "…" in shown


def test_the_whole_alert_as_aligned_lines() -> None:
    lines = render.alert_text(reports.alert(severity="medium"))
    assert lines[0].startswith("MEDIUM  tunnel.example: 201 different hostnames")
    assert lines[1] == "  opened          2024-05-06 07:08:25.181000 UTC"
    assert {line[:18].rstrip() for line in lines[1:]} >= {"  opened", "  query types", ""}
