r"""What a process says of itself, on standard error [shell].

Text on a terminal, and elsewhere JSON, one object a line, named as in the Elastic Common Schema.
A message is constant, and its facts are `extra`: `logger.info("behind", extra={"partition": 3})`.
They may hold what an attacker chose. So nothing but printable characters is written: no name can
end a line and begin another one.
"""

import json
import logging
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from math import isfinite
from types import TracebackType
from typing import Any, Literal, TextIO

from geophone_shared.repeat_limit import RepeatLimit

LogFormat = Literal["auto", "text", "json"]

logger = logging.getLogger(__name__)

_PACKAGES = (
    *("geophone", "geophone_shared"),
    *("geophone_capture", "geophone_detector", "geophone_alerter"),
)

_MOST_CHARACTERS = 8_192
"""Of a message, and of each fact."""

_NOT_FACTS = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message"}
"""Of a record that has no `extra`, or comes from uvicorn."""


def configure_logging(
    service: str, form: LogFormat = "auto", level: str = "info", stream: TextIO | None = None
) -> None:
    """Begin to write to standard error, also what ends the process. Replaces what was configured.

    Args:
        service: the service's name, in each JSON object.
        form: `auto` looks whether the stream is a terminal.
        level: the mildest message of Geophone's own; of its libraries warnings are the mildest.
        stream: in place of standard error.
    """
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream) if stream is not None else logging.NullHandler()
    is_text = form == "text" or (form == "auto" and stream is not None and stream.isatty())
    handler.setFormatter(TextFormatter() if is_text else JsonFormatter(service))
    handler.addFilter(RepeatLimit())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for package in _PACKAGES:
        logging.getLogger(package).setLevel(level.upper())
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def printable(text: str) -> str:
    r"""Text without anything that could end a line or steer a terminal; `\n` for a line's end."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in text[:_MOST_CHARACTERS]
    )


class TextFormatter(logging.Formatter):
    """A line for people; what else belongs to it is indented."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record, and those of its traceback."""
        facts = "".join(f" {name}={_as_text(value)}" for name, value in _facts(record))
        line = (
            f"{_time_of(record)} {record.levelname:<8} {record.name}: {record.getMessage()}{facts}"
        )
        return "\n    ".join(printable(each) for each in (line, *_traceback(record).splitlines()))


class JsonFormatter(logging.Formatter):
    """One JSON object in ASCII, for programs.

    Args:
        service: its name.
    """

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The object of a record. Facts are named `geophone.…`, unless their name has a dot."""
        fields: dict[str, Any] = {
            "@timestamp": _time_of(record),
            "log.level": record.levelname.lower(),
            "message": _valid(record.getMessage()),
            "ecs.version": "8.11.0",
            "service.name": self._service,
            "process.pid": record.process,
            "log.logger": record.name,
        }
        if record.exc_info and record.exc_info[0] is not None:
            fields["error.type"] = record.exc_info[0].__qualname__
            fields["error.message"] = _valid(str(record.exc_info[1]))
            fields["error.stack_trace"] = _valid(_traceback(record)[-_MOST_CHARACTERS:])
        for name, value in _facts(record):
            is_number = isinstance(value, int) or (isinstance(value, float) and isfinite(value))
            shown = value if is_number else _valid(str(value))
            fields[name if "." in name else f"geophone.{name}"] = shown
        # Its escapes are ASCII, but it takes DEL for printable.
        return json.dumps(fields).replace("\x7f", "\\u007f")


def _log_uncaught(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    logger.critical("stopped by an error of the program", exc_info=(kind, error, traceback))


def _log_uncaught_in_thread(arguments: threading.ExceptHookArgs) -> None:
    error = arguments.exc_value
    logger.critical("a thread was stopped by an error of the program", exc_info=error or True)


def _facts(record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    for name, value in vars(record).items():
        if name not in _NOT_FACTS:
            yield name, value


def _time_of(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _traceback(record: logging.LogRecord) -> str:
    if not record.exc_info or record.exc_info[0] is None:
        return ""
    return logging.Formatter().formatException(record.exc_info)


def _as_text(value: Any) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if " " in text or not text else text


def _valid(text: str) -> str:
    r"""Text that UTF-8 can express: an undecodable byte of a file name (PEP 383) is `\udc80`."""
    limited = text[:_MOST_CHARACTERS]
    return limited.encode("utf-8", "backslashreplace").decode()
