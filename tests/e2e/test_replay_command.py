"""`geophone replay` as people and scripts start it: the installed command, real files and pipes."""

import csv
import fcntl
import gzip
import io
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import IO, Any

import pytest

from tests.support.reports import packets_in

GEOPHONE = str(Path(sys.executable).with_name("geophone"))
DOMAIN = "tunnel.example"

REPORT_FIELDS = {
    *("schema", "capture", "messages", "transactions", "not_decoded", "not_dns", "top_domains"),
    *("not_visible", "pieces", "tcp_messages", "reassembly", "foreign_clients"),
    *("alerts", "detector", "warnings", "interrupted", "elapsed_seconds"),
}
DOMAIN_FIELDS = {
    *("rank", "registered_domain", "window_seconds", "unique_hostnames"),
    *("unique_hostnames_lower", "unique_hostnames_upper", "exact", "information_bytes"),
    *("queries", "unanswered", "bytes_in", "bytes_out", "bytes_total", "clients", "top_clients"),
    *("query_types", "response_codes", "first_seen", "last_seen", "sample_names", "allowed"),
}
ALERT_FIELDS = {
    *("schema", "id", "state", "rule", "severity", "registered_domain", "opened_at"),
    *("updated_at", "recovered_at", "window_seconds", "measure", "value", "threshold"),
    *("allowed", "evidence"),
}


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "NUMBA_DISABLE_JIT")
    for name in (*plain, "GEOPHONE_DETECTOR_HASH_KEY", "GEOPHONE_DETECTOR_HASH_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture(scope="module", autouse=True)
def _compiled(demo_capture: Path) -> None:
    """Kernels compile once, and say so; after that standard error stays empty."""
    subprocess.run([GEOPHONE, "replay", demo_capture], check=True, capture_output=True, timeout=250)


def replay(
    *arguments: str | Path, standard_input: bytes | None = None
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [GEOPHONE, "replay", *arguments],
        input=standard_input if standard_input is not None else b"",
        capture_output=True,
        timeout=60,
        check=False,
    )


def report_of(done: "subprocess.CompletedProcess[bytes]") -> dict[str, Any]:
    """The JSON object, which has to be everything that was written."""
    assert done.stderr == b""
    report = json.loads(done.stdout)
    assert isinstance(report, dict)
    return report


def without_time_and_names(report: dict[str, Any]) -> dict[str, Any]:
    capture = {key: value for key, value in report["capture"].items() if key != "files"}
    return report | {"capture": capture, "elapsed_seconds": 0}


@pytest.fixture(scope="module")
def demo_report(demo_capture: Path) -> dict[str, Any]:
    return report_of(replay("--json", demo_capture))


@pytest.fixture
def cut_capture(demo_capture: Path, tmp_path: Path) -> Path:
    """The shipped capture without its last three bytes: it ends inside a record."""
    path = tmp_path / "cut.pcap"
    path.write_bytes(demo_capture.read_bytes()[:-3])
    return path


def test_the_json_contract(demo_report: dict[str, Any], demo_capture: Path) -> None:
    assert demo_report.keys() >= REPORT_FIELDS
    assert demo_report["schema"] == "geophone.replay/1"
    assert demo_report["capture"]["files"] == [str(demo_capture)]
    assert demo_report["capture"]["bytes"] == demo_capture.stat().st_size
    assert demo_report["capture"]["damaged"] is False
    assert demo_report["interrupted"] is False
    assert demo_report["warnings"] == []
    rows = demo_report["transactions"]
    assert rows["total"] == rows["answered"] + rows["unanswered"] + rows["unsolicited"]
    messages = demo_report["messages"]
    assert messages["queries"] == rows["answered"] + rows["unanswered"]
    assert messages["responses"] == rows["answered"] + rows["unsolicited"]
    assert demo_report["capture"]["packets"] == packets_in(demo_report)


def test_the_tunnel_leads_the_table(demo_report: dict[str, Any]) -> None:
    row = demo_report["top_domains"][0]
    assert row.keys() >= DOMAIN_FIELDS
    assert row["rank"] == 1
    assert row["registered_domain"] == DOMAIN
    assert row["exact"] is True
    assert row["unique_hostnames"] > 200
    assert row["bytes_total"] == row["bytes_in"] + row["bytes_out"]
    assert row["clients"] == len(row["top_clients"]) == 1
    assert sum(row["query_types"].values()) == row["queries"]
    assert len(row["sample_names"]) == 8
    assert all(name.lower().endswith(f".{DOMAIN}") for name in row["sample_names"])


def test_its_alerts_have_evidence(demo_report: dict[str, Any]) -> None:
    alerts = {alert["rule"]: alert for alert in demo_report["alerts"]}
    assert {"unique-hostnames", "burst"} <= alerts.keys()
    for alert in alerts.values():
        assert alert.keys() >= ALERT_FIELDS
        assert alert["schema"] == "geophone.alert/1"
        assert alert["registered_domain"] == DOMAIN
        assert alert["evidence"].keys() >= DOMAIN_FIELDS - {"rank"}
        assert demo_report["capture"]["first"] < alert["opened_at"]
    unique = alerts["unique-hostnames"]
    assert unique["evidence"]["unique_hostnames"] == 201
    assert (unique["window_seconds"], unique["threshold"]) == (14_400, 200)


def test_a_second_run_says_the_same(demo_report: dict[str, Any], demo_capture: Path) -> None:
    again = report_of(replay("--json", demo_capture))
    assert without_time_and_names(again) == without_time_and_names(demo_report)


def test_compressed_and_piped_it_says_the_same(
    demo_report: dict[str, Any], demo_capture: Path, tmp_path: Path
) -> None:
    compressed = tmp_path / "demo.pcap.gz"
    compressed.write_bytes(gzip.compress(demo_capture.read_bytes()))
    runs = [
        replay("--json", compressed),
        replay("--json", "-", standard_input=demo_capture.read_bytes()),
        replay("--json", "-", standard_input=compressed.read_bytes()),
    ]
    for done in runs:
        report = without_time_and_names(report_of(done))
        assert report == without_time_and_names(demo_report)


def test_options_reach_the_detector(demo_capture: Path, tmp_path: Path) -> None:
    allow_list = tmp_path / "allowed.txt"
    allow_list.write_text(f"{DOMAIN}\n")
    done = replay("--json", "--fail-on-alert", "--allow-list", allow_list, demo_capture)
    assert done.returncode == 0
    assert {alert["allowed"] for alert in report_of(done)["alerts"]} == {True}
    done = replay("--json", "--fail-on-alert", "--port", "5353", demo_capture)
    assert done.returncode == 0
    assert report_of(done)["transactions"]["total"] == 0
    report = report_of(replay("--json", "--rule", "unique-hostnames=50", demo_capture))
    [alert] = [alert for alert in report["alerts"] if alert["rule"] == "unique-hostnames"]
    assert (alert["threshold"], alert["evidence"]["unique_hostnames"]) == (50, 51)
    report = report_of(replay("--json", "--answered-only", "--window", "24h", demo_capture))
    assert report["top_domains"][0]["unanswered"] == 0
    assert report["top_domains"][0]["window_seconds"] == 86_400


def test_a_person_reads_the_verdict_first_and_plain(demo_capture: Path) -> None:
    done = replay(demo_capture)
    text = done.stdout.decode()
    assert done.stderr == b""
    assert done.returncode == 0
    assert text.startswith(f"Tunnel suspected: {DOMAIN}\nOne client, ")
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100


def test_csv_has_the_domain(demo_capture: Path) -> None:
    done = replay("--csv", demo_capture)
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode())))
    assert rows[0]["registered_domain"] == DOMAIN


