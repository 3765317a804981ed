"""Has the rings' kernels compiled before packets wait in a ring for them [core]."""

import numpy as np

from geophone_capture.kernels.ring_blocks import walk_ring_block
from geophone_capture.live.lanes import Lanes
from geophone_capture.packets import PACKET, PacketBlock

_BLOCK_BYTES = 64


class _OneBlock:
    """A ring that gives a packet without bytes."""

    block_bytes = _BLOCK_BYTES

    def __init__(self) -> None:
        self.most_packets = 1
        self._packets = np.zeros(1, PACKET)
        self._is_given = False

    def next_block(self) -> PacketBlock | None:
        if self._is_given:
            return None
        self._is_given = True
        return PacketBlock(np.zeros(_BLOCK_BYTES, np.uint8), self._packets)

    def is_ready(self) -> bool:
        return not self._is_given

    def give_back(self) -> None:
        """Nobody else wants it."""


def compile_ring_kernels() -> None:
    """Compile all that rings use, several of them, too; or load it from the cache."""
    words = np.zeros(_BLOCK_BYTES // np.dtype(np.uint32).itemsize, np.uint32)
    walk_ring_block(words, 0, _BLOCK_BYTES, 0, np.zeros(1, PACKET))
    list(Lanes([_OneBlock()], 0).blocks(0, is_end=True))
