"""The answer to "is there a tunnel in this capture?", in one paragraph."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from geophone.findings import Finding, findings_of, foreign_clients_of
from geophone_alerter import render, wording

_DOMAINS_IN_WORDS = 3
_MOSTLY = 0.5


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to tell a person first.

    Attributes:
        is_tunnel: whether any alert was opened for a domain that isn't allowed.
        headline: a few words.
        paragraph: who did what, how much of it, and what the answer can't say.
    """

    is_tunnel: bool
    headline: str
    paragraph: str


def verdict(report: Mapping[str, Any]) -> Verdict:
    """The verdict on a report `geophone.replay/1`."""
    findings = findings_of(report, allowed=False)
    if findings:
        headline, sentences = _tunnels(report, findings)
    else:
        headline, sentences = _no_tunnel(report)
    sentences += _allowed(findings_of(report, allowed=True)) + _foreign(report) + _limits(report)
    return Verdict(bool(findings), headline, " ".join(sentences))


def _tunnels(report: Mapping[str, Any], findings: list[Finding]) -> tuple[str, list[str]]:
    if len(findings) == 1:
        return f"Tunnel suspected: {findings[0].registered_domain}", _tunnel(report, findings[0])
    sentences = [
        f"{finding.registered_domain}: {_clients(finding.counted)} asked for"
        f" {_names(finding.counted)}; {_bytes(finding)}."
        for finding in findings[:_DOMAINS_IN_WORDS]
    ]
    return f"{wording.count(len(findings))} tunnels suspected: {_domains(findings)}", sentences


def _tunnel(report: Mapping[str, Any], finding: Finding) -> list[str]:
    who = _clients(finding.counted)
    first = finding.alerts[0]
    names = _names(finding.counted, " under it")
    what = f"{names}{_types(finding.counted)}; {_bytes(finding)}"
    sentences = [f"{who[0].upper()}{who[1:]} asked for {what}."]
    opened = f"opened {_after_start(report, first)}"
    if len(finding.alerts) == 1:
        sentences.append(f"Severity {finding.severity}: the rule {first['rule']} {opened}.")
    else:
        sentences.append(
            f"Severity {finding.severity}: {len(finding.alerts)} alerts,"
            f" the first by the rule {first['rule']}, {opened}."
        )
    return sentences


def _clients(counted: Mapping[str, Any]) -> str:
    top = counted["top_clients"]
    if not top:
        return render.clients(counted, "client")
    if counted["clients"] == 1:
        return f"one client, {top[0]['address']},"
    part = wording.share(top[0]["queries"], counted["queries"])
    return (
        f"{render.clients(counted, 'client')}"
        f" (most of all {top[0]['address']}: {part} of the queries)"
    )


def _names(counted: Mapping[str, Any], where: str = "") -> str:
    """How many hostnames in what time: a peak within the window, or all within the activity."""
    names = render.hostnames(counted, "different hostname") + where
    active_seconds = wording.seconds_between(counted["first_seen"], counted["last_seen"])
    if active_seconds <= counted["window_seconds"]:
        return f"{names} in {wording.duration(max(active_seconds, 0))}"
    return f"up to {names} within {wording.duration(counted['window_seconds'])}"


def _bytes(finding: Finding) -> str:
    """Bytes both ways, of the whole capture or of the time until an alert."""
    when = "" if finding.is_whole_capture else " by the time of the alert"
    left = wording.human_bytes(finding.counted["bytes_in"])
    came = wording.human_bytes(finding.counted["bytes_out"])
    return f"{left} left in queries and {came} came back in responses{when}"


def _types(counted: Mapping[str, Any]) -> str:
    types = counted.get("query_types") or {}
    total = sum(types.values())
    if not total:
        return ""
    name, number = max(types.items(), key=lambda item: item[1])
    if number == total:
        return f", all of type {name}"
    is_most = number > _MOSTLY * total
    return f", mostly of type {name} ({wording.share(number, total)})" if is_most else ""


def _after_start(report: Mapping[str, Any], alert: Mapping[str, Any]) -> str:
    seconds = wording.seconds_between(report["capture"]["first"], alert["opened_at"])
    return f"{seconds:,.3f} s after the first packet"


def _no_tunnel(report: Mapping[str, Any]) -> tuple[str, list[str]]:
    capture = report["capture"]
    if not report["transactions"]["total"]:
        packets = wording.count(capture["packets"], "packet")
        return f"No DNS found in {files(report)}", [
            f"{packets}, but no DNS that Geophone can use."
            if capture["packets"]
            else "There are no packets in it."
        ]
    transactions = wording.count(report["transactions"]["total"], "transaction")
    sentences = [f"Judged {transactions}{_under_domains(report)}."]
    if report["top_domains"]:
        busiest = report["top_domains"][0]
        sentences.append(
            f"The busiest domain is {busiest['registered_domain']}, with at most"
            f" {render.hostnames(busiest, 'different hostname')}"
            f" in {wording.duration(busiest['window_seconds'])}{_threshold(report, busiest)}."
        )
    return f"No tunnel found in {files(report)}", sentences


def _under_domains(report: Mapping[str, Any]) -> str:
    domains = report["detector"].get("domains")
    return "" if domains is None else f" under {wording.count(domains, 'registered domain')}"


def _threshold(report: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    """The threshold for the number that was just named, where a rule has one for this window."""
    for rule in report.get("rules", []):
        measured = (rule["measure"], rule["window_seconds"])
        if measured == ("unique_hostnames", row["window_seconds"]):
            return f" (threshold {wording.count(rule['threshold'])})"
    return ""


def _allowed(findings: list[Finding]) -> list[str]:
    if not findings:
        return []
    return [f"On the allow list, so not counted as found: {_domains(findings)}."]


def _domains(findings: list[Finding]) -> str:
    """The first few by name, and how many others there are."""
    names = [finding.registered_domain for finding in findings[:_DOMAINS_IN_WORDS]]
    more = len(findings) - len(names)
    return wording.listing([*names, wording.count(more, "other")] if more else names)


def _foreign(report: Mapping[str, Any]) -> list[str]:
    clients = foreign_clients_of(report)
    if not clients:
        return []
    who = clients[0]["address"] if len(clients) == 1 else wording.count(len(clients), "client")
    return [f"Not judged: on a port of DNS there is something else, of {who}."]


def _limits(report: Mapping[str, Any]) -> list[str]:
    limits = []
    if report["interrupted"]:
        packets = wording.count(report["capture"]["packets"], "packet")
        limits.append(f"Interrupted: only the first {packets} were judged.")
    if report["capture"]["damaged"]:
        limits.append("The capture is damaged: only what could be read was judged.")
    return limits


def files(report: Mapping[str, Any]) -> str:
    """The capture's name, or how many files there were."""
    names = report["capture"]["files"]
    if len(names) != 1:
        return f"{len(names)} files"
    return "standard input" if names[0] == "-" else str(names[0])
