"""A service as a real process: signals, deadlines, exit codes and what is said on the way out."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.support.outside import PROJECT

Start = Callable[[str, float], "subprocess.Popen[str]"]

_LONG_SECONDS = 300
"""A drain that no test waits for."""


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a tiny service, and ends it if the test doesn't."""
    started: list[subprocess.Popen[str]] = []

    def start_service(what: str, drain_seconds: float = _LONG_SECONDS) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.tiny_service", what, str(drain_seconds)],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start_service
    for process in started:
        process.kill()
        process.communicate()


def wait_until_ready(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


def end_of(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Exit code, and what was written until then."""
    output, errors = process.communicate(timeout=30)
    return process.returncode, output, errors


def messages(errors: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in errors.splitlines() if line.startswith("{")]


def test_a_service_that_has_nothing_more_to_do_ends_well(start: Start) -> None:
    assert end_of(start("end", _LONG_SECONDS)) == (0, "", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_service_finish(start: Start, number: signal.Signals) -> None:
    process = start("drain", _LONG_SECONDS)
    wait_until_ready(process)
    process.send_signal(number)
    code, output, errors = end_of(process)
    assert (code, output) == (0, "finished [0, 1, 2]\n")
    (message,) = messages(errors)
    assert message["message"] == "stopping; a signal stops at once"
    assert message["geophone.drain_seconds"] == _LONG_SECONDS


def test_while_it_drains_a_service_is_alive_and_not_ready(start: Start) -> None:
    process = start("serve", _LONG_SECONDS)
    assert process.stdout is not None
    assert process.stderr is not None
    port = int(process.stdout.readline())
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        assert [client.get(path).status_code for path in ("/livez", "/readyz", "/startupz")] == [
            *(200, 200, 200)
        ]
        assert "geophone_event_loop_longest_pause_seconds " in client.get("/metrics").text
        process.send_signal(signal.SIGTERM)
        assert "stopping" in process.stderr.readline()
        while client.get("/readyz").status_code == 200:
            time.sleep(0.01)
        assert client.get("/livez").status_code == 200
        assert client.get("/readyz").json()[-1]["name"] == "draining"
    assert end_of(process) == (0, "", "")


def test_a_service_that_does_not_finish_in_time_is_cancelled(start: Start) -> None:
    process = start("hang", 0.3)
    wait_until_ready(process)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    code, output, errors = end_of(process)
    assert (code, output) == (1, "cleaned up\n")
    assert 0.3 <= time.monotonic() - began < 10
    late = messages(errors)[-1]
    assert late["message"] == "not everything was finished"
    assert "in _hang" in late["error.stack_trace"], "it says where the service stood"


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (signal.SIGTERM, signal.SIGTERM, 143),
        (signal.SIGINT, signal.SIGINT, 130),
        (signal.SIGINT, signal.SIGTERM, 143),
    ],
)
def test_a_second_signal_stops_at_once(
    start: Start, first: signal.Signals, second: signal.Signals, code: int
) -> None:
    process = start("hang", _LONG_SECONDS)
    wait_until_ready(process)
    process.send_signal(first)
    assert process.stderr is not None
    assert "a signal stops at once" in process.stderr.readline()
    process.send_signal(second)
    assert end_of(process) == (code, "", "")


def test_a_second_signal_stops_also_a_loop_that_is_blocked(start: Start) -> None:
    process = start("block", _LONG_SECONDS)
    wait_until_ready(process)
    # The same signal twice in a moment may arrive once.
    process.send_signal(signal.SIGINT)
    while process.poll() is None:
        process.send_signal(signal.SIGTERM)
        time.sleep(0.05)
    assert end_of(process)[0] in {130, 143}


def test_nothing_keeps_a_process_much_longer_than_the_drain(start: Start) -> None:
    processes = [start("refuse-to-end", 0.2), start("leave-a-thread", 0.2), start("block", 0.2)]
    for process in processes:
        wait_until_ready(process)
        process.send_signal(signal.SIGTERM)
    ends = [end_of(process) for process in processes]
    assert [code for code, _, _ in ends] == [1, 1, 1]
    assert [output for _, output, _ in ends] == ["cancelled\n", "finished\n", ""]
    for _, _, errors in ends:
        assert "Timeout (0:00:05.2" in errors
        assert "most recent call first" in errors, "it says where each thread stood"


@pytest.mark.parametrize(
    ("what", "code", "sentence"),
    [
        ("config-error", 2, "geophone: set \\x1b[31mthis\\nor that\n"),
        ("config-error-first", 2, "geophone: set it\n"),
        ("config-error-at-once", 2, "geophone: set it\n"),
        ("transient-error", 75, "geophone: no broker answers\n"),
    ],
)
def test_what_someone_has_to_change_is_one_sentence(
    start: Start, what: str, code: int, sentence: str
) -> None:
    assert end_of(start(what, _LONG_SECONDS)) == (code, "", sentence)


def test_an_occupied_port_is_one_sentence(start: Start) -> None:
    code, output, errors = end_of(start("occupied-port", _LONG_SECONDS))
    assert (code, output) == (2, "")
    assert errors.startswith("geophone: nothing can be served on 127.0.0.1:")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("bug", "ValueError: a bug"),
        ("bug-beside-config-error", "ValueError: a bug"),
        ("invalid-record", "InvalidRecordError: json"),
        ("invalid-record-at-once", "InvalidRecordError: json"),
        ("own-timeout", "TimeoutError: its own"),
    ],
)
def test_a_bug_ends_the_process_with_its_traceback(start: Start, what: str, error: str) -> None:
    code, output, errors = end_of(start(what, _LONG_SECONDS))
    assert (code, output) == (1, "")
    (message,) = messages(errors)
    assert message["log.level"] == "critical"
    assert error in message["error.stack_trace"]
    assert "tiny_service.py" in message["error.stack_trace"]
