"""The report for a person: verdict, alerts with their evidence, top table, what wasn't decoded."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from geophone import reasons
from geophone.findings import findings_of, foreign_clients_of
from geophone.page import (
    alert_part,
    escaped,
    hanging,
    page,
    section,
    table_part,
    usable_width,
)
from geophone.top_table import top_table
from geophone.verdict import files, verdict
from geophone_alerter import wording

_ALERTS_SHOWN = 20
"""A person reads no more; a flood of names under random domains can raise 100,000."""

_FOREIGN_SHOWN = 5


def text_report(report: Mapping[str, Any], *, width: int, is_terminal: bool) -> str:
    """The report, with colours on a terminal that wants them (`NO_COLOR`, `TERM=dumb`).

    Args:
        report: `geophone.replay/1`.
        width: characters in a line.
        is_terminal: False for plain text; `FORCE_COLOR` overrides it.
    """
    sections: list[RenderableType] = [_verdict(report), *_alerts(report), *_foreign(report)]
    sections += _top(report, usable_width(width)) + _not_decoded(report) + _warnings(report)
    return page(sections, width=width, has_reader=is_terminal)


def _verdict(report: Mapping[str, Any]) -> Group:
    answer = verdict(report)
    style = "bold red" if answer.is_tunnel else "bold green"
    return Group(
        escaped(answer.headline, style),
        escaped(answer.paragraph),
        Text(),
        escaped(_capture(report)),
    )


def _capture(report: Mapping[str, Any]) -> str:
    """One line on what was read, so that a person sees whether it was the right capture."""
    capture, messages, rows = report["capture"], report["messages"], report["transactions"]
    packets = wording.count(capture["packets"], "packet")
    when = ""
    if capture["first"] is not None:
        seconds = max(wording.seconds_between(capture["first"], capture["last"]), 0)
        when = f" in {wording.duration(seconds)} from {wording.timestamp(capture['first'])}"
    return (
        f"Read {files(report)}, {packets}{when}:"
        f" {wording.count(messages['queries'], 'query', 'queries')} and"
        f" {wording.count(messages['responses'], 'response')}, together"
        f" {wording.count(rows['total'], 'transaction')}"
        f" ({wording.count(rows['answered'])} answered,"
        f" {wording.count(rows['unanswered'])} unanswered,"
        f" {wording.count(rows['unsolicited'])} unsolicited)."
        f" Took {wording.duration(report['elapsed_seconds'])}."
    )


def _alerts(report: Mapping[str, Any]) -> list[RenderableType]:
    """Alerts as the verdict has them: by domain, allowed ones last, each alert with evidence."""
    findings = [*findings_of(report, allowed=False), *findings_of(report, allowed=True)]
    alerts = [alert for finding in findings for alert in finding.alerts]
    if not alerts:
        return []
    first_packet = report["capture"]["first"]
    parts = [alert_part(alert, first_packet) for alert in alerts[:_ALERTS_SHOWN]]
    spaced = [line for part in parts for line in (Text(), part)][1:]
    more = len(alerts) - len(parts)
    if more > 0:
        spaced += [Text(), escaped(f"and {wording.count(more, 'more alert')}; --json has them all")]
    return [section("Alerts", *spaced)]


def _top(report: Mapping[str, Any], width: int) -> list[RenderableType]:
    if not report["top_domains"]:
        return []
    window = wording.duration(report["top_domains"][0]["window_seconds"])
    title = f"Top domains by different hostnames in any {window}"
    return [section(title, table_part(top_table(report, width - 2)))]


def _foreign(report: Mapping[str, Any]) -> list[RenderableType]:
    """Who uses a port of DNS for something else: a finding, and no alert."""
    clients = foreign_clients_of(report)
    if not clients:
        return []
    sentences = [
        f"{wording.count(client['packets'], 'packet')}, {wording.human_bytes(client['bytes'])},"
        f" of {client['address']}"
        for client in clients[:_FOREIGN_SHOWN]
    ]
    more = len(clients) - len(sentences)
    if more:
        sentences.append(f"and {wording.count(more, 'more client')}; --json has more of them")
    why = "A raw tunnel may use the port. This is no alert: no rule has judged it."
    rows = hanging(("-", sentence) for sentence in sentences)
    return [section("On a port of DNS, and not DNS", rows, escaped(why))]


def _not_decoded(report: Mapping[str, Any]) -> list[RenderableType]:
    parts: list[RenderableType] = []
    undecoded = [(name, number) for name, number in report["not_decoded"].items() if number]
    if undecoded:
        rows = ((wording.count(number), reasons.explained(name)) for name, number in undecoded)
        parts.append(section("DNS that could not be decoded", hanging(rows, justify="right")))
    hidden = _numbers(report["not_visible"], reasons.not_visible_name)
    if hidden:
        parts.append(escaped(f"Not visible: {hidden}. What DNS is in it, nobody can see."))
    other = _numbers(report["not_dns"], reasons.not_dns_name)
    if other:
        parts.append(escaped(f"Not DNS: {other}."))
    return parts


def _numbers(counts: Mapping[str, int], name_of: Callable[[str], str]) -> str:
    present: Iterable[tuple[str, int]] = ((name, n) for name, n in counts.items() if n)
    return ", ".join(f"{wording.count(n)} {name_of(name)}" for name, n in present)


def _warnings(report: Mapping[str, Any]) -> list[RenderableType]:
    if not report["warnings"]:
        return []
    return [section("Warnings", hanging(("-", warning) for warning in report["warnings"]))]
