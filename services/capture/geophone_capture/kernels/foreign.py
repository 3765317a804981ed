"""Kernel: who sends what isn't DNS over ports of DNS, the largest senders (docs/adr/0015).

Space-Saving (Metwally, Agrawal, El Abbadi 2005): where no place is free, a new client takes that of
the one with the fewest bytes, and may have sent as many before. So whoever sent more than a
1,024th of all such bytes is in the table, however many senders there are.
"""

from typing import NamedTuple

import numpy as np

from geophone_shared.jit import Array, int64, kernel

MOST_CLIENTS = 1_024

FOREIGN = np.dtype(
    [
        ("client_high", "u8"),
        ("client_low", "u8"),
        ("packets", "i8"),
        ("bytes", "i8"),
        ("missed_bytes", "i8"),
    ]
)
"""A client; `packets` and `bytes` since it has its place, and at most `missed_bytes` before."""


FOREIGN_TOTALS = np.dtype([("packets", "i8"), ("bytes", "i8"), ("forgotten", "i8")])
"""Of all clients; and how often one gave its place to another."""


class Foreign(NamedTuple):
    """The table.

    Attributes:
        clients: `FOREIGN` array; free places, with 0 packets, are at its end.
        totals: one `FOREIGN_TOTALS`.
    """

    clients: Array
    totals: Array


@kernel
def count_foreign(foreign: Foreign, high: np.uint64, low: np.uint64, octets: int) -> None:
    """Count a packet with so many bytes that aren't DNS, of the client with this address."""
    clients, totals = foreign.clients, foreign.totals
    totals[0]["packets"] += 1
    totals[0]["bytes"] += octets
    smallest, fewest = int64(0), int64(0x7FFFFFFFFFFFFFFF)
    for place in range(clients.size):
        if clients[place]["packets"] == 0:
            clients[place]["client_high"] = high
            clients[place]["client_low"] = low
            clients[place]["packets"] = 1
            clients[place]["bytes"] = octets
            return
        if clients[place]["client_low"] == low and clients[place]["client_high"] == high:
            clients[place]["packets"] += 1
            clients[place]["bytes"] += octets
            return
        most = int64(clients[place]["bytes"]) + int64(clients[place]["missed_bytes"])
        if most < fewest:
            smallest, fewest = int64(place), most
    clients[smallest]["client_high"] = high
    clients[smallest]["client_low"] = low
    clients[smallest]["packets"] = 1
    clients[smallest]["bytes"] = octets
    clients[smallest]["missed_bytes"] = fewest
    totals[0]["forgotten"] += 1
