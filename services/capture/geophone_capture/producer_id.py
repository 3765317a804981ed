"""The identity of the stream of batches that captures give: the same at every start.

Readers of the log skip what they have of a producer already, so what decides about rows or batches
has to be in its identity: then a capture that is started again resends harmlessly.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from geophone_shared.errors import ConfigError

_SAMPLE_BYTES = 64 << 10
_ID_BYTES = 16
_STREAM_VERSION = 2
"""Raised by a change to what rows and batches the same captures give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """What decides about rows and batches beside the captures.

    Attributes:
        partitions: of `dns.transactions`.
        batch_rows: rows of a batch, at most.
        linger_us: packet time after which a batch closes; None for never.
        ports: of DNS, UDP and TCP.
        shift_us: what is added to every time.
        keep_responses: whether batches have the raw responses.
    """

    partitions: int
    batch_rows: int
    linger_us: int | None
    ports: tuple[int, ...]
    shift_us: int = 0
    keep_responses: bool = False


def file_fingerprint(names: Sequence[str]) -> bytes:
    """What tells these files from others: size and both ends of each, in their order.

    Raises:
        ConfigError: a file can't be read.
    """
    digest = hashlib.blake2b()
    for name in names:
        try:
            with Path(name).open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                digest.update(size.to_bytes(8, "little"))
                digest.update(file.read(_SAMPLE_BYTES))
                file.seek(max(0, size - _SAMPLE_BYTES))
                digest.update(file.read(_SAMPLE_BYTES))
        except OSError as error:
            raise ConfigError(f"{name} can't be read: {error.strerror}; check the path") from error
    return digest.digest()


def producer_id(fingerprint: bytes, options: BatchOptions) -> str:
    """The identity of a stream: 32 hexadecimal digits.

    Args:
        fingerprint: of the files; for a source that can't be read again, random bytes.
        options: how they are read.
    """
    values = asdict(options) | {
        "version": _STREAM_VERSION,
        "ports": sorted(set(options.ports)),
    }
    if not options.keep_responses:
        del values["keep_responses"]  # streams from before there was the option go on
    digest = hashlib.blake2b(fingerprint, digest_size=_ID_BYTES, person=b"geophone-stream")
    digest.update(json.dumps(values, sort_keys=True).encode())
    return digest.hexdigest()
