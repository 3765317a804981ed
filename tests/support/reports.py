"""Reports `geophone.replay/1` made by hand, for tests of what is rendered from them."""

from typing import Any

FIRST = "2024-05-06T07:08:09.000000Z"


def evidence(domain: str = "tunnel.example", **fields: Any) -> dict[str, Any]:
    """Evidence of an alert: one client, NULL queries, 201 names in 15.5 s."""
    return {
        "registered_domain": domain,
        "window_seconds": 14_400,
        "unique_hostnames": 201,
        "unique_hostnames_lower": 201,
        "unique_hostnames_upper": 201,
        "exact": True,
        "information_bytes": 7_104,
        "queries": 201,
        "unanswered": 7,
        "bytes_in": 15_122,
        "bytes_out": 32_947,
        "bytes_total": 48_069,
        "clients": 1,
        "top_clients": [{"address": "10.0.2.30", "queries": 201}],
        "query_types": {"NULL": 201},
        "response_codes": {"NOERROR": 194},
        "first_seen": "2024-05-06T07:08:09.500000Z",
        "last_seen": "2024-05-06T07:08:25.000000Z",
        "sample_names": [f"vaaaakat{number}.t.{domain}" for number in range(8)],
        "allowed": False,
        "clients_exact": True,
        "evidence_since": None,
    } | fields


def top_domain(domain: str = "tunnel.example", **fields: Any) -> dict[str, Any]:
    """A row of the top table: one client, 222 names in 24.5 s."""
    row = {"rank": 1} | evidence(domain)
    row |= {
        "unique_hostnames": 222,
        "unique_hostnames_lower": 222,
        "unique_hostnames_upper": 222,
        "information_bytes": 7_954,
        "queries": 222,
        "unanswered": 10,
        "bytes_in": 16_812,
        "bytes_out": 35_212,
        "bytes_total": 52_024,
        "top_clients": [{"address": "10.0.2.30", "queries": 222}],
        "query_types": {"NULL": 222},
        "response_codes": {"NOERROR": 212},
        "last_seen": "2024-05-06T07:08:34.000000Z",
    }
    return row | fields


def benign_domain(domain: str = "example.com", **fields: Any) -> dict[str, Any]:
    """A row of the top table that nothing is wrong with."""
    return (
        top_domain(
            domain,
            unique_hostnames=12,
            unique_hostnames_lower=12,
            unique_hostnames_upper=12,
            information_bytes=61,
            queries=1_234,
            unanswered=0,
            clients=3,
            top_clients=[{"address": "192.0.2.1", "queries": 1_200}],
            query_types={"A": 800, "AAAA": 400, "HTTPS": 34},
        )
        | fields
    )


def alert(domain: str = "tunnel.example", **fields: Any) -> dict[str, Any]:
    """An alert of the rule unique-hostnames, 16.181 s after `FIRST`."""
    return {
        "schema": "geophone.alert/1",
        "id": "00112233445566778899aabbccddeeff",
        "state": "opened",
        "rule": "unique-hostnames",
        "severity": "high",
        "registered_domain": domain,
        "opened_at": "2024-05-06T07:08:25.181000Z",
        "updated_at": "2024-05-06T07:08:25.181000Z",
        "recovered_at": None,
        "window_seconds": 14_400,
        "measure": "unique_hostnames",
        "value": 201,
        "value_lower": 201,
        "value_upper": 201,
        "value_exact": True,
        "threshold": 200,
        "allowed": False,
        "evidence": evidence(domain),
    } | fields


def burst_alert(domain: str = "tunnel.example", **fields: Any) -> dict[str, Any]:
    """An alert of the rule burst, 13.033 s after `FIRST`."""
    return (
        alert(
            domain,
            id="ffeeddccbbaa99887766554433221100",
            rule="burst",
            opened_at="2024-05-06T07:08:22.033000Z",
            updated_at="2024-05-06T07:08:22.033000Z",
            window_seconds=600,
            measure="information_bytes",
            value=4_245,
            threshold=4_096,
            evidence=evidence(domain, window_seconds=600, unique_hostnames=32),
        )
        | fields
    )


def report(
    top_domains: list[dict[str, Any]] | None = None,
    alerts: list[dict[str, Any]] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """A report; without arguments one client's traffic and no alert."""
    return {
        "schema": "geophone.replay/1",
        "capture": {
            "files": ["capture.pcap"],
            "packets": 438,
            "bytes": 77_524,
            "first": FIRST,
            "last": "2024-05-06T07:08:33.487000Z",
            "damaged": False,
            "clock_outliers": 0,
        },
        "messages": {"queries": 222, "responses": 212},
        "transactions": {"total": 222, "answered": 212, "unanswered": 10, "unsolicited": 0},
        "not_decoded": {},
        "not_dns": {"arp": 4, "icmp": 0},
        "not_visible": {},
        "foreign_clients": [],
        "top_domains": [benign_domain()] if top_domains is None else top_domains,
        "alerts": alerts or [],
        "rules": [
            {
                "name": "unique-hostnames",
                "measure": "unique_hostnames",
                "window_seconds": 14_400,
                "threshold": 200,
            }
        ],
        "detector": {"exact_cap": 65_536, "domains_at_cap": 0, "domains": 87},
        "warnings": [],
        "interrupted": False,
        "elapsed_seconds": 0.52,
    } | fields


def tunnel_report(**fields: Any) -> dict[str, Any]:
    """One tunnel with two alerts beside ordinary traffic."""
    rows = [top_domain(), benign_domain(rank=2)]
    return report(rows, [alert(), burst_alert()]) | fields


def packets_in(report: dict[str, Any]) -> int:
    """How many packets the parts of a report come to: each was counted once."""
    counts = [report[part] for part in ("pieces", "not_decoded", "not_dns", "not_visible")]
    over_tcp = report["tcp_messages"]
    packets = sum(int(n) for count in [*counts, report["messages"]] for n in count.values())
    return packets - int(over_tcp.get("query", 0) + over_tcp.get("response", 0))
