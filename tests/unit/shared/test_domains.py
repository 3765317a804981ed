"""Registered domains: the tables of the design as literals, and every rule against tldextract."""

from collections.abc import Sequence

import numpy as np
import pytest
import tldextract

from geophone_shared.jit import is_interpreted
from geophone_shared.kernels.domains import (
    assign_domain_offsets,
    longest_suffix_match,
    registered_domain_offset,
)
from geophone_shared.names import presentation, wire_name
from geophone_shared.suffixes import SuffixTable, compile_suffix_set, load_suffixes
from geophone_shared.transactions import ROW
from tests.support import rows as wire
from tests.support.rows import transactions_from

pytestmark = pytest.mark.kernels

NOISE = b"\x03com\x07example\xff"
"""Lies around a name in its buffer."""


@pytest.fixture(scope="module")
def public() -> SuffixTable:
    """All rules of the list, the private ones too."""
    return load_suffixes()


@pytest.fixture(scope="module")
def registries() -> SuffixTable:
    """The rules of registries only."""
    return load_suffixes(include_private=False)


def domain_of(name: bytes, table: SuffixTable) -> bytes:
    """The registered domain of a wire-form name between other bytes, and of it alone."""
    among = np.frombuffer(bytearray(NOISE + name + NOISE), np.uint8)
    alone = np.frombuffer(bytearray(name), np.uint8)
    offset = registered_domain_offset(among, len(NOISE), len(name), table.slots, table.labels)
    assert offset == registered_domain_offset(alone, 0, len(name), table.slots, table.labels)
    return name[offset:]


def match_of(name: bytes, table: SuffixTable) -> bytes | None:
    """The longest suffix of a name that is in a set; None where none is."""
    buffer = np.frombuffer(bytearray(NOISE + name), np.uint8)
    offset = longest_suffix_match(buffer, len(NOISE), len(name), table.slots, table.labels)
    return None if offset < 0 else name[offset:]


def domains_of(names: Sequence[bytes], table: SuffixTable) -> list[bytes]:
    """The registered domains of many names, from one call."""
    transactions = transactions_from(np.zeros(len(names), ROW), names, gap=b"\xff")
    rows = transactions.rows
    rows["domain_offset"] = 255
    assign_domain_offsets(rows, transactions.names, table.slots, table.labels)
    return [
        name[offset:] for name, offset in zip(names, rows["domain_offset"].tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        # what DESIGN says is counted under which key
        ("a.b.example.co.uk", "example.co.uk"),
        ("x.pirate.sea", "pirate.sea"),
        ("co.uk", "co.uk"),
        ("wpad", "wpad"),
        (".", "."),
        ("4.3.2.1.in-addr.arpa", "1.in-addr.arpa"),
        ("192.168.1.1", "192.168.1.1"),
        # traps of the list
        ("d111.cloudfront.net", "d111.cloudfront.net"),
        ("x.d111.cloudfront.net", "d111.cloudfront.net"),
        ("a.x.akadns.net", "x.akadns.net"),
        ("a.foo.azureedge.net", "foo.azureedge.net"),
        ("s3.amazonaws.com", "s3.amazonaws.com"),
        ("ec2-1-2-3-4.compute-1.amazonaws.com", "ec2-1-2-3-4.compute-1.amazonaws.com"),
        ("x.evil.duckdns.org", "evil.duckdns.org"),
        ("y.x.workers.dev", "x.workers.dev"),
        ("b.a.8.0.0.2.ip6.arpa", "2.ip6.arpa"),
        ("www.TeSt.cO.zA", "TeSt.cO.zA"),
        ("localhost", "localhost"),
        ("a.b.cluster.local", "cluster.local"),
        # wildcards and exceptions
        ("ck", "ck"),
        ("foo.ck", "foo.ck"),
        ("a.b.foo.ck", "b.foo.ck"),
        ("www.ck", "www.ck"),
        ("a.www.ck", "www.ck"),
        ("A.B.C.KAWASAKI.JP", "B.C.KAWASAKI.JP"),
        ("a.city.kawasaki.jp", "city.kawasaki.jp"),
        # a rule of another script, and its parent
        ("a.b.公司.cn", "b.公司.cn"),
        ("a.b.XN--55QX5D.cn", "b.XN--55QX5D.cn"),
        # numbers
        ("a.1.com", "1.com"),
        ("x.10", "x.10"),
        ("x.1a", "x.1a"),
        ("y.x.1a", "x.1a"),
        ("1", "1"),
    ],
)
def test_what_is_counted_under_which_key(name: str, domain: str, public: SuffixTable) -> None:
    assert domain_of(wire_name(name), public) == wire_name(domain)


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("x.evil.duckdns.org", "duckdns.org"),
        ("y.x.workers.dev", "workers.dev"),
        ("s3.amazonaws.com", "amazonaws.com"),
        ("x.d111.cloudfront.net", "cloudfront.net"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("4.3.2.1.in-addr.arpa", "1.in-addr.arpa"),
        ("a.city.kawasaki.jp", "city.kawasaki.jp"),
    ],
)
def test_without_private_rules_tenants_share_the_key_of_their_host(
    name: str, domain: str, registries: SuffixTable
) -> None:
    assert domain_of(wire_name(name), registries) == wire_name(domain)


@pytest.mark.parametrize("labels", [1, 2, 3, 127])
def test_labels_may_hold_any_byte(labels: int, public: SuffixTable) -> None:
    odd = [bytes([byte]) for byte in (0, 46, 92, 255, 65, 97)]
    name = wire.wire_name(*(odd[i % len(odd)] for i in range(labels)))
    assert domain_of(name, public) == b"".join(
        wire.wire_name(label) for label in [odd[i % len(odd)] for i in range(labels)][-2:]
    )


