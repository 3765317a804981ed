"""Logs: what a line says, and that no text can forge another one."""

import io
import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from geophone_shared.logs import LogFormat, configure_logging

# Bytes that names in the wild hold, and what each of them would do to a log.
HOSTILE = [
    "a\n2026-11-24T00:00:00.000Z INFO     geophone: all is well",
    "a\r\nb",
    '", "log.level": "info", "message": "all is well',
    "a\x00b\x07\x08\x7f",
    "\x1b[2J\x1b]0;title\x07",
    "\x85\u2028\u2029\x0b\x0c\x1c\x1d\x1e",
    "\u202egnp.exe\u202c\u200b\ufeff",
    "\udcff\udc80",
    "%s %d %(name)s {0}",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _take_back() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level, sys.excepthook, threading.excepthook)
    yield
    root.handlers, root.level, sys.excepthook, threading.excepthook = before
    logging.captureWarnings(capture=False)


def logged(form: LogFormat, *arguments: Any, **keywords: Any) -> str:
    stream = io.StringIO()
    configure_logging("capture", form, stream=stream)
    logging.getLogger("geophone_capture.publisher").warning(*arguments, **keywords)
    return stream.getvalue()


def test_text_is_a_line_with_the_facts_behind_the_message() -> None:
    line = logged("text", "the log is behind", extra={"partition": 3, "why": "no answer yet"})
    time, _, rest = line.partition(" ")
    assert len(time) == len("2026-11-24T10:55:45.357Z")
    assert rest == (
        'WARNING  geophone_capture.publisher: the log is behind partition=3 why="no answer yet"\n'
    )


def test_json_has_ecs_names() -> None:
    extra = {"partition": 3, "rate": 0.5, "event.action": "behind", "odd": float("nan")}
    fields = json.loads(logged("json", "behind by %d", 7, extra=extra))
    assert fields.pop("@timestamp").endswith("Z")
    assert fields.pop("process.pid") > 0
    assert fields == {
        "log.level": "warning",
        "message": "behind by 7",
        "ecs.version": "8.11.0",
        "service.name": "capture",
        "log.logger": "geophone_capture.publisher",
        "geophone.partition": 3,
        "geophone.rate": 0.5,
        "event.action": "behind",
        "geophone.odd": "nan",
    }


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("form", ["text", "json"])
def test_no_text_makes_a_second_line(form: LogFormat, hostile: str) -> None:
    output = logged(form, "seen: %s", hostile, extra={"domain": hostile})
    assert output.endswith("\n")
    assert output[:-1].isprintable()
    assert output.encode()
    if form == "json":
        fields = json.loads(output)
        assert fields["log.level"] == "warning"
        shown = hostile.encode("utf-8", "backslashreplace").decode()
        assert fields["message"] == f"seen: {shown}"
        assert fields["geophone.domain"] == shown


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_traceback_forges_a_line(hostile: str) -> None:
    error = ValueError(hostile)
    text = logged("text", "it failed", exc_info=error)
    fields = json.loads(logged("json", "it failed", exc_info=error))
    first, *others = text.splitlines()
    assert first.endswith("it failed")
    assert others, "the traceback is there"
    assert all(line.startswith("    ") and line.isprintable() for line in others)
    assert fields["error.type"] == "ValueError"
    assert fields["error.stack_trace"].startswith("ValueError: ")


@pytest.mark.parametrize(
    ("stream", "form", "is_json"),
    [
        (Terminal(), "auto", False),
        (io.StringIO(), "auto", True),
        (Terminal(), "json", True),
        (io.StringIO(), "text", False),
    ],
)
def test_a_terminal_gets_text_and_everything_else_json(
    stream: io.StringIO, form: LogFormat, is_json: bool
) -> None:
    configure_logging("capture", form, stream=stream)
    logging.getLogger("geophone").error("x")
    assert stream.getvalue().startswith("{") is is_json


def test_libraries_only_warn() -> None:
    stream = io.StringIO()
    configure_logging("capture", "text", "debug", stream)
    for name in ("aiokafka.consumer", "geophone_detector.windows"):
        logging.getLogger(name).debug("debug of %s", name)
        logging.getLogger(name).warning("warning of %s", name)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    messages = [line.split(": ", 1)[1] for line in stream.getvalue().splitlines()]
    assert messages[:3] == [
        "warning of aiokafka.consumer",
        "debug of geophone_detector.windows",
        "warning of geophone_detector.windows",
    ]
    assert "DeprecationWarning: old" in messages[3]


def test_what_is_too_long_is_cut() -> None:
    fields = json.loads(logged("json", "x" * 100_000, extra={"domain": "y" * 100_000}))
    assert len(fields["message"]) == len(fields["geophone.domain"]) == 8_192
    assert len(logged("text", "x" * 100_000)) < 8_300


def test_an_error_in_a_thread_is_logged() -> None:
    stream = io.StringIO()
    configure_logging("capture", "json", stream=stream)

    def fail() -> None:
        raise ValueError("in a thread")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    fields = json.loads(stream.getvalue())
    assert (fields["log.level"], fields["error.message"]) == ("critical", "in a thread")


@pytest.mark.parametrize(
    ("error", "is_logged"), [("ValueError", True), ("KeyboardInterrupt", False)]
)
def test_what_ends_the_process_is_logged_with_its_traceback(error: str, is_logged: bool) -> None:
    code = (
        "from geophone_shared.logs import configure_logging\n"
        "configure_logging('capture', 'json')\n"
        f"raise {error}('\\x1b[31m')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=60, check=False
    )
    assert done.returncode != 0
    if is_logged:
        assert done.returncode == 1
        assert json.loads(done.stderr)["error.type"] == error
    else:
        assert b"KeyboardInterrupt" in done.stderr


def test_without_standard_error_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)  # Python has None for a closed one (`2>&-`)
    configure_logging("capture")
    logging.getLogger("geophone").error("x")
