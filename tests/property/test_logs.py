"""Whatever a message and its facts hold, a log line is one line."""

import io
import json
import logging

from hypothesis import given
from hypothesis import strategies as st

from geophone_shared.logs import JsonFormatter, TextFormatter

ANY_TEXT = st.text(st.characters(codec=None), max_size=200)  # surrogates, too


def record(message: str, fact: str) -> logging.LogRecord:
    made = logging.LogRecord("geophone", logging.INFO, "", 0, "seen: %s", (message,), None)
    made.domain = fact
    return made


@given(ANY_TEXT, ANY_TEXT)
def test_text_is_one_printable_line(message: str, fact: str) -> None:
    line = TextFormatter().format(record(message, fact))
    assert line.isprintable()
    assert line.encode()


@given(ANY_TEXT, ANY_TEXT)
def test_json_is_one_ascii_line_that_says_the_same(message: str, fact: str) -> None:
    line = JsonFormatter("capture").format(record(message, fact))
    assert line.isascii()
    assert line.isprintable()
    fields = json.loads(line)
    assert fields["message"] == f"seen: {valid(message)}"
    assert fields["geophone.domain"] == valid(fact)
    assert len(list(io.StringIO(line))) == 1


def valid(text: str) -> str:
    return "".join(f"\\u{ord(char):04x}" if "\ud800" <= char <= "\udfff" else char for char in text)
