"""`geophone config`, run as the command line runs it."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from geophone.cli import app
from geophone_shared.settings.settings import all_settings
from tests.support.settings import set_environment

SECRET = "hunter2"  # noqa: S105 - a made-up one


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    set_environment(monkeypatch, {})
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["config", *arguments], catch_exceptions=False)


def write_file(text: str) -> None:
    Path("geophone.toml").write_text(text, encoding="utf-8")


def test_show_prints_values_with_their_origins(monkeypatch: pytest.MonkeyPatch) -> None:
    write_file("detector.exact_cap_names = 16_384\n[alerter.email]\nfrom = 'a@example.com'")
    monkeypatch.setenv("GEOPHONE_CAPTURE_SPEED", "2")
    lines = run("show", "--config", "geophone.toml").stdout.splitlines()
    assert "exact_cap_names = 16384  # geophone.toml" in lines
    assert "speed = 2.0  # GEOPHONE_CAPTURE_SPEED" in lines
    assert "ports = [53]  # default" in lines
    assert 'from = "a@example.com"  # geophone.toml' in lines
    assert "# bootstrap_servers is not set" in lines
    assert '# config_file is "geophone.toml"  # --config' in lines


def test_what_show_prints_is_a_file_that_sets_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOPHONE_DATA_DIR", 'a "b"\\\x7f\u202e\n#')
    monkeypatch.setenv("GEOPHONE_CAPTURE_FILES", "a.pcap, b.pcap")
    monkeypatch.setenv("GEOPHONE_ALERTER_OPS", "127.0.0.1:1")
    printed = run("show").stdout
    assert all(line.isprintable() for line in printed.splitlines())
    set_environment(monkeypatch, {})
    write_file(printed)
    again = run("show", "--config", "geophone.toml").stdout
    assert tomllib.loads(again) == tomllib.loads(printed)
    assert tomllib.loads(printed)["data_dir"] == 'a "b"\\\x7f\u202e\n#'
    assert tomllib.loads(printed)["alerter"]["ops"] == "127.0.0.1:1"


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_show_says_of_a_secret_only_that_it_is_set(
    monkeypatch: pytest.MonkeyPatch, form: tuple[str, ...]
) -> None:
    monkeypatch.setenv("GEOPHONE_ALERTER_API_TOKEN", SECRET)
    result = run("show", *form)
    assert result.exit_code == 0
    assert SECRET not in result.output
    if form:
        shown = json.loads(result.stdout)
        assert shown.keys() == all_settings().keys()
        assert shown["alerter.api_token"] == {
            "value": "set",
            "origin": "GEOPHONE_ALERTER_API_TOKEN",
        }
        assert shown["alerter.email.password"] == {"value": "not set", "origin": "default"}
    else:
        assert "# api_token is set  # GEOPHONE_ALERTER_API_TOKEN" in result.stdout
        assert "# password is not set" in result.stdout


@pytest.mark.parametrize("command", ["show", "validate"])
def test_wrong_settings_are_a_sentence_and_exit_code_2(command: str) -> None:
    write_file("detector.exact_cap = 1")
    result = run(command, "--config", "geophone.toml")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        "geophone: 'geophone.toml' has 'detector.exact_cap', which is no setting:"
        " did you mean detector.exact_cap_names?\n"
    )


def test_validate_agrees_with_what_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    # The file isn't there: where settings are checked, secrets often aren't.
    monkeypatch.setenv("GEOPHONE_ALERTER_API_TOKEN_FILE", "/run/secrets/token")
    monkeypatch.setenv("GEOPHONE_ALERTER_HTTP", "0.0.0.0:8053")
    result = run("validate")
    assert (result.exit_code, result.stdout) == (0, "The settings are right.\n")


def test_validate_refuses_rest_for_everyone_without_a_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GEOPHONE_ALERTER_HTTP", "0.0.0.0:8053")
    result = run("validate")
    assert result.exit_code == 2
    assert "set GEOPHONE_ALERTER_API_TOKEN_FILE" in result.stderr


def test_schema_is_json() -> None:
    result = run("schema")
    assert json.loads(result.stdout)["properties"]["detector"]


def test_replay_starts_without_what_only_services_need() -> None:
    code = (
        "import sys, geophone.cli, geophone.replay;"
        "print(sorted(sys.modules.keys() & {'pydantic', 'pydantic_settings', 'prometheus_client',"
        " 'starlette', 'uvicorn', 'fastapi', 'aiokafka'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"
