"""Names between wire form and text, with dnspython as the second opinion."""

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geophone_shared.errors import ConfigError, InvalidRecordError
from geophone_shared.names import defanged, is_valid_wire, labels, presentation, wire_name
from tests.support import rows
from tests.support.rows import wire_names

LONGEST = rows.wire_name(b"a" * 63, b"b" * 63, b"c" * 63, b"d" * 61)

NOT_WIRE = [
    pytest.param(b"\x00", id="root label"),
    pytest.param(b"\x01a\x00", id="root label at the end"),
    pytest.param(b"\x02a", id="label past the end"),
    pytest.param(b"\x40" + b"a" * 64, id="label of 64 bytes"),
    pytest.param(b"\xc0\x0c", id="compression pointer"),
    pytest.param(LONGEST[:-62] + b"\x3e" + b"d" * 62, id="255 bytes without the root label"),
]


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        (b"", "."),
        (b"\x03WwW\x07example\x03com", "WwW.example.com"),
        (b"\x03a.b\x01\\", r"a\046b.\092"),
        (b"\x05a b\tc", r"a\032b\009c"),
        (b"\x05\x00\x7f\x80\xff~", r"\000\127\128\255~"),
        (b"\x0cxn--caf-dma!", "xn--caf-dma!"),
    ],
)
def test_names_as_text(wire: bytes, text: str) -> None:
    assert presentation(wire) == text
    assert wire_name(text) == wire


@given(wire_names())
def test_text_leads_back_to_the_name(wire: bytes) -> None:
    text = presentation(wire)
    assert set(text) <= set(map(chr, range(0x21, 0x7F)))
    assert wire_name(text) == wire
    assert is_valid_wire(wire)
    assert rows.wire_name(*labels(wire)) == wire


@given(wire_names().filter(lambda wire: wire != b"\x01@"))
def test_dnspython_reads_our_text_and_we_read_its(wire: bytes) -> None:
    """ "@" alone is the origin in a zone file, and so to dnspython."""
    assert dns.name.from_text(presentation(wire)).to_wire() == wire + b"\0"
    theirs = dns.name.Name([*labels(wire), b""])
    assert wire_name(theirs.to_text()) == wire


@pytest.mark.parametrize("wire", NOT_WIRE)
def test_what_is_no_name_is_told_apart(wire: bytes) -> None:
    assert not is_valid_wire(wire)
    with pytest.raises(InvalidRecordError):
        labels(wire)
    with pytest.raises(InvalidRecordError):
        presentation(wire)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_name_or_are_not(data: bytes) -> None:
    if is_valid_wire(data):
        assert rows.wire_name(*labels(data)) == data
        assert len(data) <= 254
    else:
        with pytest.raises(InvalidRecordError):
            labels(data)


def test_the_longest_name_is_one() -> None:
    assert len(LONGEST) == 254
    assert wire_name(presentation(LONGEST)) == LONGEST


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("example.com.", b"\x07example\x03com"),
        (r"a\.b.com", b"\x03a.b\x03com"),
        (r"a\\.com", b"\x02a\\\x03com"),
        (r"\@.com", b"\x01@\x03com"),
        (r"\065.com", b"\x01A\x03com"),
        ("_dmarc.EXAMPLE.com", b"\x06_dmarc\x07EXAMPLE\x03com"),
    ],
)
def test_spellings_that_people_use(text: str, wire: bytes) -> None:
    assert wire_name(text) == wire


@pytest.mark.parametrize(
    ("text", "a_labels"),
    [
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example.", "xn--bcher-kva.example"),
        ("straße.de", "xn--strae-oqa.de"),  # IDNA 2003 gives strasse.de, which is someone else's
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),  # the full stop of the script
        ("\uff45xample.com", "example.com"),  # full width
    ],
)
def test_other_scripts_become_a_labels(text: str, a_labels: str) -> None:
    assert presentation(wire_name(text)) == a_labels


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty label"),
        ("a..com", "empty label"),
        (".com", "empty label"),
        ("..", "empty label"),
        ("a" * 64 + ".com", "64 bytes and 63 are allowed"),
        (".".join(["a" * 63] * 4), "more than 255 bytes"),
        ("a b.com", r"remove that or write \\032"),
        ("a\n.com", r"remove that or write \\010"),
        ("a\\", r"write it as \\092"),
        (r"a\25", r"write it as \\092"),
        (r"\256.com", r"use \\000 to \\255"),
        (r"ü\032.com", "mixes escapes"),
        ("\\é.com", "mixes escapes"),
        ("-ü-.com", "international"),
        ("\u200b.com", "international"),
        ("\ud800.com", "international"),
        ("ü" * 70 + ".com", "international"),
    ],
)
def test_what_is_wrong_with_a_text_is_said_in_one_sentence(text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as raised:
        wire_name(text)
    message = str(raised.value)
    assert "is not a domain name" in message
    assert message.isprintable()


@pytest.mark.parametrize("text", ["a" * 5_000, "\u200b" * 5_000, "\u200b" + "a" * 5_000])
def test_a_long_text_is_not_repeated_whole(text: str) -> None:
    with pytest.raises(ConfigError) as raised:
        wire_name(text)
    assert len(str(raised.value)) < 700


@given(st.text())
def test_any_text_is_a_name_or_a_config_error(text: str) -> None:
    try:
        wire = wire_name(text)
    except ConfigError:
        return
    assert is_valid_wire(wire)


def test_a_defanged_name_is_no_link() -> None:
    assert defanged(r"evil\046.example") == r"evil\046[.]example"
