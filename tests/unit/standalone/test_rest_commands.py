"""`geophone top` and `geophone alerts`, over a real socket."""

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from geophone.cli import app
from geophone_shared.alerts import to_json
from geophone_shared.summaries import DomainSummary
from tests.support.alert_events import NOW_US, OPENED_US, create_alert
from tests.support.golden import ALERT
from tests.support.hostile_names import FORGED_TEXTS, HOSTILE_DOMAINS
from tests.support.rest import Rest
from tests.support.top_lists import top_list

TOKEN = "größer-als-geheim"  # noqa: S105 - of the tests alone


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), prog_name="geophone", catch_exceptions=False)


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def rest() -> Rest:
    filled = Rest()
    filled.top.apply(top_list(0, NOW_US, {14_400: (summary("tunnel.example", 201),)}))
    filled.alerts.apply(create_alert(), 0)
    recovered = create_alert("old.example", state="recovered", opened_us=OPENED_US - 1, after_us=1)
    filled.alerts.apply(recovered, 1)
    return filled


def summary(name: str, hostnames: int, *, allowed: bool = False) -> DomainSummary:
    return replace(
        ALERT.evidence, registered_domain=name, unique_hostnames=hostnames, allowed=allowed
    )


def test_top_is_a_table(rest: Rest) -> None:
    with rest.served() as url:
        result = run("top", "--url", f"{url}/")
    assert result.exit_code == 0
    assert result.stderr == ""
    title, header, row = result.stdout.splitlines()
    assert title.startswith("Top domains by different hostnames in any 4h, as of 2025-06-15 ")
    assert header.split()[:3] == ["#", "domain", "hostnames"]
    assert row.split()[:3] == ["1", "tunnel.example", "201"]


def test_top_hands_its_options_over(rest: Rest) -> None:
    listed = summary("allowed.example", 300, allowed=True)
    rest.top.apply(top_list(1, NOW_US, {14_400: (listed,), 86_400: (listed,)}))
    with rest.served() as url:
        whole = json.loads(run("top", "--json", "--url", url).stdout)
        short = json.loads(run("top", "--json", "--url", url, "--limit", "1").stdout)
        named = json.loads(run("top", "--json", "--url", url, "--exclude-allowed").stdout)
        long = json.loads(run("top", "--json", "--url", url, "--window", "24h").stdout)
        empty = run("top", "--url", url, "--window", "10m")
    assert [each["registered_domain"] for each in whole["domains"]] == [
        "allowed.example",
        "tunnel.example",
    ]
    assert len(short["domains"]) == 1
    assert [each["registered_domain"] for each in named["domains"]] == ["tunnel.example"]
    assert long["window"] == "24h"
    assert empty.stdout == "No domain was seen yet.\n"


def test_alerts_shows_what_is_open_with_its_evidence(rest: Rest) -> None:
    with rest.served() as url:
        shown = run("alerts", "--url", url)
        everything = run("alerts", "--url", url, "--state", "all", "--json")
        first = run("alerts", "--url", url, "--state", "all", "--limit", "1")
        recovered = run("alerts", "--url", url, "--state", "recovered")
    assert shown.stdout.startswith("The newest open alerts\n  HIGH  tunnel.example: 201 different")
    assert "192.0.2.30: 150 queries" in shown.stdout
    assert "old.example" not in shown.stdout
    assert "old.example" in recovered.stdout
    assert [each["id"] for each in json.loads(everything.stdout)["alerts"]] == [
        each.id for each in rest.alerts.page("all", 9).alerts
    ]
    assert json.loads(everything.stdout)["alerts"][1] == to_json(create_alert())
    assert first.stdout.endswith("There are more: --limit shows more of them.\n")


def test_without_alerts_that_is_said() -> None:
    with Rest().served() as url:
        assert run("alerts", "--url", url).stdout == "There are no open alerts.\n"
        assert run("alerts", "--url", url, "--state", "all").stdout == "There are no alerts.\n"


@pytest.mark.parametrize("command", ["top", "alerts"])
def test_the_token_comes_from_its_file(rest: Rest, tmp_path: Path, command: str) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text(f"{TOKEN}\n")
    wrong.write_text("guess")
    with rest.served(TOKEN) as url:
        assert run(command, "--url", url, "--token-file", str(right)).exit_code == 0
        for options in ((), ("--token-file", str(wrong))):
            refused = run(command, "--url", url, *options)
            assert refused.exit_code == 2
            assert refused.stderr == (
                f"geophone: {url} wants a token: give the right one with --token-file\n"
            )
    missing = run(command, "--token-file", str(tmp_path / "missing"))
    assert missing.exit_code == 2
    assert "--token-file names" in missing.stderr


@pytest.mark.parametrize("command", ["top", "alerts"])
def test_nobody_who_answers_is_a_sentence(command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = run(command, "--url", f"http://127.0.0.1:{port}")
    assert result.exit_code == 75
    assert result.stderr.startswith(f"geophone: http://127.0.0.1:{port} doesn't answer (")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8053",
        "file:///etc/passwd",
        "ftp://x",
        "http://",
        "http://x:y",
        "http://a b",
        "http://x\nHost: y",
        "http://x?y",
    ],
)
def test_what_is_no_url_is_a_sentence(url: str) -> None:
    result = run("top", "--url", url)
    assert result.exit_code == 2
    assert result.stderr.endswith("write http://HOST:PORT\n")


@contextmanager
def answering(status: int, body: bytes, **headers: str) -> Iterator[tuple[str, list[str]]]:
    """A server that always answers the same; its URL, and what it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("command", ["top", "alerts"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b"\xff",
        b'{"domains": [{}], "alerts": [{}], "window": "4h", "as_of": null, "next": null}',
        b"[" * 100_000,
    ],
)
def test_what_someone_else_answers_is_a_sentence(command: str, body: bytes) -> None:
    with answering(200, body) as (url, _):
        result = run(command, "--url", url)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("status", "body", "code", "said"),
    [
        (422, b'{"title": "Unprocessable", "detail": "correct the \\u001b[31m"}', 2, "correct the"),
        (404, b'{"title": "Not Found"}', 2, "Not Found"),
        (500, b"", 75, "HTTP 500"),
        (503, b"busy", 75, "HTTP 503"),
    ],
)
def test_a_problem_is_told(status: int, body: bytes, code: int, said: str) -> None:
    with answering(status, body) as (url, _):
        result = run("top", "--url", url)
    assert result.exit_code == code
    assert said in result.stderr
    assert "\x1b" not in result.stderr


def test_a_redirection_is_not_followed() -> None:
    with answering(200, b"{}") as (other, asked):
        with answering(302, b"", Location=f"{other}/x") as (url, _):
            result = run("top", "--url", url)
        assert result.exit_code == 2
        assert asked == []


def test_hostile_names_can_not_steer_the_terminal() -> None:
    names = list(dict.fromkeys(HOSTILE_DOMAINS + FORGED_TEXTS))
    rest = Rest()
    for position, name in enumerate(names):
        rest.alerts.apply(create_alert(name), position)
    rest.top.apply(top_list(0, NOW_US, {14_400: tuple(summary(name, 1) for name in names)}))
    with rest.served() as url:
        for command in ("top", "alerts"):
            for options in ((), ("--json",)):
                result = run(command, "--url", url, "--limit", "1000", *options)
                assert result.exit_code == 0, result.stderr
                assert result.stdout.replace("\n", "").isprintable()
                assert result.stdout.count("hidden.example") >= len(HOSTILE_DOMAINS) // 2 - 2
