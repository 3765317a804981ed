"""Random changes of bytes, for where no coverage guides them."""

import random
import struct
from collections.abc import Sequence

MOST_BYTES = 8_192
"""Inputs don't grow beyond it: small ones are quick and find as much."""

_BYTES = (0, 1, 0x3F, 0x40, 0x7F, 0x80, 0xC0, 0xFF)
_STEPS = (-4, -1, 1, 2, 4)
_NUMBERS = (0, 1, -1, 2, 4, 8, 12, 16, 63, 64, 255, 256, 262_144, 524_288, 2**31 - 1, -(2**31))


def mutated(data: bytes, chance: random.Random, words: Sequence[bytes]) -> bytes:
    """`data` with one to four changes; `words` are what is worth being put in."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 3, 4])):
        _change(changed, chance, words)
    return bytes(changed[:MOST_BYTES])


def _change(data: bytearray, chance: random.Random, words: Sequence[bytes]) -> None:
    at = chance.randrange(len(data) + 1)
    span = chance.choice([1, 1, 2, 4, 8, 16, 64])
    match chance.randrange(9):
        case 0 if at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        case 1 if at < len(data):
            data[at] = (data[at] + chance.choice(_STEPS)) & 0xFF  # just past a limit
        case 2:
            data[at : at + 1] = bytes([chance.choice(_BYTES)])
        case 3:
            order, kind = chance.choice("<>"), chance.choice("hiq")
            size = struct.calcsize(kind)
            bits = chance.choice(_NUMBERS) & ((1 << 8 * size) - 1)
            data[at : at + size] = struct.pack(order + kind.upper(), bits)
        case 4:
            start = chance.randrange(len(data) + 1)
            data[at : at + chance.choice([0, span])] = data[start : start + span]
        case 5:
            data[at:at] = chance.randbytes(span)
        case 6:
            del data[at : at + span]
        case 7:
            del data[at:]
        case _ if words:
            data[at : at + chance.choice([0, span])] = chance.choice(words)
