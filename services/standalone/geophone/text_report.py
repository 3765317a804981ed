"""The report for a person: verdict, alerts with their evidence, top table, what wasn't decoded.

Everything that is shown is handed to rich as `Text`, never as markup: a domain name or a file
name is hostile text, and rich would obey `[red]` or `[link=…]` in it.
"""

import io
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from geophone import reasons
from geophone.escaping import terminal_text
from geophone.findings import findings_of
from geophone.top_table import top_table
from geophone.verdict import files, verdict
from geophone_alerter import render, wording

PIPED_WIDTH = 100
_WIDEST = 120
"""Lines longer than this are hard to read; a wider terminal stays empty at the right."""

_ALERTS_SHOWN = 20
"""A person reads no more; a flood of names under random domains can raise 100,000."""

_SEVERITY_STYLES = {"high": "bold red", "medium": "bold yellow", "low": "bold cyan"}


def text_report(report: Mapping[str, Any], *, width: int, is_terminal: bool) -> str:
    """The report, with colours on a terminal that wants them (`NO_COLOR`, `TERM=dumb`).

    Args:
        report: `geophone.replay/1`.
        width: characters in a line.
        is_terminal: False for plain text; `FORCE_COLOR` overrides it.
    """
    page = io.StringIO()
    console = Console(
        file=page,
        width=min(width, _WIDEST),
        force_terminal=is_terminal or None,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    sections: list[RenderableType] = [_verdict(report), *_alerts(report)]
    sections += _top(report, console.width) + _not_decoded(report) + _warnings(report)
    for index, section in enumerate(sections):
        if index:
            console.print()
        console.print(section)
    return "".join(line.rstrip() + "\n" for line in page.getvalue().split("\n")[:-1])


def _text(text: str, style: str = "") -> Text:
    return Text(terminal_text(text), style=style, overflow="fold")


def _section(title: str, *parts: RenderableType) -> Group:
    return Group(_text(title, "bold"), *(Padding(part, (0, 0, 0, 2)) for part in parts))


def _hanging(
    rows: Iterable[tuple[str, str]], *, style: str = "", justify: Literal["left", "right"] = "left"
) -> Table:
    """Texts beside their labels; a text that takes several lines stays right of its label."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style=style, justify=justify)
    table.add_column()
    for label, text in rows:
        table.add_row(_text(label), _text(text))
    return table


def _verdict(report: Mapping[str, Any]) -> Group:
    answer = verdict(report)
    style = "bold red" if answer.is_tunnel else "bold green"
    return Group(
        _text(answer.headline, style), _text(answer.paragraph), Text(), _text(_capture(report))
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
    parts = [_alert(alert, first_packet) for alert in alerts[:_ALERTS_SHOWN]]
    spaced = [line for part in parts for line in (Text(), part)][1:]
    more = len(alerts) - len(parts)
    if more > 0:
        spaced += [Text(), _text(f"and {wording.count(more, 'more alert')}; --json has them all")]
    return [_section("Alerts", *spaced)]


def _alert(alert: Mapping[str, Any], first_packet: str) -> Group:
    head = Text.assemble(
        _text(alert["severity"].upper(), _SEVERITY_STYLES.get(alert["severity"], "bold")),
        "  ",
        _text(render.headline(alert)),
        overflow="fold",
    )
    facts = _hanging(render.facts(alert, first_packet), style="dim")
    return Group(head, Padding(facts, (0, 0, 0, 2)))


def _top(report: Mapping[str, Any], width: int) -> list[RenderableType]:
    if not report["top_domains"]:
        return []
    window = wording.duration(report["top_domains"][0]["window_seconds"])
    shown = top_table(report, width - 2)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in shown.columns:
        table.add_column(
            column.title, justify="right" if column.is_number else "left", no_wrap=True
        )
    for row in shown.rows:
        table.add_row(*(_text(cell) for cell in row))
    return [
        _section(f"Top domains by different hostnames in any {window}", table),
    ]


def _not_decoded(report: Mapping[str, Any]) -> list[RenderableType]:
    parts: list[RenderableType] = []
    undecoded = [(name, number) for name, number in report["not_decoded"].items() if number]
    if undecoded:
        rows = ((wording.count(number), reasons.explained(name)) for name, number in undecoded)
        parts.append(_section("DNS that could not be decoded", _hanging(rows, justify="right")))
    other = _numbers(report["not_dns"])
    if other:
        parts.append(_text(f"Not DNS: {other}."))
    return parts


def _numbers(counts: Mapping[str, int]) -> str:
    present: Iterable[tuple[str, int]] = ((name, n) for name, n in counts.items() if n)
    return ", ".join(f"{wording.count(n)} {reasons.not_dns_name(name)}" for name, n in present)


def _warnings(report: Mapping[str, Any]) -> list[RenderableType]:
    if not report["warnings"]:
        return []
    return [_section("Warnings", _hanging(("-", warning) for warning in report["warnings"]))]
