"""A partition's state as chunks of bytes and a manifest, and back [core]."""

import hashlib
from collections.abc import Iterator, Sequence

import zstandard

from geophone_detector.kernels import layout
from geophone_detector.kernels.sketches import SKETCH_SHAPE
from geophone_detector.kernels.tables import HEADS
from geophone_detector.manifests import SNAPSHOT_SCHEMA_MAJOR, Checksum, Manifest
from geophone_detector.partition import Partition
from geophone_detector.plan import DetectorPlan
from geophone_detector.snapshot_content import content_pieces, fill_partition
from geophone_shared.record_reasons import invalid_record

CHUNK_BYTES = 850_000
"""A record takes 1,000,000; Kafka's own frame needs some of them."""

_ZSTD_LEVEL = 1
_LAYOUT = (
    layout.PAIR,
    layout.DOMAIN,
    layout.COUNTS,
    layout.EVIDENCE,
    layout.SKETCH,
    HEADS,
    layout.PANE_US,
    layout.WINDOW_PANES,
    layout.WHEEL_PANES,
    layout.SAMPLE_NAMES,
    layout.SAMPLE_BYTES,
    SKETCH_SHAPE,
)


def layout_digest(plan: DetectorPlan) -> str:
    """32 hex digits that two detectors share whose states fit together."""
    described = f"{SNAPSHOT_SCHEMA_MAJOR} {_LAYOUT!r} {plan.digest()}"
    return hashlib.blake2b(described.encode(), digest_size=16).hexdigest()


class Snapshot:
    """A partition's state on its way to the log; it must not change meanwhile.

    Take the `chunks` one by one and append them; then `manifest` is theirs.

    Attributes:
        size_bytes: of the chunks so far.
    """

    def __init__(self, plan: DetectorPlan, partition: Partition) -> None:
        self.size_bytes = 0
        self._plan = plan
        self._partition = partition
        self._raw_bytes = 0
        self._checksum = Checksum(plan.secret)

    def chunks(self) -> Iterator[bytes]:
        """The chunks, at most `CHUNK_BYTES` each; compressed as they are asked for."""
        compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compressobj()
        buffer = bytearray()
        for piece in content_pieces(self._partition):
            self._raw_bytes += len(piece)
            buffer += compressor.compress(piece)
            while len(buffer) >= CHUNK_BYTES:
                yield self._chunk(buffer)
        buffer += compressor.flush()
        while buffer:
            yield self._chunk(buffer)

    def manifest(self, offsets: Sequence[int]) -> Manifest:
        """The manifest, where the chunks got these offsets."""
        digest = layout_digest(self._plan)
        position = self._partition.position
        return Manifest(
            layout=digest,
            key_id=self._plan.secret.key_id,
            position=position,
            raw_bytes=self._raw_bytes,
            checksum=self._checksum.value(digest, position, self._raw_bytes),
            chunks=tuple(offsets),
        )

    def _chunk(self, buffer: bytearray) -> bytes:
        chunk = bytes(buffer[:CHUNK_BYTES])
        del buffer[:CHUNK_BYTES]
        self.size_bytes += len(chunk)
        self._checksum.add(chunk)
        return chunk


def is_usable(plan: DetectorPlan, manifest: Manifest) -> bool:
    """Whether the state of such a snapshot would fit, as far as its manifest says."""
    return manifest.layout == layout_digest(plan) and manifest.key_id == plan.secret.key_id


def restored(plan: DetectorPlan, manifest: Manifest, chunks: Sequence[bytes]) -> Partition:
    """The partition of a snapshot; nothing in it is believed.

    Raises:
        InvalidRecordError: `snapshot`: it is of another layout, of other rules or another key,
            isn't whole or not sound, or there is no room for it; or its JSON is wrong.
    """
    checksum = Checksum(plan.secret)
    for chunk in chunks:
        checksum.add(chunk)
    value = checksum.value(manifest.layout, manifest.position, manifest.raw_bytes)
    if not is_usable(plan, manifest) or manifest.checksum != value:
        raise invalid_record("snapshot")
    partition = Partition(plan.create(), manifest.position)
    try:
        fill_partition(partition, b"".join(chunks), manifest.raw_bytes)
    except zstandard.ZstdError as error:
        raise invalid_record("snapshot") from error
    return partition
