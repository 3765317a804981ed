"""Whole replays of recorded captures, held to figures that others published or measured.

The figures of the Elastic capture are those of its README and of the sample alert; tshark counts
messages. What the third-party captures are: `make captures`, and tests/data/README.md for ours.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from geophone.replay import ReplayOptions, replay
from geophone_shared.timestamps import parse_rfc3339
from tests.support.outside import PROJECT
from tests.support.tshark import count_dns

Captures = Callable[[str], Path]
Report = dict[str, Any]

ELASTIC = "dns-tunnel-iodine.pcap"
IODINE_CNAME = "iodine-cname.pcap"
DNSCAT2 = "dnscat2-txt_00001_20230903183304.pcap"
UNANSWERED_OF_NORMAL = {
    "normal_00000_20230805150331.pcap": 379,
    "normal_00007_20230805194417.pcap": 97,
    "normal_00023_20230805221350.pcap": 125,
    "normal_00041_20230806114902.pcap": 221,
}
THIRD_PARTY = (ELASTIC, IODINE_CNAME, DNSCAT2, *UNANSWERED_OF_NORMAL)


def report_of(*paths: Path, **options: Any) -> Report:
    return replay(ReplayOptions(tuple(map(str, paths)), **options), None)


def assert_fields(record: Report, **expected: Any) -> None:
    """`record` has each of `expected`; what it has beside them doesn't matter."""
    assert {field: record[field] for field in expected} == expected


def alert_of(report: Report, rule: str) -> Report:
    """The one alert that `rule` opened."""
    [alert] = [alert for alert in report["alerts"] if alert["rule"] == rule]
    assert isinstance(alert, dict)
    return alert


def microseconds_in(report: Report, time: str) -> int:
    """How long after the first packet `time` is."""
    return parse_rfc3339(time) - parse_rfc3339(report["capture"]["first"])


@pytest.fixture(scope="module")
def elastic(captures: Captures) -> Report:
    return report_of(captures(ELASTIC))


def test_elastic_every_packet_is_accounted_for(elastic: Report) -> None:
    assert_fields(elastic["capture"], packets=438, bytes=77_524)
    assert_fields(elastic["messages"], queries=222, responses=212)
    assert_fields(elastic["transactions"], total=222, answered=212, unanswered=10, unsolicited=0)
    assert_fields(elastic, not_decoded={}, not_dns={"arp": 4}, warnings=[])


def test_elastic_the_tunnel_is_the_published_one(elastic: Report) -> None:
    [row] = elastic["top_domains"]
    assert_fields(
        row,
        rank=1,
        registered_domain="pirate.sea",
        unique_hostnames=222,
        unique_hostnames_lower=222,
        unique_hostnames_upper=222,
        exact=True,
        information_bytes=7_954,
        queries=222,
        unanswered=10,
        bytes_in=16_812,
        bytes_out=35_212,
        bytes_total=52_024,
        clients=1,
        top_clients=[{"address": "10.0.2.30", "queries": 222}],
        query_types={"NULL": 222},
        response_codes={"NOERROR": 212},
        allowed=False,
    )
    assert len(row["sample_names"]) == 8


def test_elastic_the_published_watch_opens_at_the_201st_name(elastic: Report) -> None:
    alert = alert_of(elastic, "unique-hostnames")
    assert_fields(
        alert,
        registered_domain="pirate.sea",
        state="opened",
        severity="high",
        measure="unique_hostnames",
        value=201,
        threshold=200,
        window_seconds=14_400,
    )
    assert round(microseconds_in(elastic, alert["opened_at"]), -3) == 16_181_000
    assert_fields(
        alert["evidence"],
        unique_hostnames=201,
        queries=201,
        unanswered=7,
        bytes_in=15_122,
        bytes_out=32_947,
        information_bytes=7_104,
    )


def test_elastic_the_burst_is_seen_at_the_32nd_name(elastic: Report) -> None:
    alert = alert_of(elastic, "burst")
    assert round(microseconds_in(elastic, alert["opened_at"]), -3) == 13_033_000
    assert_fields(alert["evidence"], unique_hostnames=32, information_bytes=4_245)


def test_elastic_answered_only_gives_the_figures_of_its_readme(captures: Captures) -> None:
    [row] = report_of(captures(ELASTIC), answered_only=True)["top_domains"]
    assert_fields(row, unique_hostnames=212, queries=212, unanswered=0)
    assert_fields(row, bytes_in=14_235, bytes_out=35_212, bytes_total=49_447)


