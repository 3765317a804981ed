"""How an interface is captured [core]."""

from dataclasses import dataclass

from geophone_capture.encapsulations import NONE, Encapsulation
from geophone_capture.live.bpf import Program

DEFAULT_RING_BYTES = 64 << 20
LEAST_RING_BYTES = 256 << 10
MOST_RING_BYTES = 4 << 30
MOST_FANOUT_GROUP = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions:
    """What is asked for.

    Attributes:
        ports: of DNS, UDP and TCP.
        ring_bytes: memory of the ring of each interface; the next smaller multiple of its
            blocks is taken.
        promiscuous: whether frames for other stations are wanted as well.
        fanout_group: number of the group that shares the interfaces' packets, each flow in one of
            its members; None where this one takes all. The second interface has the number
            behind it, and so on: a group has the same interfaces in the same order.
        encapsulations: to let through, besides VLAN tags.
        resolvers: addresses (4 or 16 octets) of public resolvers; the beginnings of flows on
            port 443 from and to these are let through, to be counted as not visible.
        raw_filter: program in place of the one that is made of the other options.
    """

    ports: tuple[int, ...] = (53,)
    ring_bytes: int = DEFAULT_RING_BYTES
    promiscuous: bool = False
    fanout_group: int | None = None
    encapsulations: Encapsulation = NONE
    resolvers: tuple[bytes, ...] = ()
    raw_filter: Program | None = None
