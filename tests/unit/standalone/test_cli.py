"""The command line with a replay of its own: what it hands over, prints and returns."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import pytest
from typer.testing import CliRunner, Result

from geophone import replay_command
from geophone.cli import app
from geophone.replay import Progress, ReplayOptions
from geophone_shared import __version__, jit
from geophone_shared.errors import ConfigError
from geophone_shared.hashing import SecretKey
from geophone_shared.settings.loading import Flag
from tests.support import reports
from tests.support.outside import PROJECT


class Replay:
    """Stands for `geophone.replay.replay`: notes the options and answers as told."""

    def __init__(self) -> None:
        self.options: ReplayOptions | None = None
        self.has_progress: bool | None = None
        self.report: dict[str, Any] = reports.tunnel_report()
        self.error: BaseException | None = None

    def __call__(
        self, options: ReplayOptions, on_progress: Callable[[Progress], None] | None
    ) -> dict[str, Any]:
        self.options = options
        self.has_progress = on_progress is not None
        if self.error is not None:
            raise self.error
        return self.report


@pytest.fixture(autouse=True)
def replay(monkeypatch: pytest.MonkeyPatch) -> Replay:
    stand_in = Replay()
    monkeypatch.setattr("geophone.replay.replay", stand_in)
    monkeypatch.setattr(jit, "is_compiled", lambda _job: True)
    for name in ("FORCE_COLOR", "GEOPHONE_DETECTOR_HASH_KEY", "GEOPHONE_DETECTOR_HASH_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    return stand_in


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), prog_name="geophone", catch_exceptions=False)


def test_without_options_the_defaults_are_handed_over(replay: Replay) -> None:
    result = run("replay", "a.pcap", "b.pcap")
    assert replay.options == ReplayOptions(files=("a.pcap", "b.pcap"), rule_thresholds={})
    assert replay.options.ports == (53,)
    assert result.exit_code == 0
    assert result.stdout.startswith("Tunnel suspected: tunnel.example\n")
    assert result.stderr == ""
    assert replay.has_progress is False, "no bar where standard error is no terminal"


def test_every_option_is_handed_over(replay: Replay, tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_bytes(bytes(range(16)))
    run(
        *("replay", "-", "--top", "3", "--window", "24h", "--rule", "burst=5", "--rule", "slow=6"),
        *("--allow-list", "list.txt", "--answered-only", "--exact-cap", "7"),
        *("--port", "53", "--port", "5353", "--hash-key-file", str(key_file)),
        *("--transactions", "out.ndjson", "--keep-responses"),
    )
    assert replay.options == ReplayOptions(
        files=("-",),
        top=3,
        window_seconds=86_400,
        rule_thresholds={"burst": 5, "slow": 6},
        allow_list_file="list.txt",
        use_allow_list=True,
        answered_only=True,
        exact_cap_names=7,
        ports=(53, 5_353),
        secret=SecretKey.from_bytes(bytes(range(16))),
        transactions="out.ndjson",
        keep_responses=True,
    )


def test_the_hash_key_comes_from_the_environment_too(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEOPHONE_DETECTOR_HASH_KEY", bytes(range(16)).hex())
    run("replay", "a.pcap")
    assert replay.options is not None
    assert replay.options.secret == SecretKey.from_bytes(bytes(range(16)))


def test_a_hash_key_that_everyone_may_read_is_warned_of(replay: Replay, tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_bytes(bytes(range(16)))
    key_file.chmod(0o644)
    result = run("replay", "--json", "a.pcap", "--hash-key-file", str(key_file))
    assert result.stderr.startswith(f"geophone: warning: the hash key {key_file} is open to every ")
    assert result.stderr.count("\n") == 1
    assert json.loads(result.stdout) == replay.report


@pytest.mark.parametrize(("window", "seconds"), [("10m", 600), ("4h", 14_400), ("24h", 86_400)])
def test_windows(replay: Replay, window: str, seconds: int) -> None:
    run("replay", "a.pcap", "--window", window, "--no-allow-list")
    assert replay.options is not None
    assert replay.options.window_seconds == seconds
    assert not replay.options.use_allow_list


def test_json_is_one_object_on_standard_output(replay: Replay) -> None:
    replay.report["warnings"] = ["a.pcap is cut"]
    result = run("replay", "--json", "a.pcap")
    assert json.loads(result.stdout) == replay.report
    assert result.stderr == "geophone: warning: a.pcap is cut\n"


def test_csv_is_the_table_on_standard_output(replay: Replay) -> None:
    replay.report["warnings"] = ["a.pcap is cut"]
    result = run("replay", "--csv", "a.pcap")
    assert [line.split(",")[1] for line in result.stdout.splitlines()] == [
        "registered_domain",
        "tunnel.example",
        "example.com",
    ]
    assert result.stderr == "geophone: warning: a.pcap is cut\n"


def test_warnings_of_the_text_report_are_in_it_only(replay: Replay) -> None:
    replay.report["warnings"] = ["a.pcap is cut"]
    result = run("replay", "a.pcap")
    assert "a.pcap is cut" in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "damaged", "interrupted", "code"),
    [
        ([], True, False, 0),
        (["--fail-on-alert"], False, False, 3),
        (["--strict"], False, False, 0),
        (["--strict"], True, False, 4),
        (["--strict", "--fail-on-alert"], True, False, 3),
        (["--strict", "--fail-on-alert"], True, True, 130),
    ],
)
def test_exit_codes_come_with_the_report(
    replay: Replay, arguments: list[str], damaged: bool, interrupted: bool, code: int
) -> None:
    replay.report["capture"]["damaged"] = damaged
    replay.report["interrupted"] = interrupted
    result = run("replay", "a.pcap", *arguments)
    assert result.exit_code == code
    assert result.stdout.startswith("Tunnel suspected")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["replay", "--json", "--csv", "a"], "exclude each other"),
        (["replay", "--allow-list", "x", "--no-allow-list", "a"], "exclude each other"),
        (["replay", "--rule", "bursts=1", "a"], "the rules are unique-hostnames, burst,"),
        (["replay", "--rule", "burst=0", "a"], "at least 1"),
        (["replay", "--hash-key-file", "/missing", "a"], "the hash key /missing can't be read"),
    ],
)
def test_wrong_settings_are_one_sentence_and_nothing_is_read(
    replay: Replay, arguments: list[str], reason: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("geophone: ")
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1
    assert replay.options is None


@pytest.mark.parametrize(
    "arguments",
    [
        ["replay"],
        ["replay", "a", "--window", "5m"],
        ["replay", "a", "--top", "0"],
        ["replay", "a", "--port", "65536"],
        ["replay", "a", "--exact-cap", "many"],
        ["replay", "a", "--colour"],
        ["listen"],
    ],
)
def test_wrong_usage_points_to_the_help(replay: Replay, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Try 'geophone" in result.stderr
    assert "Error: " in result.stderr
    assert replay.options is None


def test_a_file_that_can_not_be_used_is_one_sentence(replay: Replay) -> None:
    replay.error = ConfigError("\x1b[31m.pcap is not a capture file; give a pcap or pcapng")
    result = run("replay", "x")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        "geophone: \\x1b[31m.pcap is not a capture file; give a pcap or pcapng\n"
    )


def test_an_interruption_before_there_is_a_report_is_quiet(replay: Replay) -> None:
    replay.error = KeyboardInterrupt()
    result = run("replay", "x")
    assert result.exit_code == 130
    assert result.stdout == ""
    assert result.stderr == "geophone: interrupted\n"


def test_a_bug_is_not_hidden(replay: Replay) -> None:
    replay.error = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError):
        run("replay", "x")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_standard_input_from_the_keyboard_is_refused(
    monkeypatch: pytest.MonkeyPatch, replay: Replay
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal())
    with pytest.raises(ConfigError, match="pipe a capture into it"):
        replay_command.refuse_contradictions(["-"], (False, False), (False, False))
    assert replay.options is None


@pytest.mark.parametrize(
    ("folder", "told"), [(Path("x"), "once for this version"), (None, "at every start")]
)
def test_compiling_is_announced_where_it_is_due(
    monkeypatch: pytest.MonkeyPatch, folder: Path | None, told: str
) -> None:
    monkeypatch.setattr(jit, "is_interpreted", lambda: False)
    monkeypatch.setattr(jit, "is_compiled", lambda _job: False)
    monkeypatch.setattr(jit, "cache_folder", lambda: folder)
    result = run("replay", "--json", "a.pcap")
    assert told in result.stderr
    assert result.stderr.count("\n") == 1
    assert json.loads(result.stdout)
    monkeypatch.setattr(jit, "is_interpreted", lambda: True)
    assert run("replay", "--json", "a.pcap").stderr == ""


def test_the_help_teaches() -> None:
    for arguments in (["--help"], ["-h"], []):
        result = run(*arguments)
        assert "geophone replay capture.pcap" in result.output
    text = run("replay", "--help").stdout
    for word in ("tcpdump", "--rule unique-hostnames=100", "Exit codes", "default: 4h", "10m|4h"):
        assert word in text


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("run", ("geophone run -", "--exit-at-end", "GEOPHONE_ALERTER_EMAIL__HOST", "Exit codes")),
        ("capture", ("tcpdump", "--ops", "127.0.0.1:8054")),
        ("detector", ("GEOPHONE_DETECTOR_HASH_KEY_FILE", "--data-dir", "127.0.0.1:8055")),
        ("alerter", ("GEOPHONE_ALERTER_API_TOKEN_FILE", "--http", "127.0.0.1:8053")),
    ],
)
def test_the_help_of_a_service_teaches(command: str, words: tuple[str, ...]) -> None:
    text = run(command, "--help").stdout
    for word in words:
        assert word in text


@pytest.mark.parametrize("command", ["run", "capture"])
def test_responses_are_kept_by_an_option(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Flag] = []

    def note(flags: Sequence[Flag], _sockets: object) -> int:
        given.extend(flags)
        return 0

    monkeypatch.setattr(f"geophone.{command}_process.run", note)
    for arguments, expected in ((("--keep-responses",), True), ((), None)):
        given.clear()
        assert run(command, *arguments).exit_code == 0
        (value,) = (flag.value for flag in given if flag.path == "capture.keep_responses")
        assert value is expected


@pytest.mark.parametrize("service", ["capture", "detector", "alerter"])
def test_a_service_by_its_package(service: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"geophone_{service}", "--help"],
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
        cwd=PROJECT,
    )
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: geophone {service} [OPTIONS]")


def test_the_version() -> None:
    result = run("--version")
    assert result.stdout == f"geophone {__version__}\n"
    assert result.exit_code == 0


def python(code: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run `code` in a process of its own, where it finds `tests` too."""
    return subprocess.run(
        [sys.executable, "-c", code],
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
        cwd=PROJECT,
        **options,
    )


