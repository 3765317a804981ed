"""Filter programs on the kernel's own machine, without a privilege: on a pair of UNIX sockets."""

import socket
from collections.abc import Iterable
from contextlib import closing

from geophone_capture.live.bpf import Program
from geophone_capture.live.packet_socket import attach_filter


def kernel_accepts(program: Program, packets: Iterable[bytes]) -> list[bool]:
    """Whether Linux lets each packet through.

    Raises:
        ConfigError: the kernel refuses the program.
    """
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    accepted = []
    with closing(sender), closing(receiver):
        attach_filter(receiver, program)
        receiver.settimeout(0)
        for packet in packets:
            sender.send(packet)
            try:
                accepted.append(receiver.recv(1 << 16) == packet)
            except BlockingIOError:
                accepted.append(False)
    return accepted
