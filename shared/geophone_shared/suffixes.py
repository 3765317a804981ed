"""Sets of suffixes as tables for the kernels: the public suffixes, and allow lists.

The public-suffix rules are those that tldextract ships; this is the only module that imports it.
To import it takes 0.1 s (it loads an HTTP client that is never used), so the compiled table is kept
in the cache folder, under a name that holds a digest of all that it depends on.
"""

import hashlib
import importlib.metadata
import io
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geophone_shared.errors import ConfigError
from geophone_shared.jit import Array, cache_home
from geophone_shared.kernels import domains
from geophone_shared.names import labels, wire_name

_MODULO = 1 << 64
_CHECKSUM_BYTES = 16

_Suffix = tuple[bytes, ...]
"""The labels of a suffix from right to left, in lower case."""


@dataclass(frozen=True, slots=True)
class SuffixTable:
    """A set of suffixes, as the kernels of `kernels.domains` take it.

    Attributes:
        slots: `SUFFIX_SLOT` array, a power of two long, at most half full.
        labels: uint8 array, the bytes of the labels that are too long for a slot.
    """

    slots: Array
    labels: Array


def load_suffixes(*, include_private: bool = True) -> SuffixTable:
    """The public suffixes, from the cache folder where they are there.

    Args:
        include_private: With the rules of the list's private section (`duckdns.org` and other
            domains whose owners give out sub-domains), not only those of registries.
    """
    path = _cache_path(include_private=include_private)
    table = _read(path) if path else None
    if table is None:
        table = _compile(_rule_flags(_public_suffix_rules(include_private=include_private)))
        if path is not None:
            _write(path, table)
    return table


def compile_suffix_set(names: Iterable[bytes]) -> SuffixTable:
    """The table of an allow list: every entry covers itself and all names below it.

    Args:
        names: Wire-form names; letters of either case.

    Raises:
        ConfigError: the root is among them.
        InvalidRecordError: one of them is not in wire form.
    """
    flags: dict[_Suffix, int] = {}
    for name in names:
        if not name:
            raise ConfigError("an entry for the root would cover every name, so name a domain")
        _add(flags, name, domains.RULE)
    return _compile(flags)


def label_key(label: bytes) -> int:
    """The key of a lower-case label in the table (`SUFFIX_SLOT`), as the kernel computes it."""
    length = len(label)
    if length <= domains.WHOLE_LABEL_BYTES:
        return int.from_bytes(bytes([length]) + label, "little")
    key = 0
    for start in range(0, length, 8):
        word = label[min(start, length - 8) :][:8]
        key = (key ^ int.from_bytes(word, "little")) * domains.KEY_FACTOR % _MODULO
        key ^= key >> 32
    return key & ~0xFF | length


def home_slot(key: int, parent: int, slot_count: int) -> int:
    """The slot at which the search for a node starts, as the kernel computes it."""
    return ((key ^ (parent << 32)) * domains.KEY_FACTOR % _MODULO >> 32) % slot_count


def _public_suffix_rules(*, include_private: bool) -> list[str]:
    from tldextract import TLDExtract  # noqa: PLC0415  (see the module's docstring)

    # As it stands here it neither asks the network nor keeps a cache of its own.
    extract = TLDExtract(
        suffix_list_urls=(), cache_dir=None, include_psl_private_domains=include_private
    )
    return extract.tlds


def _rule_flags(rules: Iterable[str]) -> dict[_Suffix, int]:
    """Flags of every suffix that rules (https://publicsuffix.org/list/) name or pass through."""
    flags: dict[_Suffix, int] = {}
    for rule in rules:
        if rule.startswith("*."):
            _add(flags, wire_name(rule[2:]), domains.WILDCARD)
        elif rule.startswith("!"):
            _add(flags, wire_name(rule[1:]), domains.EXCEPTION)
        else:
            _add(flags, wire_name(rule), domains.RULE)
    return flags


def _add(flags: dict[_Suffix, int], name: bytes, flag: int) -> None:
    suffix = tuple(labels(name.lower()))[::-1]
    for depth in range(1, len(suffix)):
        flags[suffix[:depth]] = flags.get(suffix[:depth], 0) | domains.PARENT
    flags[suffix] = flags.get(suffix, 0) | flag


def _compile(flags: dict[_Suffix, int]) -> SuffixTable:
    slot_count = 1 << (2 * len(flags)).bit_length()
    slots = np.zeros(slot_count, domains.SUFFIX_SLOT)
    numbers: dict[_Suffix, int] = {(): domains.ROOT}
    label_bytes = bytearray()
    offsets: dict[bytes, int] = {}
    # Parents go first, because their children hold their number; sorted, so that a set has one
    # table. Top-level domains, which every walk asks for, so get the best places.
    for suffix in sorted(flags, key=lambda suffix: (len(suffix), suffix)):
        label = suffix[-1]
        if len(label) > domains.WHOLE_LABEL_BYTES and label not in offsets:
            offsets[label] = len(label_bytes)
            label_bytes += label
        key = label_key(label)
        parent = numbers[suffix[:-1]]
        slot = home_slot(key, parent, slot_count)
        while slots[slot]["key"] != 0:
            slot = (slot + 1) % slot_count
        slots[slot] = (key, parent, offsets.get(label, 0), flags[suffix])
        numbers[suffix] = slot + 1
    return SuffixTable(slots, np.frombuffer(label_bytes, np.uint8))


def _cache_path(*, include_private: bool) -> Path | None:
    """The file for the table; None where there is no folder for it."""
    home = cache_home()
    if home is None:
        return None
    digest = hashlib.blake2b(digest_size=8)
    digest.update(f"{importlib.metadata.version('tldextract')} {include_private}".encode())
    # The table's format is what these two files say it is.
    for source in (__file__, domains.__file__):
        digest.update(Path(source).read_bytes())
    return home / f"suffixes-{digest.hexdigest()}.table"


def _read(path: Path) -> SuffixTable | None:
    """The table in a file; None where there is none, or not as it was written."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    checksum, arrays = content[:_CHECKSUM_BYTES], content[_CHECKSUM_BYTES:]
    if checksum != _checksum(arrays):
        return None
    stream = io.BytesIO(arrays)
    return SuffixTable(np.load(stream), np.load(stream))


def _write(path: Path, table: SuffixTable) -> None:
    """Keep a table for the next start, whole or not at all; where that can't be, do without."""
    stream = io.BytesIO()
    np.save(stream, table.slots)
    np.save(stream, table.labels)
    content = stream.getvalue()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(_checksum(content) + content)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)


def _checksum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_CHECKSUM_BYTES).digest()
