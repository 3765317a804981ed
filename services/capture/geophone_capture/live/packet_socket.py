"""Packet sockets of Linux: packet(7), Documentation/networking/packet_mmap.rst [shell].

Everything here works without a capability, on a socket that somebody opened who had CAP_NET_RAW.
"""

import ctypes
import errno
import fcntl
import os
import socket
import struct
from dataclasses import dataclass

from geophone_capture.live.bpf import Program, encode
from geophone_shared.errors import ConfigError

ETH_P_ALL = 0x0003
_SOL_PACKET = 263
_PACKET_ADD_MEMBERSHIP = 1
_PACKET_RX_RING = 5
_PACKET_STATISTICS = 6
_PACKET_VERSION = 10
_PACKET_FANOUT = 18
_PACKET_IGNORE_OUTGOING = 23
_PACKET_MR_PROMISC = 1
_TPACKET_V3 = 2
_FANOUT_HASH = 0  # of the flow, the same in both directions
_FANOUT_FLAG_DEFRAG = 0x8000  # before the hash, so that fragments go where the rest goes
_SO_ATTACH_FILTER = 26

_SIOCGIFFLAGS = 0x8913
_SIOCGIFHWADDR = 0x8927
_SIOCGIFINDEX = 0x8933
_IFREQ = struct.Struct("=16s24s")  # struct ifreq: a name, and a union
_MOST_NAME_BYTES = 15  # IFNAMSIZ, less the zero behind it
_IFF_UP = 1
_IFF_RUNNING = 1 << 6

_STATISTICS = struct.Struct("=III")  # struct tpacket_stats_v3
_FRAME_BYTES = 2_048  # a formality: in a ring of version 3 packets have the size that they have

_LINK_OF_KIND = {
    1: 1,  # ARPHRD_ETHER
    772: 1,  # ARPHRD_LOOPBACK: looks like Ethernet
    512: 101,  # ARPHRD_PPP: the kernel takes the header off
    519: 101,  # ARPHRD_RAWIP
    768: 101,  # ARPHRD_TUNNEL: IP in IP
    769: 101,  # ARPHRD_TUNNEL6
    776: 101,  # ARPHRD_SIT
    65_534: 101,  # ARPHRD_NONE: tun, WireGuard
}
_LOOPBACK_KIND = 772

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface, as it is now.

    Attributes:
        name: such as `eth0`.
        index: the kernel's number of it; another one when it was removed and made anew.
        kind: ARPHRD_ number.
        is_up: whether it is up, and has a carrier.
    """

    name: str
    index: int
    kind: int
    is_up: bool

    @property
    def link(self) -> int | None:
        """LINKTYPE_ number of what it captures; None where Geophone can't capture on it."""
        return link_of_kind(self.kind)


@dataclass(frozen=True, slots=True)
class RingSize:
    """How a ring is divided.

    Attributes:
        block_bytes: a power of two, at least a page.
        blocks: how many.
        retire_milliseconds: a block with a packet is handed over after so long, full or not.
    """

    block_bytes: int
    blocks: int
    retire_milliseconds: int

    @property
    def total_bytes(self) -> int:
        """Of all blocks."""
        return self.block_bytes * self.blocks


def link_of_kind(kind: int) -> int | None:
    """LINKTYPE_ number of the packets of an ARPHRD_ kind; None where Geophone doesn't read it."""
    return _LINK_OF_KIND.get(kind)


def open_packet_socket() -> socket.socket:
    """A packet socket that gets nothing before it is bound.

    Raises:
        PermissionError: the process hasn't CAP_NET_RAW.
    """
    return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)


def find_interface(packet_socket: socket.socket, name: str) -> Interface | None:
    """The interface of that name in the socket's network namespace; None where there is none."""
    if not 0 < len(os.fsencode(name)) <= _MOST_NAME_BYTES:
        return None
    try:
        (index,) = struct.unpack_from("=i", _ask(packet_socket, _SIOCGIFINDEX, name))
        (kind,) = struct.unpack_from("=H", _ask(packet_socket, _SIOCGIFHWADDR, name))
        (flags,) = struct.unpack_from("=H", _ask(packet_socket, _SIOCGIFFLAGS, name))
    except OSError as error:
        if error.errno in {errno.ENODEV, errno.ENXIO}:
            return None
        raise
    is_up = flags & (_IFF_UP | _IFF_RUNNING) == _IFF_UP | _IFF_RUNNING
    return Interface(name, index, kind, is_up)


