r"""How one alert reads as plain text, for people: the wording of its evidence, in one place.

What comes back is text without layout or colours. Names in it are as they stand in the alert
(`\DDD` for unusual bytes); escaping for a terminal, a mail or a page is the sink's.
"""

from collections.abc import Mapping
from typing import Any

from geophone_alerter import wording

_SAMPLE_NAMES = 3
"""As many names as show a pattern; the alert record has more."""

_SAMPLE_CHARACTERS = 120
"""A name can be 1,000 characters long when every byte of it is escaped."""

_TOP_CLIENTS = 3


def headline(alert: Mapping[str, Any]) -> str:
    """What happened where, by which rule: one line, without the severity."""
    allowed = ", on the allow list" if alert["allowed"] else ""
    return (
        f"{alert['registered_domain']}: {_measured(alert)}"
        f" in {wording.duration(alert['window_seconds'])}"
        f" (rule {alert['rule']}, threshold {_threshold(alert)}{allowed})"
    )


def facts(alert: Mapping[str, Any], first_packet: str | None = None) -> list[tuple[str, str]]:
    """The evidence as (label, text); an empty label continues the one above.

    Args:
        alert: an alert record (`geophone.alert/1`) as JSON.
        first_packet: RFC 3339 time of the capture's first packet; with it, times say how long
            after it they were.
    """
    evidence = alert["evidence"]
    information = wording.exact_bytes(evidence["information_bytes"])
    if not evidence["exact"]:
        information = f"≈ {information}"
    queries, unanswered = (wording.count(evidence[key]) for key in ("queries", "unanswered"))
    left, came = (wording.exact_bytes(evidence[key]) for key in ("bytes_in", "bytes_out"))
    lines = [
        ("opened", _when(alert["opened_at"], first_packet)),
        ("state", _state(alert)),
        ("hostnames", f"{hostnames(evidence)} different, with {information} of information"),
        ("queries", f"{queries} ({unanswered} unanswered)"),
        ("bytes", f"{left} left in queries, {came} came back in responses"),
    ]
    lines += _labelled("clients", _clients(evidence))
    lines += _labelled("query types", _frequencies(evidence.get("query_types")))
    lines += _labelled("response codes", _frequencies(evidence.get("response_codes")))
    lines += _labelled("sample names", _samples(evidence))
    if evidence["evidence_since"] is not None:
        since = wording.timestamp(evidence["evidence_since"])
        lines.append(("note", f"clients, types, codes and names were collected from {since} on"))
    return lines


def alert_text(alert: Mapping[str, Any], first_packet: str | None = None) -> list[str]:
    """The whole alert as lines of plain text, labels aligned, not wrapped."""
    lines = facts(alert, first_packet)
    width = max(len(label) for label, _ in lines)
    return [
        f"{alert['severity'].upper()}  {headline(alert)}",
        *(f"  {label:{width}}  {text}" for label, text in lines),
    ]


def hostnames(counted: Mapping[str, Any], noun: str = "") -> str:
    """The number of different hostnames, with its bounds where it is an estimate.

    With a noun in the singular: `1 hostname`, `≈ 12,345 (12,100 to 12,590) hostnames`.
    """
    number = counted["unique_hostnames"]
    if counted["exact"]:
        return wording.count(number, noun)
    lower, upper = counted["unique_hostnames_lower"], counted["unique_hostnames_upper"]
    bounds = f"({wording.count(lower)} to {wording.count(upper)})"
    return f"≈ {wording.count(number)} {bounds}" + (f" {noun}s" if noun else "")


def clients(counted: Mapping[str, Any], noun: str = "") -> str:
    """The number of different clients, `≈` where it is an estimate, `unknown` without evidence.

    With a noun in the singular: `1 client`, `≈ 40 clients`, `unknown clients`.
    """
    if counted["clients_exact"]:
        return wording.count(counted["clients"], noun)
    number = f"≈ {wording.count(counted['clients'])}" if counted["clients"] else "unknown"
    return number + (f" {noun}s" if noun else "")


def _measured(alert: Mapping[str, Any]) -> str:
    """The value, with its bounds where it is an estimate."""
    value = alert["value"]
    match alert["measure"]:
        case "unique_hostnames":
            text = wording.count(value, "different hostname")
        case "information_bytes":
            text = f"{wording.exact_bytes(value)} of information in hostnames"
        case measure:
            text = f"{measure} {wording.count(value)}"
    if alert["value_exact"]:
        return text
    lower, upper = wording.count(alert["value_lower"]), wording.count(alert["value_upper"])
    return f"≈ {text} ({lower} to {upper})"


def _threshold(alert: Mapping[str, Any]) -> str:
    unit = " B" if alert["measure"] == "information_bytes" else ""
    return wording.count(alert["threshold"]) + unit


def _state(alert: Mapping[str, Any]) -> str:
    if alert["state"] == "recovered":
        return f"recovered {wording.timestamp(alert['recovered_at'])}"
    if alert["state"] == "updated":
        updated = wording.timestamp(alert["updated_at"])
        return f"still open; {_measured(alert)} at {updated}"
    return "still open"


def _when(moment: str, first_packet: str | None) -> str:
    absolute = wording.timestamp(moment)
    if first_packet is None:
        return absolute
    seconds = wording.seconds_between(first_packet, moment)
    return f"{absolute}, {seconds:,.3f} s after the first packet"


def _clients(evidence: Mapping[str, Any]) -> list[str]:
    shown = evidence["top_clients"][:_TOP_CLIENTS]
    lines = [
        f"{client['address']}: {wording.count(client['queries'], 'query', 'queries')}"
        f" ({wording.share(client['queries'], evidence['queries'])})"
        for client in shown
    ]
    if evidence["clients"] > len(shown):
        lines.append(f"{clients(evidence)} in all")
    return lines


def _frequencies(counts: Mapping[str, int] | None) -> list[str]:
    return [", ".join(f"{name} {wording.count(n)}" for name, n in counts.items())] if counts else []


def _samples(evidence: Mapping[str, Any]) -> list[str]:
    names = evidence["sample_names"][:_SAMPLE_NAMES]
    return [wording.shortened(name, _SAMPLE_CHARACTERS) for name in names]


def _labelled(label: str, texts: list[str]) -> list[tuple[str, str]]:
    return [(label if index == 0 else "", text) for index, text in enumerate(texts)]
