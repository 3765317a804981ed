"""What became of each packet: a DNS message, DNS that could not be used, or not DNS at all.

Every packet is counted under exactly one reason, so the counts add up to the packets read.
"""

from enum import IntEnum


class Reason(IntEnum):
    """Index into the counters that the kernels keep."""

    QUERY = 0
    RESPONSE = 1
    # Not DNS.
    ARP = 2
    ICMP = 3
    OTHER_PORT = 4
    OTHER_PROTOCOL = 5
    OTHER_ETHERTYPE = 6
    # DNS that could not be used, or packets in which it may hide.
    TCP = 7
    IP_FRAGMENT = 8
    ENCAPSULATED = 9
    UNKNOWN_LINK_TYPE = 10
    CUT_BY_SNAPLEN = 11
    BAD_LINK_HEADER = 12
    BAD_IP_HEADER = 13
    BAD_UDP_LENGTH = 14
    SHORT_MESSAGE = 15
    NO_QUESTION = 16
    TRUNCATED_MESSAGE = 17
    BAD_POINTER = 18
    BAD_LABEL_TYPE = 19
    NAME_TOO_LONG = 20


NOT_DNS = (
    Reason.ARP,
    Reason.ICMP,
    Reason.OTHER_PORT,
    Reason.OTHER_PROTOCOL,
    Reason.OTHER_ETHERTYPE,
)
NOT_DECODED = tuple(reason for reason in Reason if reason > max(NOT_DNS))