def test_a_dot_inside_of_a_label_is_no_border(public: SuffixTable) -> None:
    name = wire.wire_name(b"a", b"b", b"example.co", b"uk")
    assert domain_of(name, public) == name[4:]  # `uk` is a rule, `example.co` the label before it


def test_names_of_the_greatest_length(public: SuffixTable) -> None:
    name = wire.wire_name(b"a" * 63, b"b" * 63, b"c" * 63, b"d" * 57, b"com")
    assert len(name) == 254
    assert domain_of(name, public) == name[-62:]


@pytest.mark.parametrize(
    "data",
    [
        b"\x00",
        b"\x03com\x00",
        b"\x04com",
        b"\x40" + b"a" * 64,
        b"\x01a\xc0\x0c",
        b"\x07example\x02c",
    ],
)
def test_bytes_that_are_no_name_are_taken_whole(data: bytes, public: SuffixTable) -> None:
    assert domain_of(data, public) == data
    assert match_of(data, compile_suffix_set([b"\x03com"])) is None


def wanted(name: str, extract: tldextract.TLDExtract) -> str:
    """The key by tldextract, and by the rules of the design where it has none."""
    found = extract(name)
    labels = name.split(".")
    if found.top_domain_under_public_suffix:
        return found.top_domain_under_public_suffix
    if found.suffix or len(labels) == 1 or labels[-1].isdigit():
        return name
    return ".".join(labels[-2:])


def names_around(rule: str) -> list[str]:
    """The suffix of a rule, what is above it and what is below it."""
    suffix = presentation(wire_name(rule.lstrip("*!").lstrip(".")))
    names = [suffix, f"x.{suffix}", f"y.x.{suffix}", f"www.y-y.x0.{suffix}"]
    return [*names, suffix.partition(".")[2] or suffix, f"Y.X.{suffix}".upper()]


@pytest.mark.parametrize("include_private", [True, False])
def test_every_rule_as_tldextract_has_it(include_private: bool) -> None:
    extract = tldextract.TLDExtract(
        cache_dir=None, suffix_list_urls=(), include_psl_private_domains=include_private
    )
    rules = sorted(extract.tlds)
    assert len(rules) > 6_000
    if is_interpreted():
        rules = [rule for rule in rules if rule[0] in "*!"] + rules[::10]
    names = [name for rule in rules for name in names_around(rule)]
    table = load_suffixes(include_private=include_private)
    found = domains_of([wire_name(name) for name in names], table)
    differences = [
        (name, presentation(domain), wanted(name, extract))
        for name, domain in zip(names, found, strict=True)
        if presentation(domain) != wanted(name, extract)
    ]
    assert differences == []


@pytest.fixture(scope="module")
def allowed() -> SuffixTable:
    return compile_suffix_set(
        wire_name(text)
        for text in (
            "mcafee.com",
            "avqs.mcafee.com",
            "in-addr.arpa",
            "local",
            "a.b.c.d.e.f.g.h.i.j",
        )
    )


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("x.avqs.mcafee.com", "avqs.mcafee.com"),
        ("AVQS.McAfee.COM", "AVQS.McAfee.COM"),
        ("www.mcafee.com", "mcafee.com"),
        ("mcafee.com", "mcafee.com"),
        ("notmcafee.com", None),
        ("mcafee.com.evil.example", None),
        ("com", None),
        ("4.3.2.1.in-addr.arpa", "in-addr.arpa"),
        ("arpa", None),
        ("local", "local"),
        ("a.cluster.local", "local"),
        ("x.a.b.c.d.e.f.g.h.i.j", "a.b.c.d.e.f.g.h.i.j"),
        ("x.b.c.d.e.f.g.h.i.j", None),
        (".", None),
    ],
)
def test_an_allow_list_matches_by_label_suffix(
    name: str, entry: str | None, allowed: SuffixTable
) -> None:
    assert match_of(wire_name(name), allowed) == (None if entry is None else wire_name(entry))


def test_an_empty_set_has_no_suffix() -> None:
    assert match_of(wire_name("example.com"), compile_suffix_set([])) is None


def test_labels_that_differ_in_one_byte_are_told_apart() -> None:
    """At each place, for labels that are their own key and for hashed ones."""
    for length in (1, 6, 7, 8, 9, 15, 16, 17, 31, 63):
        label = bytes(ord("a") + i % 26 for i in range(length))
        table = compile_suffix_set([wire.wire_name(label)])
        assert match_of(wire.wire_name(label.upper()), table) == wire.wire_name(label.upper())
        for place in range(length):
            other = label[:place] + b"-" + label[place + 1 :]
            assert match_of(wire.wire_name(other), table) is None
        assert match_of(wire.wire_name(label[:-1] or b"-"), table) is None


def test_labels_whose_hashes_collide_are_told_apart() -> None:
    """Two labels with one key, made so by turning a slot's key into the other label's."""
    one, other = wire_name("one-long-label"), wire_name("other-long-one")
    table, donor = compile_suffix_set([one]), compile_suffix_set([other])
    (home,) = np.flatnonzero(donor.slots["key"])
    slots = np.zeros_like(table.slots)
    slots[home] = table.slots[np.flatnonzero(table.slots["key"])[0]]
    slots[home]["key"] = donor.slots[home]["key"]
    assert match_of(other, SuffixTable(slots, donor.labels)) == other
    assert match_of(other, SuffixTable(slots, table.labels)) is None


def test_many_entries_that_look_alike() -> None:
    names = [wire_name(f"host-{i:05}-prod.example.com") for i in range(300)]
    table = compile_suffix_set(names)
    assert [match_of(b"\x01x" + name, table) for name in names] == names
    assert match_of(wire_name("host-00300-prod.example.com"), table) is None
