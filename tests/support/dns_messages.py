"""DNS messages for tests, built from RFC 1035 §4.1: right ones, and wrong ones on purpose."""

import struct
from collections.abc import Sequence

from hypothesis import strategies as st

QUERY, RESPONSE = 0x0100, 0x8180
"""Second word of a header: recursion desired; and available, in a response."""

A, TXT, OPT = 1, 16, 41
ROOT = b"\0"
TO_QUESTION = b"\xc0\x0c"
"""A compression pointer to the first question's name."""


def name(*labels: bytes) -> bytes:
    """A whole name in wire form, root label included."""
    return b"".join(bytes([len(label)]) + label for label in labels) + ROOT


def name_of(wire_bytes: int, *, filler: bytes = b"a") -> bytes:
    """A name of that many bytes on the wire, root label included; 1 or more than 2."""
    labels = []
    left = wire_bytes - 1
    while left:
        # A label takes at least two bytes: never leave a single one over.
        size = min(left, 64 if left != 65 else 63)
        labels.append(filler * (size - 1))
        left -= size
    return name(*labels)


def pointer(offset: int) -> bytes:
    """A compression pointer to an offset from the start of the message (RFC 1035 §4.1.4)."""
    return struct.pack("!H", 0xC000 | offset)


def question(owner: bytes, query_type: int = A, query_class: int = 1) -> bytes:
    """An entry of the question section."""
    return owner + struct.pack("!HH", query_type, query_class)


def record(
    owner: bytes,
    record_type: int = A,
    rdata: bytes = b"\x7f\0\0\1",
    *,
    record_class: int = 1,
    rdata_bytes: int | None = None,
) -> bytes:
    """A resource record; `rdata_bytes` in place of the right length."""
    rdata_bytes = len(rdata) if rdata_bytes is None else rdata_bytes
    return owner + struct.pack("!HHIH", record_type, record_class, 0, rdata_bytes) + rdata


OPT_RECORD = record(ROOT, OPT, b"", record_class=4096)
"""EDNS with room for 4,096 bytes (RFC 6891 §6.1)."""


def message(
    questions: Sequence[bytes] = (question(name(b"www", b"example", b"com")),),
    answers: Sequence[bytes] = (),
    authorities: Sequence[bytes] = (),
    additionals: Sequence[bytes] = (),
    *,
    dns_id: int = 1,
    flags: int = QUERY,
    counts: tuple[int, int, int, int] | None = None,
    trailing: bytes = b"",
) -> bytes:
    """A message; `counts` in place of the true ones."""
    sections = (questions, answers, authorities, additionals)
    true_counts = tuple(len(section) for section in sections)
    header = struct.pack("!6H", dns_id, flags, *(true_counts if counts is None else counts))
    return header + b"".join(entry for section in sections for entry in section) + trailing


labels = st.binary(min_size=1, max_size=12) | st.binary(min_size=63, max_size=63)

names = (
    st.lists(labels, max_size=4).map(lambda found: name(*found))
    | st.sampled_from(range(245, 260)).map(name_of)
    | st.just(ROOT)
)
"""Whole names, some of them too long."""


@st.composite
def odd_names(draw: st.DrawFn) -> bytes:
    """What may stand where a name should: labels, then a pointer, a reserved type, or nothing."""
    start = draw(names)[:-1]
    end = draw(
        st.integers(0, 40).map(pointer)
        | st.integers(0, 0x3FFF).map(pointer)
        | st.integers(64, 191).map(lambda head: bytes([head]))
        | st.just(b"")
    )
    return start + end


_owners = st.sampled_from([ROOT, TO_QUESTION]) | names | odd_names()
_opaque_types = st.sampled_from([10, 99, 65_280]) | st.integers(256, 65_535)
_records = (
    st.builds(record, _owners, _opaque_types, st.binary(max_size=20))
    | st.builds(record, _owners, st.just(A), st.just(b"\1\2\3\4"))
    | st.builds(record, _owners, st.just(TXT), st.just(b"\3abc"))
    | st.builds(
        record,
        _owners,
        st.sampled_from([A, TXT, 10]),
        st.binary(max_size=9),
        rdata_bytes=st.none() | st.integers(0, 30) | st.just(65_535),
    )
)
_opts = st.sampled_from(
    [
        OPT_RECORD,
        record(ROOT, OPT, b"\0\x0a\0\x08" + bytes(8)),
        record(name(b"a"), OPT, b""),
        record(ROOT, OPT, b"\0\x0a\0\xff"),
    ]
)
_counts = st.tuples(*[st.integers(0, 3) | st.just(65_535)] * 4)


@st.composite
def structured_messages(draw: st.DrawFn) -> bytes:
    """Messages with every part in its place, and each part as odd as it may come."""
    few = st.integers(0, 2)
    types = st.integers(0, 65_535)
    questions = [draw(st.builds(question, names | odd_names(), types, types))]
    questions += [question(draw(_owners)) for _ in range(draw(few) // 2)]
    answers = [draw(_records) for _ in range(draw(few))]
    authorities = [draw(_records) for _ in range(draw(few) // 2)]
    additionals = draw(st.lists(_records | _opts, max_size=2))
    return message(
        questions,
        answers,
        authorities,
        additionals,
        dns_id=draw(types),
        flags=draw(st.sampled_from([QUERY, RESPONSE]) | types),
        counts=draw(st.none() | st.none() | _counts),
        trailing=draw(st.just(b"") | st.binary(max_size=3)),
    )


@st.composite
def mutated(draw: st.DrawFn, messages: st.SearchStrategy[bytes]) -> bytes:
    """A message with a few bytes changed, taken out or put in, and perhaps cut short."""
    wire = bytearray(draw(messages))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(wire)))
        byte = draw(st.sampled_from([0, 1, 0x3F, 0x40, 0x80, 0xC0, 0xFF]) | st.integers(0, 255))
        wire[at : at + draw(st.integers(0, 1))] = bytes([byte]) * draw(st.integers(0, 1))
    return bytes(wire[: draw(st.just(len(wire)) | st.integers(0, len(wire)))])
