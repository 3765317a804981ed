import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geophone.escaping import terminal_text, without_surrogates


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("capture.pcap", "capture.pcap"),
        ("Größe 日本.pcap", "Größe 日本.pcap"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\r\tc\x00", "a\\x0ab\\x0d\\x09c\\x00"),
        ("\x9b31m", "\\x9b31m"),
        ("gpj.\u202epcap", "gpj.\\u202epcap"),
        ("a\u2066b\u200f\u2028", "a\\u2066b\\u200f\\u2028"),
        ("\U000e0041", "\\U000e0041"),
        ("undecodable\udcff", "undecodable\\xff"),
        ("\\255.example", "\\255.example"),
    ],
)
def test_what_steers_a_terminal_is_escaped_and_the_rest_stays(text: str, shown: str) -> None:
    assert terminal_text(text) == shown


@given(st.text(st.characters(exclude_categories=[])))
def test_nothing_but_printable_text_comes_out(text: str) -> None:
    shown = terminal_text(text)
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert terminal_text(shown) == shown


def test_an_undecodable_file_name_becomes_strict_json() -> None:
    value = {"files": ["a\udcff.pcap", "b\ud800"], "n": 1, "none": None, "pair": ("\udc80", True)}
    safe = without_surrogates(value)
    assert safe == {
        "files": ["a\\xff.pcap", "b\\ud800"],
        "n": 1,
        "none": None,
        "pair": ["\\x80", True],
    }
    json.dumps(safe, ensure_ascii=False).encode()
