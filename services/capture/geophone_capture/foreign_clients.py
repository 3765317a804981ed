"""Who sends what isn't DNS over ports of DNS, the largest first [core]."""

import ipaddress
from typing import NamedTuple

from geophone_capture.kernels.foreign import Foreign


class ForeignClient(NamedTuple):
    """A client and the packets of both directions that are no DNS messages.

    Attributes:
        address: of the client.
        packets: how many for sure.
        bytes: in them: UDP payload or bytes of a TCP stream.
        missed_bytes: at most so many more, while others had its place in the table.
    """

    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    packets: int
    bytes: int
    missed_bytes: int


def foreign_clients(foreign: Foreign) -> list[ForeignClient]:
    """What the table knows."""
    known = foreign.clients[foreign.clients["packets"] > 0]
    found = []
    for high, low, packets, octets, missed_bytes in known.tolist():
        address = ipaddress.IPv6Address(high << 64 | low)
        found.append(ForeignClient(address.ipv4_mapped or address, packets, octets, missed_bytes))
    return sorted(found, key=lambda client: (-client.bytes, client.address.packed))
