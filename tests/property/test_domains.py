"""The walk over suffixes against plain set look-ups, on names that are close to the rules."""

import functools

import numpy as np
import pytest
import tldextract
from hypothesis import given
from hypothesis import strategies as st

from geophone_shared.kernels.domains import longest_suffix_match, registered_domain_offset
from geophone_shared.names import is_valid_wire, labels, wire_name
from geophone_shared.suffixes import SuffixTable, compile_suffix_set, load_suffixes
from tests.support import rows
from tests.support.rows import borders, wire_names

pytestmark = pytest.mark.kernels


@functools.cache
def table() -> SuffixTable:
    return load_suffixes()


@functools.cache
def rules() -> dict[tuple[bytes, ...], str]:
    """The rules by their labels; the value is "", "*" or "!"."""
    extract = tldextract.TLDExtract(
        cache_dir=None, suffix_list_urls=(), include_psl_private_domains=True
    )
    kinds = {}
    for rule in extract.tlds:
        kind = rule[0] if rule[0] in "*!" else ""
        suffix = tuple(labels(wire_name(rule.removeprefix("*.").removeprefix("!"))))
        kinds[(b"*", *suffix) if kind == "*" else suffix] = kind
    return kinds


@functools.cache
def passed_through() -> set[tuple[bytes, ...]]:
    """Every suffix that a rule names or passes through, without the wildcards."""
    return {
        suffix[start:]
        for suffix in rules()
        for start in range(suffix[0] == b"*", len(suffix))
        if rules().get(suffix) != "!" or start > 0
    }


def public_suffix_labels(name: list[bytes]) -> int:
    """How many labels the public suffix of a lower-case name has; 0 without a rule for it.

    Each suffix of the name is looked up by itself (https://publicsuffix.org/list/, "Algorithm"),
    but a wildcard doesn't stand for a label that has rules below it, as in tldextract.
    """
    found = 0
    for count in range(1, len(name) + 1):
        suffix = tuple(name[-count:])
        if rules().get(suffix) == "!":
            return count - 1
        if rules().get(suffix) == "":
            found = count
        if rules().get((b"*", *suffix[1:])) == "*" and suffix not in passed_through():
            found = count
    return found


def key_by_rules(wire: bytes) -> bytes:
    """The key of a name, as the design says."""
    name = labels(wire)
    if len(name) <= 1:
        return wire
    count = public_suffix_labels(labels(wire.lower()))
    if count == 0 and name[-1].isdigit():
        return wire
    return rows.wire_name(*name[-(max(count, 1) + 1) :])


def offset_of(wire: bytes) -> int:
    buffer = np.frombuffer(bytearray(wire), np.uint8)
    return registered_domain_offset(buffer, 0, len(wire), table().slots, table().labels)


@st.composite
def names_near_rules(draw: st.DrawFn) -> bytes:
    """A rule's labels, some of them gone or changed, with more before them, in mixed case."""
    suffix = list(draw(st.sampled_from(sorted(rules()))))
    if draw(st.booleans()):
        del suffix[draw(st.integers(0, len(suffix) - 1))]
    if draw(st.booleans()) and suffix:
        at = draw(st.integers(0, len(suffix) - 1))
        suffix[at] = draw(st.sampled_from([b"x", b"com", b"7", b"www", suffix[at] + b"x"]))[:63]
    before = draw(st.lists(st.binary(min_size=1, max_size=12), max_size=3))
    name = rows.wire_name(*before, *suffix)
    return name.upper() if draw(st.booleans()) else name


@given(names_near_rules())
def test_names_near_rules_have_the_key_that_set_look_ups_give(wire: bytes) -> None:
    assert wire[offset_of(wire) :] == key_by_rules(wire)


@given(wire_names())
def test_random_names_have_the_key_that_set_look_ups_give(wire: bytes) -> None:
    assert wire[offset_of(wire) :] == key_by_rules(wire)


@given(names_near_rules() | wire_names())
def test_a_key_starts_on_a_label_border(wire: bytes) -> None:
    assert offset_of(wire) in borders(wire)
    assert not wire or offset_of(wire) < len(wire)


@given(st.binary(max_size=255))
def test_any_bytes_have_an_offset_inside_of_them(data: bytes) -> None:
    if is_valid_wire(data):
        assert offset_of(data) in borders(data)
    else:
        assert offset_of(data) == 0


_FEW_LABELS = st.sampled_from(
    [b"a", b"b", b"seven-7", b"eight--8", b"a-label-of-17-byte", b"a" * 63]
)
_FEW_NAMES = st.lists(_FEW_LABELS, min_size=1, max_size=3).map(lambda name: rows.wire_name(*name))


@given(st.sets(_FEW_NAMES, max_size=12), st.lists(_FEW_NAMES, min_size=1, max_size=8))
def test_a_set_matches_the_longest_of_its_suffixes(entries: set[bytes], names: list[bytes]) -> None:
    compiled = compile_suffix_set(entries)
    for name in names:
        buffer = np.frombuffer(bytearray(name.upper()), np.uint8)
        found = longest_suffix_match(buffer, 0, len(name), compiled.slots, compiled.labels)
        matching = [start for start in borders(name)[:-1] if name[start:] in entries]
        assert found == min(matching, default=-1)
