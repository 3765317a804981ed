"""Link types (LINKTYPE_ numbers, https://www.tcpdump.org/linktypes.html) that Geophone reads."""

from geophone_shared.errors import ConfigError

READ = {
    0: "null",
    1: "Ethernet",
    12: "raw IP",
    14: "raw IP",
    101: "raw IP",
    108: "loop",
    113: "Linux cooked v1",
    228: "raw IPv4",
    229: "raw IPv6",
    276: "Linux cooked v2",
}
"""Link type → name; the kernel that locates datagrams reads these."""

UNKNOWN = -1
"""The link type of a packet that Geophone can't read: it is delivered, and counted as such."""

_NOT_READ = {
    6: "Token Ring",
    9: "PPP",
    50: "PPP in HDLC framing",
    51: "PPPoE",
    105: "IEEE 802.11",
    119: "Prism with IEEE 802.11",
    127: "radiotap with IEEE 802.11",
    147: "a private use",
    187: "Bluetooth HCI",
    189: "USB on Linux",
    195: "IEEE 802.15.4",
    201: "Bluetooth HCI",
    220: "USB on Linux",
    227: "SocketCAN",
    230: "IEEE 802.15.4 without FCS",
    239: "nflog",
    249: "USB on Windows",
}


def require_read(link: int, file: str) -> None:
    """Refuse a capture file of which no packet could be read.

    Raises:
        ConfigError: Geophone does not read link type `link`.
    """
    if link in READ:
        return
    name = f"{_NOT_READ[link]} ({link})" if link in _NOT_READ else str(link)
    read = ", ".join(f"{name} {number}" for number, name in sorted(READ.items()))
    raise ConfigError(
        f"{file} was captured with link type {name}, which Geophone does not read; "
        f"capture on an interface with one of these: {read}"
    )


def known(link: int) -> int:
    """`link` where Geophone reads it, else `UNKNOWN`."""
    return link if link in READ else UNKNOWN