def attach_filter(packet_socket: socket.socket, program: Program) -> None:
    """Let through only what `program` does, in place of any program before.

    Raises:
        ConfigError: the kernel doesn't take the program.
    """
    instructions = ctypes.create_string_buffer(encode(program))
    sock_fprog = struct.pack("@HP", len(program), ctypes.addressof(instructions))
    try:
        packet_socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, sock_fprog)
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise ConfigError(
                "the kernel refuses the packet filter: a jump, or a code, isn't valid"
            ) from error
        if error.errno == errno.ENOMEM:
            raise ConfigError(
                f"the packet filter is too large for the kernel ({len(program):,} instructions): "
                "name fewer ports, or raise the sysctl net.core.optmem_max"
            ) from error
        raise


def make_ring(packet_socket: socket.socket, size: RingSize) -> None:
    """Have the kernel make a ring for received packets.

    Raises:
        ConfigError: there isn't as much memory.
    """
    frames = size.total_bytes // _FRAME_BYTES
    request = (size.block_bytes, size.blocks, _FRAME_BYTES, frames, size.retire_milliseconds, 0, 0)
    packet_socket.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V3)
    try:
        _set_slowly(packet_socket, _PACKET_RX_RING, struct.pack("=7I", *request))
    except OSError as error:
        if error.errno == errno.ENOMEM:
            raise ConfigError(
                f"the kernel has no memory for a ring of {size.total_bytes:,} bytes; "
                "ask for a smaller one"
            ) from error
        raise


def _set_slowly(packet_socket: socket.socket, option: int, value: bytes) -> None:
    """Set an option while other threads run: Python's own `setsockopt` keeps them from it.

    The kernel takes a tenth of a second for the memory of a ring.
    """
    number = packet_socket.fileno()
    if _libc.setsockopt(number, _SOL_PACKET, option, value, len(value)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def bind(packet_socket: socket.socket, interface: Interface, *, promiscuous: bool) -> None:
    """Get the packets of both directions from `interface` from now on.

    Raises:
        OSError: `ENODEV`: it is gone meanwhile.
    """
    if interface.kind == _LOOPBACK_KIND:  # each packet comes by twice there
        packet_socket.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    packet_socket.bind((interface.name, ETH_P_ALL))
    if promiscuous:
        membership = struct.pack("=iHH8s", interface.index, _PACKET_MR_PROMISC, 0, b"")
        packet_socket.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, membership)


def join_fanout(packet_socket: socket.socket, group: int) -> None:
    """Share the packets of the interface that the socket is bound to with the group's members.

    Args:
        packet_socket: bound.
        group: 0 to 65535.

    Raises:
        ConfigError: the group is in use for something else.
    """
    argument = group | (_FANOUT_HASH | _FANOUT_FLAG_DEFRAG) << 16
    try:
        packet_socket.setsockopt(_SOL_PACKET, _PACKET_FANOUT, struct.pack("=I", argument))
    except OSError as error:
        if error.errno in {errno.EINVAL, errno.EALREADY, errno.ENOSPC}:
            raise ConfigError(
                f"the fan-out group {group} can't be joined: its members capture on another "
                "interface, or in another way, or the interface is down; take another number, or "
                "bring the interface up"
            ) from error
        raise


def take_statistics(packet_socket: socket.socket) -> tuple[int, int, int]:
    """What the kernel counted since the last call: (received, dropped, freezes).

    Received are those that went into the ring. A freeze is a time without a free block.
    """
    answer = packet_socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, _STATISTICS.size)
    packets, dropped, freezes = _STATISTICS.unpack(answer)
    return packets - dropped, dropped, freezes


def take_error(packet_socket: socket.socket) -> int:
    """The error that waits on the socket, an errno; 0 where there is none."""
    return packet_socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def _ask(packet_socket: socket.socket, request: int, name: str) -> bytes:
    """The union of `struct ifreq` that an ioctl of netdevice(7) fills."""
    answer = fcntl.ioctl(packet_socket, request, _IFREQ.pack(os.fsencode(name), b""))
    return answer[16:]
