"""Two namespaces on a cable that holds packets back, repeats them, loses and splits them.

A third namespace lies between, in which a thread carries frames from one cable to another. (The
kernel's netem would do as well, but not every kernel has it.)
"""

import heapq
import itertools
import random
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from tests.support import outside
from tests.support.namespaces import Namespace, VethPair, namespace

_ETH_P_ALL = 3
_PACKET_OUTGOING = 4
_IPV4_ETHERTYPE = b"\x08\x00"
_FRAME_BYTES = 65_535
_LINK_BYTES, _IP_BYTES = 14, 20


class Disturbance(NamedTuple):
    """How often what happens to a packet of IPv4.

    Attributes:
        lost: share of those that don't arrive.
        repeated: share of those that arrive twice.
        held_back: share of those that others overtake.
        most_seconds: how long one is held back.
        fragment_bytes: what is longer is split, as by a router that doesn't heed "don't fragment".
    """

    lost: float = 0.02
    repeated: float = 0.1
    held_back: float = 0.3
    most_seconds: float = 0.004
    fragment_bytes: int = 65_535


@contextmanager
def disturbed_pair(disturbance: Disturbance = Disturbance(), seed: int = 1) -> Iterator[VethPair]:  # noqa: B008  # frozen
    """Two namespaces that reach each other with disturbance."""
    with ExitStack() as made:
        near, middle, far = (
            made.enter_context(namespace(role)) for role in ("near", "middle", "far")
        )
        pair = VethPair(near, far)
        for space, address, name in (
            (near, pair.near_address, "to-near"),
            (far, pair.far_address, "to-far"),
        ):
            peer = ["peer", "name", name, "netns", middle.name]
            space.ip("link", "add", pair.interface, "type", "veth", *peer)
            space.ip("address", "add", f"{address}/24", "dev", pair.interface)
            space.ip("link", "set", pair.interface, "up")
            middle.ip("link", "set", name, "up")
            # What a network card would do is to be done: checksums, and segments of the right size.
            ethtool = outside.require_tool("ethtool")
            space.run(ethtool, "-K", pair.interface, "tx", "off", "tso", "off", "gso", "off")
        made.enter_context(_carrying(middle, disturbance, random.Random(seed)))  # noqa: S311
        yield pair


@contextmanager
def _carrying(middle: Namespace, disturbance: Disturbance, chance: random.Random) -> Iterator[None]:
    with ExitStack() as made:
        sockets = []
        for name in ("to-near", "to-far"):
            end = made.enter_context(
                middle.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
            )
            end.bind((name, _ETH_P_ALL))
            sockets.append(end)
        is_over = threading.Event()
        carrier = threading.Thread(
            target=_carry, args=(sockets[0], sockets[1], disturbance, chance, is_over)
        )
        carrier.start()
        try:
            yield
        finally:
            is_over.set()
            carrier.join()


def _carry(
    near: socket.socket,
    far: socket.socket,
    disturbance: Disturbance,
    chance: random.Random,
    is_over: threading.Event,
) -> None:
    others = {near: far, far: near}
    waiting: list[tuple[float, int, socket.socket, bytes]] = []
    numbers = itertools.count()
    while not is_over.is_set():
        ready, _, _ = select.select([near, far], [], [], 0.001 if waiting else 0.05)
        now = time.monotonic()
        for end in ready:
            frame, (_, _, kind, *_) = end.recvfrom(_FRAME_BYTES)
            if kind == _PACKET_OUTGOING:
                continue
            for part in _split(frame, disturbance.fragment_bytes, next(numbers) & 0xFFFF):
                for delay_seconds in _delays(part, disturbance, chance):
                    heapq.heappush(waiting, (now + delay_seconds, next(numbers), others[end], part))
        while waiting and waiting[0][0] <= now:
            _, _, end, frame = heapq.heappop(waiting)
            end.send(frame)


def _delays(frame: bytes, disturbance: Disturbance, chance: random.Random) -> Iterator[float]:
    """After which delays a frame is sent on: none if it is lost, two if it is repeated."""
    if frame[12:14] != _IPV4_ETHERTYPE:
        yield 0
        return
    if chance.random() < disturbance.lost:
        return
    for _ in range(1 + (chance.random() < disturbance.repeated)):
        is_held = chance.random() < disturbance.held_back
        yield chance.random() * disturbance.most_seconds if is_held else 0


def _split(frame: bytes, most_bytes: int, identification: int) -> Iterator[bytes]:
    """A frame, or fragments of its IPv4 packet (RFC 791 §3.2)."""
    packet = frame[_LINK_BYTES:]
    if frame[12:14] != _IPV4_ETHERTYPE or len(packet) - _IP_BYTES <= most_bytes:
        yield frame
        return
    payload = packet[_IP_BYTES : int.from_bytes(packet[2:4])]
    step = most_bytes // 8 * 8
    for start in range(0, len(payload), step):
        piece = payload[start : start + step]
        place = (start + step < len(payload)) << 13 | start >> 3
        header = struct.pack("!HHH", _IP_BYTES + len(piece), identification, place)
        header = packet[:2] + header + packet[8:10] + b"\0\0" + packet[12:_IP_BYTES]
        checksum = struct.pack("!H", _checksum(header))
        yield frame[:_LINK_BYTES] + header[:10] + checksum + header[12:] + piece


def _checksum(header: bytes) -> int:
    total: int = sum(struct.unpack("!10H", header))
    return ~(total + (total >> 16)) & 0xFFFF
