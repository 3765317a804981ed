"""The record of the busiest domains."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import zstandard

from geophone_shared.drops import Drops
from geophone_shared.errors import InvalidRecordError
from geophone_shared.top_domains import MOST_RAW_BYTES, TopList, decode_top_list, encode_top_list
from geophone_shared.zstd_json import compressed_json
from tests.support.golden import TOP_LIST
from tests.support.hostile_names import FORGED_TEXTS, HOSTILE_DOMAINS


def fields_of(top: TopList) -> dict[str, Any]:
    """The JSON object in the record."""
    fields: dict[str, Any] = json.loads(zstandard.decompress(encode_top_list(top)))
    return fields


def reason_of(data: bytes) -> str:
    with pytest.raises(InvalidRecordError) as raised:
        decode_top_list(data)
    return str(raised.value)


def test_a_list_comes_back() -> None:
    assert decode_top_list(encode_top_list(TOP_LIST)) == TOP_LIST


def test_a_domain_is_there_once() -> None:
    domains = fields_of(TOP_LIST)["domains"]
    assert [domain["registered_domain"] for domain in domains] == ["tunnel.example", "wpad"]
    assert [len(domain["windows"]) for domain in domains] == [3, 1]


def test_what_was_lost_comes_back() -> None:
    lossy = replace(TOP_LIST, drops=Drops(1_000_000, Counter(dead_letters=3, evictions=0)))
    assert fields_of(lossy)["since"] == "1970-01-01T00:00:01.000000Z"
    assert decode_top_list(encode_top_list(lossy)) == lossy


def test_a_record_of_an_earlier_version_says_nothing_of_what_was_lost() -> None:
    fields = fields_of(TOP_LIST)
    del fields["drops"], fields["since"]
    assert decode_top_list(compressed_json(fields)) == TOP_LIST


def test_no_domain_at_all_is_a_list() -> None:
    empty = replace(TOP_LIST, domains=())
    assert decode_top_list(encode_top_list(empty)) == empty


def test_what_is_not_known_is_ignored() -> None:
    fields = fields_of(TOP_LIST) | {"later": 1}
    fields["domains"][0]["later"] = {}
    assert decode_top_list(compressed_json(fields)) == TOP_LIST


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"schema": "geophone.top-domains/2"}, "newer_schema"),
        ({"schema": "geophone.alert/1"}, "schema"),
        ({"partition": -1}, "ill_typed_field"),
        ({"position": "0"}, "ill_typed_field"),
        ({"as_of": "now"}, "ill_typed_field"),
        ({"windows": [600, 14_400]}, "ill_typed_field"),
        ({"windows": None}, "ill_typed_field"),
        ({"domains": {}}, "ill_typed_field"),
        ({"domains": [{}]}, "missing_field"),
        ({"domains": [{"windows": [{}]}]}, "missing_field"),
    ],
)
def test_what_is_garbled_is_refused(changes: dict[str, Any], reason: str) -> None:
    assert reason_of(compressed_json(fields_of(TOP_LIST) | changes)) == reason


def test_a_window_or_a_domain_that_comes_twice_is_refused() -> None:
    fields = fields_of(TOP_LIST)
    twice = [fields["domains"][0], *fields["domains"]]
    assert reason_of(compressed_json(fields | {"domains": twice})) == "ill_typed_field"
    fields["domains"][0]["windows"] *= 2
    assert reason_of(compressed_json(fields)) == "ill_typed_field"


def test_the_frame_is_looked_at_before_it_is_read() -> None:
    good = encode_top_list(TOP_LIST)
    bomb = zstandard.ZstdCompressor().compress(bytes(MOST_RAW_BYTES + 1))
    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(b"{}")
    assert len(bomb) < 2_000
    assert reason_of(bomb) == "too_large"
    for data in (b"", b"{}", unsized, good[:-1], good + b"\0", b"\x50\x2a\x4d\x18\0\0\0\0"):
        assert reason_of(data) == "zstd_frame"
    assert reason_of(zstandard.compress(b"[]")) == "json"


@pytest.mark.parametrize("name", [*HOSTILE_DOMAINS, *FORGED_TEXTS])
def test_a_hostile_name_comes_back_or_is_refused(name: str) -> None:
    domain = TOP_LIST.domains[0]
    renamed = replace(domain, summary=replace(domain.summary, registered_domain=name))
    top = replace(TOP_LIST, domains=(renamed,))
    data = encode_top_list(top)
    if name.isprintable() and len(name) <= 1_024:
        assert decode_top_list(data) == top
    else:
        assert reason_of(data) == "ill_typed_field"
