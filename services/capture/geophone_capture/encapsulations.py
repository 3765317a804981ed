"""Which encapsulations can be looked into [core]."""

from enum import IntFlag


class Encapsulation(IntFlag):
    """Bits for the kernels. VLAN tags (802.1Q, QinQ) need none: they are always looked into."""

    MPLS = 1 << 0
    PPPOE = 1 << 1
    GRE = 1 << 2
    """With ERSPAN I to III, which mirror ports send inside of GRE."""
    VXLAN = 1 << 3
    GENEVE = 1 << 4
    IP_IN_IP = 1 << 5
    TEREDO = 1 << 6
    GTP_U = 1 << 7


ALL = Encapsulation(0xFF)
NONE = Encapsulation(0)