def test_a_damaged_capture_yields_what_is_readable(
    cut_capture: Path, demo_report: dict[str, Any]
) -> None:
    done = replay("--json", cut_capture)
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert report["capture"]["damaged"] is True
    assert report["capture"]["packets"] == demo_report["capture"]["packets"] - 1
    assert len(report["warnings"]) == 1
    assert done.stderr.decode() == f"geophone: warning: {report['warnings'][0]}\n"


def test_exit_codes(demo_capture: Path, cut_capture: Path) -> None:
    assert replay("--strict", demo_capture).returncode == 0
    assert replay("--fail-on-alert", demo_capture).returncode == 3
    assert replay("--strict", cut_capture).returncode == 4
    assert replay("--strict", "--fail-on-alert", cut_capture).returncode == 3


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "empty"), (b"GIF89a not a capture at all", "capture")]
)
def test_what_is_no_capture_is_one_sentence(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "odd.pcap"
    path.write_bytes(content)
    assert_one_sentence(replay(path), reason)


def test_what_can_not_be_read_is_one_sentence(tmp_path: Path) -> None:
    assert_one_sentence(replay(tmp_path / "missing.pcap"), "No such file")
    assert_one_sentence(replay(tmp_path), "directory")
    assert_one_sentence(replay("-"), "standard input")
    hostile = tmp_path / "\x1b[31m\udcff.pcap"
    assert_one_sentence(replay(hostile), "\\x1b[31m\\xff.pcap")


def assert_one_sentence(done: "subprocess.CompletedProcess[bytes]", reason: str) -> None:
    said = done.stderr.decode()
    assert done.returncode == 2, said
    assert done.stdout == b""
    assert said.startswith("geophone: ")
    assert said.count("\n") == 1
    assert reason in said


def test_a_hash_key_of_ones_own_changes_no_exact_count(
    demo_report: dict[str, Any],
    demo_capture: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("0123456789abcdef" * 2)
    key_file.chmod(0o600)
    report = report_of(replay("--json", "--hash-key-file", key_file, demo_capture))
    assert without_time_and_names(report) == without_time_and_names(demo_report)
    monkeypatch.setenv("GEOPHONE_DETECTOR_HASH_KEY", "0123456789abcdef")
    assert_one_sentence(replay(demo_capture), "GEOPHONE_DETECTOR_HASH_KEY holds no hash key")
    monkeypatch.setenv("GEOPHONE_DETECTOR_HASH_KEY_FILE", str(key_file))
    assert_one_sentence(replay(demo_capture), "are both set")
    assert replay("--hash-key-file", key_file, demo_capture).returncode == 0


def test_an_interruption_before_the_key_is_known_prints_what_was_found(
    demo_capture: Path, demo_report: dict[str, Any]
) -> None:
    """So little came through the pipe that the replay still waits for the start of its input."""
    with subprocess.Popen(
        [GEOPHONE, "replay", "--json", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(demo_capture.read_bytes()[:20_000])
        process.stdin.flush()
        while unread_bytes(process.stdin):
            time.sleep(0.05)
        time.sleep(0.5)  # for the read to return; then it waits for more
        process.send_signal(signal.SIGINT)
        report = json.load(process.stdout)
        assert process.wait(timeout=20) == 130
    assert report["interrupted"] is True
    assert report["capture"]["bytes"] == 20_000
    assert report["capture"]["first"] == demo_report["capture"]["first"]
    assert 50 < report["capture"]["packets"] < demo_report["capture"]["packets"]
    assert report["warnings"] == []


def test_an_interruption_prints_what_was_found(demo_capture: Path) -> None:
    with subprocess.Popen(
        [GEOPHONE, "replay", "--json", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(demo_capture.read_bytes())
        process.stdin.flush()
        while unread_bytes(process.stdin):
            time.sleep(0.05)
        time.sleep(0.5)  # for what it has read but not yet counted; then it waits for more
        process.send_signal(signal.SIGINT)
        report = json.load(process.stdout)
        assert process.wait(timeout=20) == 130
    assert report["interrupted"] is True
    assert report["top_domains"][0]["registered_domain"] == DOMAIN


def unread_bytes(pipe: IO[bytes]) -> int:
    (unread,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))
    return int(unread)


def test_on_a_terminal_the_report_has_colours_and_nothing_is_left_of_the_bar(
    demo_capture: Path,
) -> None:
    terminal, end_of_process = pty.openpty()
    with subprocess.Popen(
        [GEOPHONE, "replay", demo_capture], stdout=end_of_process, stderr=subprocess.PIPE
    ) as process:
        os.close(end_of_process)
        text = read_terminal(terminal)
        assert process.stderr is not None
        assert process.stderr.read() == b""
    os.close(terminal)
    assert text.startswith(f"\x1b[1;31mTunnel suspected: {DOMAIN}\x1b[0m\r\n")


def read_terminal(terminal: int) -> str:
    """Everything until the other side is closed, which Linux reports as an error."""
    parts = []
    try:
        while part := os.read(terminal, 65_536):
            parts.append(part)
    except OSError:
        pass
    return b"".join(parts).decode()
