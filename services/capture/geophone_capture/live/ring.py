"""The ring of one interface, that the kernel fills and Geophone reads where it lies [shell]."""

import errno
import logging
import mmap
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from geophone_capture.kernels.ring_blocks import (
    BLOCK_STATUS_AT,
    PACKET_HEADER_BYTES,
    STATUS_USER,
    walk_ring_block,
)
from geophone_capture.live import packet_socket
from geophone_capture.live.bpf import REJECT_ALL
from geophone_capture.live.filters import program_for
from geophone_capture.live.options import LEAST_RING_BYTES, MOST_RING_BYTES, LiveOptions
from geophone_capture.live.packet_socket import Interface, RingSize
from geophone_capture.packets import PACKET, PacketBlock
from geophone_shared.errors import ConfigError, TransientError

_log = logging.getLogger(__name__)

RETIRE_MILLISECONDS = 60
_MOST_BLOCK_BYTES = 1 << 20
_MOST_BLOCK_BYTES_ALONE = 4 << 20
"""Of a ring that isn't merged with others, where that leaves `_MANY_BLOCKS`. To be woken for a
block costs 0.1 ms, which at 400,000 packets/s is a quarter of the time that packets take."""
_MANY_BLOCKS = 16
_LEAST_BLOCKS = 4
_KERNELS = 0  # TP_STATUS_KERNEL
_NOT_BOUND = -1


@dataclass(frozen=True, slots=True)
class RingStatistics:
    """What happened on one interface since the start.

    Attributes:
        received: packets that the filter let through and that found room in the ring.
        dropped: packets that the filter let through and that found none.
        freezes: times at which the ring was full.
        tagged: packets received whose VLAN tag the card or the kernel had taken off.
        lost: packets that a block claimed to have and couldn't have; 0 but for a bug.
        downs: times at which the interface went down or was removed.
        is_up: whether it is there and up.
    """

    received: int = 0
    dropped: int = 0
    freezes: int = 0
    tagged: int = 0
    lost: int = 0
    downs: int = 0
    is_up: bool = False


