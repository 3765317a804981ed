"""`geophone alerts test-email`, to a real mail server in another thread."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from geophone.cli import app
from tests.support.mail_server import HOST, MailServer, open_mail_server
from tests.support.settings import set_environment

RECIPIENTS = ["soc@example.com", "admin@example.com"]


@pytest.fixture
def server() -> Iterator[MailServer]:
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    ready = threading.Event()
    opened: list[MailServer] = []

    async def serve() -> None:
        async with open_mail_server() as server:
            opened.append(server)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(10)
    yield opened[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


def send(*arguments: str) -> Result:
    command = ["alerts", "test-email", *arguments]
    return CliRunner().invoke(app, command, prog_name="geophone", catch_exceptions=False)


@pytest.fixture
def config(server: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    set_environment(monkeypatch, {})
    file = tmp_path / "geophone.toml"
    file.write_text(
        f'[alerter.email]\nhost = "{HOST}"\nport = {server.port}\nstarttls = "off"\n'
        f'from = "geophone@example.com"\nto = {RECIPIENTS}\n'
    )
    return file


def test_a_mail_arrives_and_that_is_said(server: MailServer, config: Path) -> None:
    result = send("--config", str(config))
    assert result.exit_code == 0
    assert sorted(result.stdout.splitlines()) == sorted(f"accepted for {r}" for r in RECIPIENTS)
    [mail] = server.received
    assert mail.recipients == tuple(RECIPIENTS)
    assert b"Subject: Suspected DNS Tunnel Alert" in mail.content


def test_who_is_refused_is_named(server: MailServer, config: Path) -> None:
    server.script["RCPT"].append("550 5.1.1 \x1b[31mno")
    result = send("--config", str(config))
    assert result.exit_code == 75
    assert result.stdout == f"accepted for {RECIPIENTS[1]}\n"
    assert f"not accepted for {RECIPIENTS[0]}: recipient 550\n" in result.stderr
    assert "\x1b" not in result.stderr


def test_without_a_server_the_settings_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, {})
    result = send()
    assert result.exit_code == 2
    assert "GEOPHONE_ALERTER_EMAIL__HOST" in result.stderr
