"""Sends DNS traffic as fast as one core can, or as fast as asked; prints the seconds it took.

    python tests/bench/sender.py PACKETS RATE

The kernel takes one large datagram and cuts it into many small ones late (UDP GSO, Linux 4.18;
Documentation/networking/segmentation-offloads.rst): a system call for 64 packets, and one walk
through the stack. Before the interface gives it away it has to be cut, so that every reader sees
packets of their own: `ethtool -K IF tx-udp-segmentation off`. It imports little, to start fast.
"""

import socket
import struct
import sys
import time

CLIENT, SERVER = "10.0.2.101", "10.0.2.102"
"""Addresses of nobody, for which the machine needs a route and neighbours."""

AT_ONCE = 64
_FLOWS = 64
_FIRST_PORT = 40_000
_UDP_SEGMENT = 103
_IP_TRANSPARENT = 19


def query(number: int) -> bytes:
    """A DNS query; all have the same length."""
    return _message(number, 0x0100, answers=0)


def response(number: int) -> bytes:
    """The response to a query, with an address."""
    answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\1"
    return _message(number, 0x8180, answers=1) + answer


def send(packets: int, rate: int) -> float:
    """Send queries of some flows, and their responses after them; the seconds that it took.

    Args:
        packets: how many, a multiple of `AT_ONCE`.
        rate: packets a second at most; 0 for as fast as it goes.
    """
    turns = []
    for flow in range(_FLOWS):
        client, server = (CLIENT, _FIRST_PORT + flow), (SERVER, 53)
        numbers = range(flow * AT_ONCE, (flow + 1) * AT_ONCE)
        turns.append((_socket(client, server, len(query(0))), b"".join(map(query, numbers))))
        turns.append((_socket(server, client, len(response(0))), b"".join(map(response, numbers))))
    began = time.perf_counter()
    for sent in range(0, packets, AT_ONCE):
        sending, messages = turns[sent // AT_ONCE % len(turns)]
        while rate and time.perf_counter() - began < sent / rate:
            pass
        sending.send(messages)
    return time.perf_counter() - began


def _socket(
    source: tuple[str, int], destination: tuple[str, int], message_bytes: int
) -> socket.socket:
    """One that cuts what it is given into messages of one length."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.IPPROTO_IP, _IP_TRANSPARENT, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(source)
    made.connect(destination)
    made.setsockopt(socket.IPPROTO_UDP, _UDP_SEGMENT, message_bytes)
    return made


def _message(number: int, flags: int, *, answers: int) -> bytes:
    name = b"\x08%08x\x07example\x03com\0" % number
    return struct.pack("!6H", number & 0xFFFF, flags, 1, answers, 0, 0) + name + b"\0\1\0\1"


if __name__ == "__main__":
    sys.stdout.write(f"{send(int(sys.argv[1]), int(sys.argv[2]))}\n")