def ring_size(ring_bytes: int, *, is_alone: bool = False) -> RingSize:
    """Blocks of a power of two, at least four of them.

    Args:
        ring_bytes: of all blocks.
        is_alone: whether the ring isn't merged with others, which takes room for many blocks.

    Raises:
        ConfigError: it would be too small, or too large.
    """
    if not LEAST_RING_BYTES <= ring_bytes <= MOST_RING_BYTES:
        raise ConfigError(
            f"a ring of {ring_bytes:,} bytes can't be had: give {LEAST_RING_BYTES:,} to "
            f"{MOST_RING_BYTES:,}"
        )
    block_bytes = min(_MOST_BLOCK_BYTES, 1 << (ring_bytes // _LEAST_BLOCKS).bit_length() - 1)
    if is_alone and ring_bytes >= _MANY_BLOCKS * _MOST_BLOCK_BYTES_ALONE:
        block_bytes = _MOST_BLOCK_BYTES_ALONE
    return RingSize(block_bytes, ring_bytes // block_bytes, RETIRE_MILLISECONDS)


class Ring:
    """Captures on one interface; blocks of packets are taken one after the other.

    Args:
        name: of the interface.
        raw_socket: a packet socket of protocol 0; the ring closes it.
        options: what to capture, and how.
        place: of the interface among those that are captured.
        is_alone: whether it is the only one.

    Raises:
        ConfigError: there is no such interface, or it can't be captured as asked for.
    """

    def __init__(
        self,
        name: str,
        raw_socket: socket.socket,
        options: LiveOptions,
        *,
        place: int = 0,
        is_alone: bool = False,
    ) -> None:
        self.name = name
        self._socket = raw_socket
        self._options = options
        self._fanout_group = options.fanout_group
        if self._fanout_group is not None:
            self._fanout_group += place
        self._interface = Interface(name, _NOT_BOUND, 0, is_up=False)
        self._link = 0
        self._size = ring_size(options.ring_bytes, is_alone=is_alone)
        self._block = 0
        self._is_held = False
        self._lock = threading.Lock()  # statistics are asked for by any thread
        self._statistics = RingStatistics()
        self._is_closed = False
        # No packet gets in before the filter, and none that another member of a group gets, too.
        packet_socket.attach_filter(raw_socket, REJECT_ALL)
        packet_socket.make_ring(raw_socket, self._size)
        self._memory = mmap.mmap(raw_socket.fileno(), self._size.total_bytes)
        self._buffer = np.frombuffer(self._memory, np.uint8)
        self._words = np.frombuffer(self._memory, np.uint32)
        self.most_packets = self._size.block_bytes // PACKET_HEADER_BYTES
        self._packets = np.empty(self.most_packets, PACKET)
        self._start()

    @property
    def block_bytes(self) -> int:
        """Of one block of packets, at most."""
        return self._size.block_bytes

    def fileno(self) -> int:
        """The descriptor, which can be read from when a block is ready."""
        return self._socket.fileno()

    def next_block(self) -> PacketBlock | None:
        """The next packets, in place; None where there are none yet.

        What was taken before is given back to the kernel.
        """
        self.give_back()
        start = self._block * self._size.block_bytes
        while self.is_ready():
            count, tagged, lost = walk_ring_block(
                self._words, start, self._size.block_bytes, self._link, self._packets
            )
            self._is_held = True
            if tagged or lost:
                self._add(tagged=tagged, lost=lost)
            if count:
                return PacketBlock(self._buffer, self._packets[:count])
            self.give_back()
            start = self._block * self._size.block_bytes
        return None

    def is_ready(self) -> bool:
        """Whether the kernel has handed over the next block."""
        start = self._block * self._size.block_bytes
        return bool(self._words[(start + BLOCK_STATUS_AT) >> 2] & STATUS_USER)

    def give_back(self) -> None:
        """Let the kernel fill the block again that was taken; its packets are gone."""
        if self._is_held:
            start = self._block * self._size.block_bytes
            self._words[(start + BLOCK_STATUS_AT) >> 2] = _KERNELS
            self._block = (self._block + 1) % self._size.blocks
            self._is_held = False

    def look_after_interface(self) -> None:
        """See whether the interface went down or away, or is back; to be called now and then.

        Raises:
            ConfigError: it is back, as something that can't be captured.
            TransientError: it was removed while it was shared with a group.
        """
        error = packet_socket.take_error(self._socket)
        if error not in {0, errno.ENETDOWN}:
            raise OSError(error, f"{self.name}: the packet socket failed")
        found = packet_socket.find_interface(self._socket, self.name)
        if error or (found is None and self._interface.index != _NOT_BOUND):
            self._report_down()
        if found is None:
            self._interface = replace(self._interface, index=_NOT_BOUND)
            return
        if found.index != self._interface.index:
            self._report_down()
            if self._fanout_group is not None:
                raise TransientError(
                    f"the interface {self.name} was removed and made anew: a member of a fan-out "
                    "group can't follow it; start again"
                )
            # Gone again already? Then it is looked for again.
            with suppress(OSError):
                self._bind(found)
        elif not found.is_up:
            self._report_down()
        elif not self._statistics.is_up:
            _log.info("the interface is up", extra={"interface": self.name})
            self._set_up(is_up=True)

    def statistics(self) -> RingStatistics:
        """What happened since the start; any thread may ask."""
        with self._lock:
            self._take_statistics()
            return self._statistics

    def stop(self) -> None:
        """Let no packet in any more; those in the ring can still be taken, for a while."""
        packet_socket.attach_filter(self._socket, REJECT_ALL)

    def close(self) -> None:
        """Give everything back."""
        with self._lock:
            if self._is_closed:
                return
            self._take_statistics()
            self._is_closed = True
        del self._packets, self._words, self._buffer
        with suppress(BufferError):  # somebody still looks at a block; it goes when they do
            self._memory.close()
        self._socket.close()

    def _start(self) -> None:
        interface = packet_socket.find_interface(self._socket, self.name)
        if interface is None:
            raise ConfigError(
                f"there is no network interface {self.name!r}; "
                "`geophone capture devices` lists those that there are"
            )
        self._bind(interface)
        if not interface.is_up:
            _log.warning("the interface is down", extra={"interface": self.name})

    def _bind(self, interface: Interface) -> None:
        link = interface.link
        if link is None:
            raise ConfigError(
                f"the interface {self.name} has hardware type {interface.kind}, which Geophone "
                "can't capture on: name one of Ethernet or of plain IP"
            )
        packet_socket.attach_filter(self._socket, REJECT_ALL)
        packet_socket.bind(self._socket, interface, promiscuous=self._options.promiscuous)
        if self._fanout_group is not None:
            packet_socket.join_fanout(self._socket, self._fanout_group)
        # What came by till now is nobody's: not that of a flow which belongs to another member.
        packet_socket.attach_filter(self._socket, program_for(link, self._options))
        self._link = link
        self._interface = interface
        self._set_up(is_up=interface.is_up)

    def _report_down(self) -> None:
        if self._statistics.is_up:
            _log.warning("the interface went down", extra={"interface": self.name})
            with self._lock:
                downs = self._statistics.downs + 1
                self._statistics = replace(self._statistics, downs=downs, is_up=False)

    def _set_up(self, *, is_up: bool) -> None:
        with self._lock:
            self._statistics = replace(self._statistics, is_up=is_up)

    def _add(self, *, tagged: int, lost: int) -> None:
        with self._lock:
            old = self._statistics
            self._statistics = replace(old, tagged=old.tagged + tagged, lost=old.lost + lost)

    def _take_statistics(self) -> None:
        """Add what the kernel counted, which counts anew from there; with the lock held."""
        if self._is_closed:
            return
        received, dropped, freezes = packet_socket.take_statistics(self._socket)
        old = self._statistics
        self._statistics = replace(
            old,
            received=old.received + received,
            dropped=old.dropped + dropped,
            freezes=old.freezes + freezes,
        )
