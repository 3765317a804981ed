"""Live traffic as a stream of packet blocks [shell]."""

import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

from geophone_capture.live.lanes import Lanes
from geophone_capture.live.options import LiveOptions
from geophone_capture.live.ring import RETIRE_MILLISECONDS, Ring, RingStatistics
from geophone_capture.packets import PacketBlock

IDLE_SECONDS = 0.1
"""How long no packet comes before `Idle` says so."""

IN_THE_RING_US = 200_000
"""What it takes a packet at most, and amply, to come out of its ring: a block is handed over
`RETIRE_MILLISECONDS` after it got its first packet."""

_SHORT_IDLES = 3
"""Then whatever had to wait is handed on; what is left are queries without a response."""
_LOOK_AFTER_SECONDS = 0.5
"""Between looks at the interfaces, and between idle times when nothing goes on."""
_HELD_UP_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Idle:
    """No packet came for a while.

    Attributes:
        clock_us: to which the packet clock may move; packets that come later are later. Never
            decreases, unless the system clock is set back.
    """

    clock_us: int


def _system_clock_us() -> int:
    return time.time_ns() // 1_000


class LiveStream:
    """The packets of network interfaces; a context manager, to be iterated once.

    Args:
        sockets: the name of each interface and a packet socket of protocol 0 for it
            (`packet_socket.open_packet_socket`), which nobody else uses; they are closed at the
            end.
        options: what is captured, and how.
        now_us: the system clock, by which the kernel dates packets, µs since the epoch.
    """

    def __init__(
        self,
        sockets: Sequence[tuple[str, socket.socket]],
        options: LiveOptions,
        *,
        now_us: Callable[[], int] = _system_clock_us,
    ) -> None:
        self._sockets = tuple(sockets)
        self._options = options
        self._now_us = now_us
        self._rings: tuple[Ring, ...] = ()
        self._lanes: Lanes | None = None
        self._is_stopped = threading.Event()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._wake_lock = threading.Lock()
        self._is_closed = False
        self._looked_after = 0.0

    def __enter__(self) -> Self:
        """Begin to capture.

        Raises:
            ConfigError: an interface can't be captured as asked for.
        """
        with ExitStack() as on_error:
            on_error.callback(self._close)
            rings: list[Ring] = []
            for place, (name, raw_socket) in enumerate(self._sockets):
                is_alone = len(self._sockets) == 1
                ring = Ring(name, raw_socket, self._options, place=place, is_alone=is_alone)
                on_error.callback(ring.close)
                rings.append(ring)
            self._rings = tuple(rings)
            if len(rings) > 1:
                self._lanes = Lanes(rings, IN_THE_RING_US)
            on_error.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        for ring in self._rings:
            ring.close()
        self._close()

    def __iter__(self) -> Iterator[PacketBlock | Idle]:
        """Blocks of packets, each valid until the next one is asked for, and idle times.

        After `stop` it gives what has been captured until then, and ends.

        Raises:
            ConfigError: an interface was removed and made anew, as one that can't be captured.
            TransientError: one of a fan-out group was removed.
        """
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        for ring in self._rings:
            poll.register(ring, select.POLLIN)
        idles = 0
        while not self._is_stopped.is_set():
            self._look_after()
            now_us = self._now_us()
            for block in self._blocks(now_us):
                idles = 0
                yield block
                if self._is_stopped.is_set():  # also where they never end
                    break
            if self._is_stopped.is_set():
                break
            if self._lanes is not None and self._lanes.is_held_up:
                # Here time decides when it goes on: `poll` would return at once, again and again.
                self._is_stopped.wait(_HELD_UP_SECONDS)
                continue
            seconds = IDLE_SECONDS if idles < _SHORT_IDLES else _LOOK_AFTER_SECONDS
            events = poll.poll(seconds * 1e3)
            if any(event & select.POLLERR for _, event in events):
                self._looked_after = 0.0  # an interface went down
            if not events:
                idles += 1
                yield Idle(self._lanes.seen_us if self._lanes else now_us - IN_THE_RING_US)
        for ring in self._rings:
            ring.stop()
        yield from self._blocks(self._now_us())
        time.sleep(2 * RETIRE_MILLISECONDS / 1e3)
        yield from self._blocks(self._now_us(), is_end=True)

    def stop(self) -> None:
        """Have the iteration end soon; any thread may."""
        self._is_stopped.set()
        with self._wake_lock:
            if not self._is_closed:
                os.eventfd_write(self._wake, 1)

    def statistics(self) -> dict[str, RingStatistics]:
        """What happened on each interface since the start; any thread may ask, also at the end."""
        return {ring.name: ring.statistics() for ring in self._rings}

    def _blocks(self, now_us: int, *, is_end: bool = False) -> Iterator[PacketBlock]:
        if self._lanes is not None:
            yield from self._lanes.blocks(now_us, is_end=is_end)
            return
        for ring in self._rings:
            while (block := ring.next_block()) is not None:
                yield block

    def _look_after(self) -> None:
        now = time.monotonic()
        if now - self._looked_after >= _LOOK_AFTER_SECONDS:
            self._looked_after = now
            for ring in self._rings:
                ring.look_after_interface()

    def _close(self) -> None:
        with self._wake_lock:
            if not self._is_closed:
                self._is_closed = True
                os.close(self._wake)
        for _, raw_socket in self._sockets:
            raw_socket.close()
