"""A query with what became of it: the form that every output of the generator starts from."""

import numpy as np

from geophone_shared.jit import Array

EXCHANGE = np.dtype(
    [
        ("time_us", "i8"),
        ("completed_us", "i8"),
        ("host", "i8"),
        ("case_bits", "u8"),
        ("client", "u4"),
        ("domain", "i4"),
        ("template", "i4"),
        ("duration_us", "i4"),
        ("answer_bytes", "i4"),
        ("query_type", "u2"),
        ("client_port", "u2"),
        ("dns_id", "u2"),
        ("rcode", "u1"),
        ("outcome", "u1"),
        ("has_edns", "u1"),
        ("is_reused", "u1"),
    ],
    align=True,
)
"""One exchange. Its name follows from `template`, `host` and `domain` (`names.NameTables`), with
letters in upper case where `case_bits` say so. `completed_us` of an answered one is the time of its
response, of one whose id `is_reused` the time of the query that did so, else 10 s after the query.
`answer_bytes` is the length of the answer's RDATA, 0 without an answer."""

WAIT_US = 10_000_000
"""How long a query waits for its response."""


def join(chunks: list[Array]) -> Array:
    """One array of several, also of none."""
    return np.concatenate(chunks) if chunks else np.zeros(0, EXCHANGE)
