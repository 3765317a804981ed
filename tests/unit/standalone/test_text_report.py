import re
from typing import Any

import pytest

from geophone.text_report import text_report
from tests.support import reports

ANSI = "\x1b["


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What rich reads of the environment, as on an ordinary terminal."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "COLUMNS", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def piped(report: dict[str, Any], width: int = 100) -> str:
    return text_report(report, width=width, is_terminal=False)


def words(text: str) -> str:
    """The text with all line breaks and indents as one blank."""
    return re.sub(r"\s+", " ", text)


def full_report(**fields: Any) -> dict[str, Any]:
    """A report with something in every section."""
    return (
        reports.tunnel_report(
            not_decoded={"no_question": 1_234, "bad_pointer": 0, "moon_phase": 2},
            not_dns={"arp": 4, "icmp": 0, "other_port": 56_789},
            warnings=["capture.pcap is cut inside its last record; the packets before it count"],
        )
        | fields
    )


def test_the_answer_comes_first_and_the_sections_follow() -> None:
    lines = piped(full_report()).splitlines()
    assert lines[0] == "Tunnel suspected: tunnel.example"
    headings = ["Alerts", "Top domains", "DNS that could not", "Not DNS", "Warnings"]
    assert [
        heading for line in lines for heading in headings if line.startswith(heading)
    ] == headings


def test_every_alert_stands_with_its_evidence_in_the_order_of_opening() -> None:
    text = words(piped(full_report()))
    burst = text.index(
        "HIGH tunnel.example: 4,245 B (4.2 kB) of information in hostnames in 10 min"
    )
    unique = text.index("HIGH tunnel.example: 201 different hostnames in 4 h")
    assert burst < unique
    assert text.count("sample names vaaaakat0.t.tunnel.example vaaaakat1") == 2
    assert "opened 2024-05-06 07:08:25.181000 UTC, 16.181 s after the first packet" in text


def test_what_was_read_is_told() -> None:
    assert (
        "Read capture.pcap, 438 packets in 24.5 s from 2024-05-06 07:08:09.000000 UTC:"
        " 222 queries and 212 responses, together 222 transactions"
        " (212 answered, 10 unanswered, 0 unsolicited). Took 0.520 s."
    ) in words(piped(full_report()))


def test_what_was_not_decoded_is_told_with_the_reason_and_zeros_are_not() -> None:
    text = piped(full_report())
    assert "  1,234  no_question: a message without a question\n" in text
    assert "      2  moon_phase\n" in text
    assert "bad_pointer" not in text
    assert "Not DNS: 4 ARP, 56,789 UDP or TCP on other ports.\n" in text


FOREIGN = [
    {"address": f"10.0.0.{n}", "packets": 100 - n, "bytes": 5_000 - n, "bytes_at_most": 5_000}
    for n in range(1, 9)
]


def test_what_is_no_dns_on_a_port_of_dns_is_a_finding() -> None:
    text = words(piped(full_report(foreign_clients=[*FOREIGN, FOREIGN[0] | {"packets": 9}])))
    assert "On a port of DNS, and not DNS - 99 packets, 5.0 kB, of 10.0.0.1 - 98" in text
    assert "10.0.0.5 - and 3 more clients; --json has more of them A raw tunnel may use" in text
    assert "10.0.0.6" not in text
    assert piped(full_report(foreign_clients=[])) == piped(full_report())


def test_a_few_odd_packets_are_no_finding() -> None:
    few = [FOREIGN[0] | {"packets": 9}]
    assert piped(full_report(foreign_clients=few)) == piped(full_report())


def test_what_nobody_can_see_is_told() -> None:
    hidden = {"dns_over_tls": 12, "dns_over_https": 3_456}
    text = words(piped(full_report(not_visible=hidden)))
    assert (
        "Not visible: 12 DNS over TLS or QUIC (port 853), 3,456 HTTPS with public resolvers,"
        " which may be DNS. What DNS is in it, nobody can see."
    ) in text
    assert "Not visible" not in piped(full_report())


def test_sections_without_content_are_left_out() -> None:
    text = piped(reports.report([], not_dns={}))
    assert "Alerts" not in text
    assert "Top domains" not in text
    assert "could not be decoded" not in text
    assert "Not DNS" not in text
    assert "Warnings" not in text


def test_an_empty_capture_has_a_report() -> None:
    report = reports.report([], not_dns={})
    report["capture"] |= {"packets": 0, "first": None, "last": None}
    report["messages"] = {"queries": 0, "responses": 0}
    report["transactions"] = dict.fromkeys(report["transactions"], 0)
    assert piped(report).startswith("No DNS found in capture.pcap\nThere are no packets in it.\n")


def test_a_flood_of_alerts_is_cut_short() -> None:
    text = piped(reports.report([], [reports.alert(f"t{n}.example") for n in range(1_500)]))
    assert text.count("HIGH") == 20
    assert "and 1,480 more alerts; --json has them all" in text


@pytest.mark.parametrize("width", [80, 100, 120])
def test_lines_fit_the_width_and_have_no_blanks_at_their_end(width: int) -> None:
    domain = "very-long-label-" * 3 + "." + "another-label-" * 4 + ".example"
    sample = "\\255" * 200 + "." + domain
    report = full_report(
        top_domains=[reports.top_domain(domain), reports.benign_domain(rank=2)],
        alerts=[reports.alert(domain, evidence=reports.evidence(domain, sample_names=[sample]))],
        warnings=["w" * 300],
    )
    lines = piped(report, width).split("\n")
    assert max(map(len, lines)) <= width
    assert [line for line in lines if line != line.rstrip()] == []
    assert domain in "".join(line.strip() for line in lines), "the whole name stands in the alert"


def test_a_very_wide_terminal_is_not_filled() -> None:
    assert max(map(len, piped(full_report(), 400).splitlines())) <= 120


def test_a_terminal_gets_colours() -> None:
    text = text_report(full_report(), width=100, is_terminal=True)
    assert text.startswith("\x1b[1;31mTunnel suspected: tunnel.example\x1b[0m\n")
    assert text_report(reports.report(), width=100, is_terminal=True).startswith("\x1b[1;32m")


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_that_wants_no_colours_gets_none(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    text = text_report(full_report(), width=100, is_terminal=True)
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", text)


def test_a_pipe_gets_no_escape_sequence_at_all() -> None:
    assert ANSI not in piped(full_report())


HOSTILE = "[red]x[/red]\x1b]0;title\x07\u202e:smile:[link=https://evil.example]y"
"""Markup, a terminal command, a bidirectional override, an emoji code, a link."""


@pytest.mark.parametrize("is_terminal", [False, True])
def test_hostile_names_are_shown_and_not_obeyed(is_terminal: bool) -> None:
    report = full_report(
        top_domains=[reports.top_domain(HOSTILE)],
        alerts=[reports.alert(HOSTILE, rule=HOSTILE, severity="high")],
        warnings=[HOSTILE],
        not_decoded={HOSTILE: 1},
        not_dns={HOSTILE: 2},
    )
    report["capture"]["files"] = [HOSTILE]
    text = text_report(report, width=120, is_terminal=is_terminal)
    shown = "[red]x[/red]\\x1b]0;title\\x07\\u202e:smile:[link=https://evil.example]y"
    assert words(text).count(shown) >= 5
    assert "\x1b]" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
