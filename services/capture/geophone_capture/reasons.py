"""What became of each packet: a DNS message, a piece of one, DNS that can't be used, or no DNS.

Every packet is counted under exactly one reason, so the counts add up to the packets read.
"""

from enum import IntEnum


class Reason(IntEnum):
    """Index into the counters that the kernels keep."""

    QUERY = 0
    RESPONSE = 1
    # Pieces, which are put together. The last fragment counts as what the whole turns out to be.
    TCP_SEGMENT = 2
    IP_FRAGMENT = 3
    # Not DNS.
    ARP = 4
    ICMP = 5
    OTHER_PORT = 6
    OTHER_PROTOCOL = 7
    OTHER_ETHERTYPE = 8
    MULTICAST_DNS = 9
    LLMNR = 10
    NETBIOS = 11
    # DNS that nobody but its ends can read.
    DNS_OVER_TLS = 12
    DNS_OVER_HTTPS = 13
    # DNS that could not be used, or packets in which it may hide.
    ENCAPSULATED = 14
    UNKNOWN_LINK_TYPE = 15
    CUT_BY_SNAPLEN = 16
    BAD_LINK_HEADER = 17
    BAD_IP_HEADER = 18
    BAD_UDP_LENGTH = 19
    BAD_TCP_HEADER = 20
    SHORT_MESSAGE = 21
    NO_QUESTION = 22
    TRUNCATED_MESSAGE = 23
    BAD_POINTER = 24
    BAD_LABEL_TYPE = 25
    NAME_TOO_LONG = 26


PIECES = (Reason.TCP_SEGMENT, Reason.IP_FRAGMENT)
NOT_DNS = (
    Reason.ARP,
    Reason.ICMP,
    Reason.OTHER_PORT,
    Reason.OTHER_PROTOCOL,
    Reason.OTHER_ETHERTYPE,
    Reason.MULTICAST_DNS,
    Reason.LLMNR,
    Reason.NETBIOS,
)
NOT_VISIBLE = (Reason.DNS_OVER_TLS, Reason.DNS_OVER_HTTPS)
NOT_DECODED = tuple(reason for reason in Reason if reason > max(NOT_VISIBLE))
