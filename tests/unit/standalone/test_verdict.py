from typing import Any

import pytest

from geophone.verdict import verdict
from tests.support import reports


def test_one_tunnel_is_told_with_who_how_much_and_since_when() -> None:
    answer = verdict(reports.tunnel_report())
    assert answer.is_tunnel
    assert answer.headline == "Tunnel suspected: tunnel.example"
    assert answer.paragraph == (
        "One client, 10.0.2.30, asked for 222 different hostnames under it in 24.5 s,"
        " all of type NULL; 16.8 kB left in queries and 35.2 kB came back in responses."
        " Severity high: 2 alerts, the first by the rule burst,"
        " opened 13.033 s after the first packet."
    )


def test_a_single_alert_is_named() -> None:
    report = reports.report([reports.top_domain()], [reports.alert(severity="low")])
    assert verdict(report).paragraph.endswith(
        "Severity low: the rule unique-hostnames opened 16.181 s after the first packet."
    )


def test_a_peak_is_told_where_the_activity_is_longer_than_the_window() -> None:
    row = reports.top_domain(last_seen="2024-05-07T07:08:34.000000Z")
    paragraph = verdict(reports.report([row], [reports.alert()])).paragraph
    assert "asked for up to 222 different hostnames under it within 4 h, all of" in paragraph


def test_a_domain_below_the_table_is_told_by_its_evidence() -> None:
    paragraph = verdict(reports.report([reports.benign_domain()], [reports.alert()])).paragraph
    assert "asked for 201 different hostnames under it in 15.5 s" in paragraph
    assert "32.9 kB came back in responses by the time of the alert." in paragraph


@pytest.mark.parametrize(
    ("types", "told"),
    [
        ({"TXT": 98, "A": 2}, ", mostly of type TXT (98 %)"),
        ({"MX": 33, "TXT": 34, "CNAME": 33}, " in 24.5 s;"),
        ({}, " in 24.5 s;"),
    ],
)
def test_query_types_are_told_where_one_prevails(types: dict[str, int], told: str) -> None:
    row = reports.top_domain(query_types=types)
    assert told in verdict(reports.report([row], [reports.alert()])).paragraph


def test_several_clients_are_counted_and_the_busiest_named() -> None:
    row = reports.top_domain(clients=7, top_clients=[{"address": "10.0.0.1", "queries": 211}])
    paragraph = verdict(reports.report([row], [reports.alert()])).paragraph
    assert paragraph.startswith("7 clients (most of all 10.0.0.1: 95 % of the queries) asked for")


def test_clients_without_addresses_are_counted() -> None:
    row = reports.top_domain(clients=2, top_clients=[])
    assert verdict(reports.report([row], [reports.alert()])).paragraph.startswith("2 clients asked")


def test_several_tunnels_are_told_severest_first() -> None:
    alerts = [
        reports.alert("late.example", opened_at="2024-05-06T07:09:00.000000Z"),
        reports.alert("early.example", opened_at="2024-05-06T07:08:30.000000Z"),
        reports.alert("mild.example", severity="medium", opened_at=reports.FIRST),
    ]
    answer = verdict(reports.report([], alerts))
    assert answer.headline == ("3 tunnels suspected: early.example, late.example and mild.example")
    assert answer.paragraph.startswith("early.example: one client, 10.0.2.30, asked for 201")
    assert "mild.example: one client" in answer.paragraph


def test_a_flood_of_tunnels_is_cut_short() -> None:
    answer = verdict(reports.report([], [reports.alert(f"t{n}.example") for n in range(1_500)]))
    assert answer.headline == (
        "1,500 tunnels suspected: t0.example, t1.example, t2.example and 1,497 others"
    )
    assert len(answer.paragraph) < 500


def test_no_tunnel_tells_how_close_the_busiest_domain_came() -> None:
    answer = verdict(reports.report())
    assert not answer.is_tunnel
    assert answer.headline == "No tunnel found in capture.pcap"
    assert answer.paragraph == (
        "Judged 222 transactions under 87 registered domains. The busiest domain is example.com,"
        " with at most 12 different hostnames in 4 h (threshold 200)."
    )


def test_a_threshold_for_another_window_is_not_told() -> None:
    row = reports.benign_domain(window_seconds=600, unique_hostnames=1)
    paragraph = verdict(reports.report([row])).paragraph
    assert paragraph.endswith("with at most 1 different hostname in 10 min.")


@pytest.mark.parametrize(
    ("files", "packets", "headline", "paragraph"),
    [
        (["-"], 3, "standard input", "3 packets, but no DNS that Geophone can use."),
        (["a", "b"], 0, "2 files", "There are no packets in it."),
    ],
)
def test_no_dns_is_not_the_same_as_no_tunnel(
    files: list[str], packets: int, headline: str, paragraph: str
) -> None:
    report = reports.report([])
    report["capture"] |= {"files": files, "packets": packets, "first": None, "last": None}
    report["transactions"] = dict.fromkeys(report["transactions"], 0)
    answer = verdict(report)
    assert answer.headline == f"No DNS found in {headline}"
    assert answer.paragraph == paragraph


def test_alerts_on_allowed_domains_are_mentioned_apart() -> None:
    answer = verdict(reports.report(alerts=[reports.alert("cdn.example", allowed=True)]))
    assert not answer.is_tunnel
    assert answer.headline == "No tunnel found in capture.pcap"
    assert answer.paragraph.endswith("On the allow list, so not counted as found: cdn.example.")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"interrupted": True}, "Interrupted: only the first 438 packets were judged."),
        ({"damaged": True}, "The capture is damaged: only what could be read was judged."),
    ],
)
def test_what_limits_the_answer_is_said_with_it(fields: dict[str, Any], sentence: str) -> None:
    report = reports.report(interrupted=fields.get("interrupted", False))
    report["capture"]["damaged"] = fields.get("damaged", False)
    assert verdict(report).paragraph.endswith(sentence)
    assert sentence not in verdict(reports.report()).paragraph


def test_what_is_no_dns_on_a_port_of_dns_is_no_tunnel_but_said() -> None:
    report = reports.report()
    one = {"address": "10.0.2.30", "packets": 10, "bytes": 9_000, "bytes_at_most": 9_000}
    few = one | {"packets": 9}
    report["foreign_clients"] = [one, few]
    answer = verdict(report)
    sentence = "Not judged: on a port of DNS there is something else, of {}."
    assert answer.paragraph.endswith(sentence.format("10.0.2.30"))
    assert answer.is_tunnel == verdict(reports.report()).is_tunnel
    report["foreign_clients"] = [one, one]
    assert verdict(report).paragraph.endswith(sentence.format("2 clients"))
    report["foreign_clients"] = [few]
    assert verdict(report) == verdict(reports.report())
