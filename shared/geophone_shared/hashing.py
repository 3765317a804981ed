"""The secret key of the hash tables that names go into [core].

The tables hash names with SipHash-1-3 (`geophone_shared.kernels.hashing`); whoever doesn't know
the key can't send names that all fall into one place.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from geophone_shared.errors import ConfigError

KEY_BYTES = 16
"""128 bits, as SipHash takes them."""


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A key of SipHash; its halves are little-endian words, and never printed.

    Attributes:
        key0: First half. np.uint64 as kernels take it: with a Python int they compile once more.
        key1: Second half.
    """

    key0: np.uint64 = field(repr=False)
    key1: np.uint64 = field(repr=False)

    @classmethod
    def from_bytes(cls, key: bytes) -> Self:
        """The key that 16 bytes are.

        Raises:
            ConfigError: they aren't 16.
        """
        if len(key) != KEY_BYTES:
            raise ConfigError(
                f"a hash key has {KEY_BYTES} bytes, so give it {KEY_BYTES} instead of {len(key)}"
            )
        return cls(
            np.uint64(int.from_bytes(key[:8], "little")),
            np.uint64(int.from_bytes(key[8:], "little")),
        )

    @classmethod
    def derived_from(cls, data: bytes) -> Self:
        """The key that belongs to `data`: the same in every run, another one for other data."""
        digest = hashlib.blake2b(data, digest_size=KEY_BYTES, person=b"geophone-replay")
        return cls.from_bytes(digest.digest())

    @property
    def key_id(self) -> str:
        """Eight hexadecimal digits to tell keys apart by, without giving the key away."""
        key = int(self.key0).to_bytes(8, "little") + int(self.key1).to_bytes(8, "little")
        return hashlib.blake2b(key).hexdigest()[:8]
