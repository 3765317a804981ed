from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geophone_shared.batch_headers import BatchHeaders
from geophone_shared.errors import InvalidRecordError
from geophone_shared.timestamps import LATEST_TIME_US
from tests.support.outside import PROJECT

HEADERS = BatchHeaders(
    rows=222,
    raw_bytes=27_000,
    first_time_us=1_700_000_000_000_000,
    last_time_us=1_700_000_024_487_000,
    sensor="probe-1.example",
    producer="9f86d081884c7d659a2feaa0c55ad015",
    sequence=0,
    position=438,
)
NUMBERS = st.integers(0, 2**63 - 1)
IDENTIFIERS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=255)


def reason_of(name: str, value: bytes | None) -> str:
    headers = [(key, value if key == name else old) for key, old in HEADERS.to_headers()]
    with pytest.raises(InvalidRecordError) as raised:
        BatchHeaders.from_headers(headers)
    return str(raised.value)


@given(
    st.builds(
        BatchHeaders,
        schema=st.just(1),
        rows=NUMBERS,
        raw_bytes=NUMBERS,
        first_time_us=st.integers(0, 1_000),
        last_time_us=st.integers(1_000, LATEST_TIME_US),
        sensor=IDENTIFIERS,
        producer=IDENTIFIERS,
        sequence=NUMBERS,
        position=NUMBERS,
    )
)
def test_round_trip(headers: BatchHeaders) -> None:
    assert BatchHeaders.from_headers(headers.to_headers()) == headers


def test_as_on_the_log() -> None:
    assert HEADERS.to_headers() == [
        ("schema", b"1"),
        ("rows", b"222"),
        ("raw-bytes", b"27000"),
        ("first-time-us", b"1700000000000000"),
        ("last-time-us", b"1700000024487000"),
        ("sensor", b"probe-1.example"),
        ("producer", b"9f86d081884c7d659a2feaa0c55ad015"),
        ("sequence", b"0"),
        ("position", b"438"),
    ]


def test_the_documentation_has_every_header_in_order() -> None:
    text = (PROJECT / "docs" / "records.md").read_text()
    table = text.split("### Headers")[1].split("## The alert")[0]
    names = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]
    assert names == [name for name, _ in HEADERS.to_headers()]


def test_a_minute_mark_has_no_rows() -> None:
    assert replace(HEADERS, rows=0).is_minute_mark()
    assert not HEADERS.is_minute_mark()


def test_unknown_headers_and_order_do_not_matter() -> None:
    headers = [("later", b"\xff"), *reversed(HEADERS.to_headers()), ("empty", None)]
    assert BatchHeaders.from_headers(headers) == HEADERS


@pytest.mark.parametrize("name", [name for name, _ in HEADERS.to_headers()])
def test_missing_or_empty(name: str) -> None:
    rest = [header for header in HEADERS.to_headers() if header[0] != name]
    with pytest.raises(InvalidRecordError, match=r"^headers$"):
        BatchHeaders.from_headers(rest)
    assert reason_of(name, None) == "headers"
    assert reason_of(name, b"") == "headers"


@pytest.mark.parametrize(
    "value",
    [b"-1", b"+1", b"1.0", b" 1", b"1\n", b"01", b"1_0", b"0x1", b"\xd9\xa1", b"9" * 19, b"9" * 99],
)
@pytest.mark.parametrize("name", ["rows", "sequence", "first-time-us"])
def test_garbled_number(name: str, value: bytes) -> None:
    assert reason_of(name, value) == "headers"


@pytest.mark.parametrize("value", [b"a b", b"a\n", b"\x7f", b"\xc3\xa4", b"a" * 256])
@pytest.mark.parametrize("name", ["sensor", "producer"])
def test_garbled_identifier(name: str, value: bytes) -> None:
    assert reason_of(name, value) == "headers"


def test_times_in_the_wrong_order_or_too_late() -> None:
    assert reason_of("last-time-us", b"%d" % (HEADERS.first_time_us - 1)) == "headers"
    assert reason_of("last-time-us", b"%d" % (LATEST_TIME_US + 1)) == "headers"


def test_schema() -> None:
    assert reason_of("schema", b"0") == "headers"
    assert reason_of("schema", b"2") == "newer_schema"


def test_of_a_newer_schema_nothing_else_is_expected() -> None:
    with pytest.raises(InvalidRecordError, match=r"^newer_schema$"):
        BatchHeaders.from_headers([("schema", b"2")])