STUB = """
import geophone.replay
from geophone_shared import jit
from tests.support import reports
jit.is_compiled = lambda _job: True
geophone.replay.replay = lambda options, on_progress: reports.tunnel_report()
from geophone.cli import app
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["replay", "--help"],
        ["run", "--help"],
        ["capture", "--help"],
        ["detector", "--help"],
        ["alerter", "--help"],
        ["--version"],
    ],
)
def test_help_and_version_import_nothing_that_is_slow(arguments: list[str]) -> None:
    loaded = python(
        "import sys; from geophone.cli import app\n"
        f"app({arguments!r}, standalone_mode=False)\n"
        "slow = {'numba', 'numpy', 'rich', 'pyarrow', 'fastapi', 'aiokafka', 'asyncio'}\n"
        "print(sorted(slow & sys.modules.keys()), file=sys.stderr)"
    )
    assert loaded.stderr == "[]\n"


def run_into(standard_output: IO[bytes] | None, *arguments: str) -> tuple[int, str]:
    """Exit code and standard error of a command line whose output goes there."""
    done = subprocess.run(
        [sys.executable, "-c", f"{STUB}\napp({list(arguments)!r})"],
        stdout=standard_output,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
        cwd=PROJECT,
        preexec_fn=None if standard_output else lambda: os.close(1),
    )
    return done.returncode, done.stderr


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb") as pipe:
        assert run_into(pipe, "replay", "x", "--fail-on-alert") == (3, "")
        assert run_into(pipe, "--version") == (0, "")


def test_a_full_disk_is_said() -> None:
    with Path("/dev/full").open("wb") as full:
        code, said = run_into(full, "replay", "x")
    assert code == 1
    assert said == "geophone: the result could not be written: No space left on device\n"


def test_a_closed_standard_output_is_said() -> None:
    code, said = run_into(None, "replay", "x")
    assert code == 1
    assert said == "geophone: the result could not be written: standard output is closed\n"


def test_an_encoding_without_the_characters_is_no_error() -> None:
    code = STUB.replace("tunnel_report()", "report([reports.top_domain(exact=False)])")
    done = python(
        f"{code}\napp(['replay', 'x'])", env={**os.environ, "PYTHONIOENCODING": "latin-1"}
    )
    assert done.stderr == ""
    assert "\\u2248 222" in done.stdout


def test_an_interruption_while_modules_load_is_quiet() -> None:
    done = python(
        "import sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'geophone.replay': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from geophone.cli import app\n"
        "app(['replay', 'x'])"
    )
    assert done.stderr == "geophone: interrupted\n"
    assert done.returncode == 130