def test_iodine_over_cname_is_found(captures: Captures) -> None:
    report = report_of(captures(IODINE_CNAME), exact_cap_names=16_384)
    row = report["top_domains"][0]
    assert_fields(row, registered_domain="ggy666.tk", queries=9_087, exact=True)
    assert row["unique_hostnames"] == 9_073
    assert row["information_bytes"] == 217_517
    assert alert_of(report, "unique-hostnames")["registered_domain"] == "ggy666.tk"


def test_iodine_over_cname_is_between_its_bounds_above_the_default_cap(captures: Captures) -> None:
    report = report_of(captures(IODINE_CNAME))
    row = report["top_domains"][0]
    assert_fields(row, registered_domain="ggy666.tk", queries=9_087, exact=False)
    assert row["unique_hostnames_lower"] <= 9_073 <= row["unique_hostnames_upper"]
    # Each name came with a query: more than those are impossible.
    assert row["unique_hostnames_upper"] <= 9_087
    assert row["information_bytes"] == pytest.approx(217_517, rel=0.05)
    assert alert_of(report, "unique-hostnames")["registered_domain"] == "ggy666.tk"


def test_dnscat2_is_found_and_its_first_response_is_unsolicited(captures: Captures) -> None:
    report = report_of(captures(DNSCAT2))
    assert_fields(report["transactions"], total=3_976, unsolicited=1)
    row = report["top_domains"][0]
    assert_fields(row, registered_domain="ggy666.tk", queries=3_975, exact=True)
    assert row["unique_hostnames"] == 3_976
    assert alert_of(report, "unique-hostnames")["registered_domain"] == "ggy666.tk"


@pytest.mark.parametrize(("name", "unanswered"), UNANSWERED_OF_NORMAL.items())
def test_normal_traffic_raises_no_alert(captures: Captures, name: str, unanswered: int) -> None:
    report = report_of(captures(name), use_allow_list=False)
    assert report["alerts"] == []
    assert_fields(
        report["transactions"],
        total=15_000 + unanswered,
        answered=15_000 - unanswered,
        unanswered=unanswered,
        unsolicited=unanswered,
    )


def test_all_normal_traffic_in_one_call_raises_no_alert(captures: Captures) -> None:
    report = report_of(*map(captures, UNANSWERED_OF_NORMAL), use_allow_list=False)
    assert report["alerts"] == []
    assert_fields(report["capture"], packets=120_000)
    assert_fields(report["messages"], queries=60_000, responses=60_000)


@pytest.mark.parametrize("name", THIRD_PARTY)
def test_messages_are_as_many_as_tshark_counts(captures: Captures, tshark: Path, name: str) -> None:
    count = count_dns(tshark, captures(name))
    report = report_of(captures(name))
    assert_fields(report["messages"], queries=count.queries, responses=count.responses)


def test_the_shipped_capture_is_as_tshark_sees_it(demo_capture: Path, tshark: Path) -> None:
    count = count_dns(tshark, demo_capture)
    report = report_of(demo_capture)
    assert_fields(report["messages"], queries=count.queries, responses=count.responses)
    [row] = report["top_domains"]
    assert_fields(row, registered_domain="tunnel.example", unique_hostnames=len(count.names))
    # By a plain model of the completion order over tshark's messages.
    opened_at = alert_of(report, "unique-hostnames")["opened_at"]
    assert microseconds_in(report, opened_at) == 16_321_356


def test_a_tunnel_recorded_now_is_found(iodine: Path, tshark: Path, tmp_path: Path) -> None:
    assert iodine.is_file()
    path = tmp_path / "recorded.pcap"
    script = PROJECT / "tests" / "data" / "record_iodine.sh"
    subprocess.run([script, path, "CNAME"], check=True, timeout=200)
    count = count_dns(tshark, path)
    report = report_of(path)
    assert_fields(report["messages"], queries=count.queries, responses=count.responses)
    [row] = report["top_domains"]
    assert_fields(row, registered_domain="tunnel.example", unique_hostnames=len(count.names))
    assert_fields(row, query_types={"CNAME": count.queries})
    assert alert_of(report, "unique-hostnames")["registered_domain"] == "tunnel.example"
