"""How names are put together: templates as data, and as tables for the kernel that writes names.

The name of an exchange is its template's pieces, one after the other, then the registered domain.
What a piece writes depends on the host's number alone, so that a number is a name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from geophone_shared.jit import Array
from geophone_shared.names import wire_name

HEXADECIMAL = b"0123456789abcdef"
BASE32 = b"abcdefghijklmnopqrstuvwxyz234567"
BASE64_URL = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
BASE128 = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" + bytes(range(188, 254))
"""iodine's upstream alphabet where the path is 8-bit clean (`src/base128.c`)."""

PIECE = np.dtype([(field, "i4") for field in ("kind", "first", "count", "low", "high", "split")])
TEXT, WORD, CODE, COUNT, OCTETS = range(5)


@dataclass(frozen=True)
class Text:
    """The same for every host; a dot is a border between labels."""

    text: bytes


@dataclass(frozen=True)
class Word:
    """One of some words; hosts beyond them get a number too."""

    words: tuple[bytes, ...]


@dataclass(frozen=True)
class Code:
    """`low` to `high` characters of an alphabet, a new label after `split` of them."""

    alphabet: bytes
    low: int
    high: int
    split: int = 63


@dataclass(frozen=True)
class Count:
    """The host's number."""


@dataclass(frozen=True)
class Octets:
    """`number` octets in decimal, a label each, as of a reversed IPv4 address."""

    number: int


Piece = Text | Word | Code | Count | Octets
Template = tuple[Piece, ...]


class NameTables(NamedTuple):
    """Templates and domains, as the kernels take them.

    Attributes:
        pieces: `PIECE` array.
        first_piece: int64, of each template, and an end.
        literals: uint8: texts, words, alphabets.
        word_ends: int64: where each word ends in `literals`.
        domains: uint8: wire names, without the root label.
        domain_ends: int64: where each domain ends in `domains`, after a leading 0.
    """

    pieces: Array
    first_piece: Array
    literals: Array
    word_ends: Array
    domains: Array
    domain_ends: Array


def compile_names(templates: Sequence[Template], domains: Sequence[str]) -> NameTables:
    """Tables in which template and domain i are those at i."""
    literals = bytearray()
    word_ends = [0]
    pieces: list[tuple[int, ...]] = []
    first_piece = [0]
    for template in templates:
        for piece in template:
            first = len(literals)
            match piece:
                case Text(text):
                    literals += text
                    pieces.append((TEXT, first, len(text), 0, 0, 0))
                case Word(words):
                    word_ends.append(first)  # the words begin where this empty one ends
                    pieces.append((WORD, len(word_ends) - 1, len(words), 0, 0, 0))
                    for word in words:
                        literals += word
                        word_ends.append(len(literals))
                case Code(alphabet, low, high, split):
                    literals += alphabet
                    pieces.append((CODE, first, len(alphabet), low, high, split))
                case Count():
                    pieces.append((COUNT, 0, 0, 0, 0, 0))
                case Octets(number):
                    pieces.append((OCTETS, 0, number, 0, 0, 0))
        first_piece.append(len(pieces))
    wire = [wire_name(domain) for domain in domains]
    return NameTables(
        pieces=np.array(pieces, PIECE),
        first_piece=np.array(first_piece),
        literals=np.frombuffer(bytes(literals), np.uint8).copy(),
        word_ends=np.array(word_ends),
        domains=np.frombuffer(b"".join(wire), np.uint8).copy(),
        domain_ends=np.cumsum([0] + [len(name) for name in wire]),
    )
