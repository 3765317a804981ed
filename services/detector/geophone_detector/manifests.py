"""The manifest of a snapshot: what it holds, and where its chunks are on the log [core]."""

import hashlib
import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from geophone_shared.bus.records import Record, StoredRecord
from geophone_shared.hashing import SecretKey
from geophone_shared.json_fields import JsonFields, parse_object
from geophone_shared.record_reasons import invalid_record

SNAPSHOT_SCHEMA_MAJOR = 1
MOST_CHUNKS = 4_096
MOST_MANIFEST_BYTES = 256 * 1024

_KIND = "kind"
_CHUNK = b"chunk"
_MANIFEST = b"manifest"
_DIGITS = re.compile(r"[0-9a-f]{32}")
_CHECKSUM_BYTES = 16
_PERSON = b"geophone-state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a snapshot is of.

    Attributes:
        layout: digest of what has to be the same for it to be restored.
        key_id: of the key that its hashes are made with.
        position: the input offset at which to go on.
        raw_bytes: size of its content before compression.
        checksum: of all chunks, 32 hex digits; only who has the key can make it.
        chunks: the offsets of its chunks in the same partition, in their order.
    """

    layout: str
    key_id: str
    position: int
    raw_bytes: int
    checksum: str
    chunks: tuple[int, ...]


class Checksum:
    """The checksum of the chunks of a snapshot, keyed: BLAKE2b-128.

    A state that somebody else puts on the log is told from a detector's own.
    """

    def __init__(self, secret: SecretKey) -> None:
        key = int(secret.key0).to_bytes(8, "little") + int(secret.key1).to_bytes(8, "little")
        self._digest = hashlib.blake2b(key=key, digest_size=_CHECKSUM_BYTES, person=_PERSON)

    def add(self, chunk: bytes) -> None:
        """The next chunk."""
        self._digest.update(chunk)

    def value(self, layout: str, position: int, raw_bytes: int) -> str:
        """The checksum of what was added, in a snapshot with such a manifest."""
        digest = self._digest.copy()
        digest.update(f"\0{layout}\0{position}\0{raw_bytes}".encode())
        return digest.hexdigest()


def chunk_record(chunk: bytes) -> Record:
    """The record of a chunk on `dns.detector-state`."""
    return Record(chunk, headers=((_KIND, _CHUNK),))


def manifest_record(manifest: Manifest) -> Record:
    """The record of a manifest there."""
    value = {
        "schema": f"geophone.snapshot/{SNAPSHOT_SCHEMA_MAJOR}",
        "layout": manifest.layout,
        "key": manifest.key_id,
        "position": manifest.position,
        "raw_bytes": manifest.raw_bytes,
        "checksum": manifest.checksum,
        "chunks": list(manifest.chunks),
    }
    encoded = json.dumps(value, separators=(",", ":")).encode("ascii")
    return Record(encoded, headers=((_KIND, _MANIFEST),))


def is_manifest(record: StoredRecord) -> bool:
    """Whether a record of `dns.detector-state` says that it is a manifest."""
    return (_KIND, _MANIFEST) in record.headers


def decode_manifest(record: StoredRecord) -> Manifest:
    """The manifest in a record.

    Raises:
        InvalidRecordError: it is none, or its chunks don't lie before it, in their order.
    """
    fields = parse_object(record.value, MOST_MANIFEST_BYTES)
    fields.check_schema("geophone.snapshot", SNAPSHOT_SCHEMA_MAJOR)
    manifest = Manifest(
        layout=_digits(fields, "layout"),
        key_id=fields.text("key"),
        position=fields.integer("position"),
        raw_bytes=fields.integer("raw_bytes"),
        checksum=_digits(fields, "checksum"),
        chunks=fields.integers("chunks"),
    )
    if not _are_before(manifest.chunks, record.offset):
        raise invalid_record("snapshot")
    return manifest


def _digits(fields: JsonFields, name: str) -> str:
    text = fields.text(name)
    if _DIGITS.fullmatch(text) is None:
        raise invalid_record("ill_typed_field")
    return text


def _are_before(chunks: Sequence[int], offset: int) -> bool:
    ascending = all(before < after for before, after in itertools.pairwise(chunks))
    return 0 < len(chunks) <= MOST_CHUNKS and ascending and chunks[-1] < offset
