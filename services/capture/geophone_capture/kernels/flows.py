"""Where the innermost packet of a frame lies, and between which ends: what the kernels agree on."""

from typing import NamedTuple

import numpy as np

from geophone_shared.jit import Array

FLOW = np.dtype(
    [
        ("source_high", "u8"),
        ("source_low", "u8"),
        ("destination_high", "u8"),
        ("destination_low", "u8"),
        ("source_port", "i8"),
        ("destination_port", "i8"),
        ("protocol", "i8"),
        ("start", "i8"),
        ("end", "i8"),
        ("wire_bytes", "i8"),
        ("sequence", "i8"),
        ("acknowledgement", "i8"),
        ("tcp_flags", "i8"),
        ("ip_version", "i8"),
        ("identification", "i8"),
        ("offset_bytes", "i8"),
        ("has_more", "i8"),
    ]
)
"""A datagram, a TCP segment or an IP fragment: its innermost endpoints, and its payload
`buffer[start:end]` of `wire_bytes` before any cut.

`protocol` is 17 for a datagram (ports are set), 6 for a segment (ports, sequence, acknowledgement,
flags).
Of a fragment (RFC 791 §3.2, RFC 8200 §4.5) it is that of the whole, and the last four fields are
set; ports aren't.
"""

UDP = 17
TCP = 6
FIN, SYN, RST = 1, 2, 4


class Sought(NamedTuple):
    """What is looked for in frames.

    Attributes:
        is_dns_port: bool[65536].
        resolvers: uint64[n, 2]: addresses of resolvers that are known to answer over HTTPS, in
            rising order; a row is the address' high and low half (IPv4 as `::ffff:a.b.c.d`).
        encapsulations: bit set of `Encapsulation`: those that are looked into.
    """

    is_dns_port: Array
    resolvers: Array
    encapsulations: int
