"""Records that nobody should have written, for `dns.transactions` and `dns.detector-state`."""

import random

import zstandard

from geophone_detector.manifests import Manifest, chunk_record, manifest_record
from geophone_detector.plan_settings import plan_from
from geophone_shared.batch_headers import BatchHeaders
from geophone_shared.bus.records import Record
from geophone_shared.hashing import SecretKey
from geophone_shared.settings.sections import DetectorSettings
from tests.support.batches import batch_of, compress, good_columns, stream_of
from tests.support.snapshots import signed

BOMB_BYTES = 1 << 30
"""What a bomb would decompress to; on the log it has some tens of kB."""

_CHANCE = random.Random(5)  # noqa: S311 - nobody has to be surprised


def transactions() -> dict[str, Record]:
    """For `dns.transactions`, by what is wrong."""
    stream = stream_of(batch_of(good_columns()))
    good = compress(stream)
    # The names' offsets: where the second one begins, far behind the end.
    hostile = bytearray(stream)
    at = hostile.index((11).to_bytes(4, "little") + (22).to_bytes(4, "little"))
    hostile[at : at + 4] = (0x7FFFFFFF).to_bytes(4, "little")
    return {
        "random bytes": _record(_CHANCE.randbytes(5_000)),
        "truncated": _record(good[: len(good) // 2]),
        "newer schema": _record(good, schema=99),
        "hostile offsets": _record(compress(hostile)),
        "bomb": _record(bomb()),
        "bomb of unknown size": _record(bomb(is_declared=False)),
        "no headers": Record(good),
    }


def snapshots(secret: SecretKey, partitions: int) -> list[Record]:
    """For a partition of `dns.detector-state` that is empty: chunks and manifests that lie."""
    plan = plan_from(DetectorSettings(), secret, partitions)
    lie, [content] = signed(plan, _CHANCE.randbytes(10_000), position=1)
    return [
        chunk_record(content),
        manifest_record(lie),  # signed, and nonsense
        chunk_record(bomb()),
        manifest_record(_pointing_at(lie, 2, raw_bytes=BOMB_BYTES)),
        chunk_record(b"short"),
        manifest_record(_pointing_at(lie, 4, position=2)),  # another's content
        manifest_record(_pointing_at(lie, 4, position=1 << 40)),  # more than was ever read
        Record(_CHANCE.randbytes(1_000), headers=(("kind", b"manifest"),)),
        Record(b"[" * 100_000, headers=(("kind", b"manifest"),)),
    ]


def bomb(*, is_declared: bool = True) -> bytes:
    """Zeros without end in a small zstd frame."""
    compressor = zstandard.ZstdCompressor(level=3)
    making = compressor.compressobj(size=BOMB_BYTES if is_declared else -1)
    chunk = bytes(1 << 20)
    parts = [making.compress(chunk) for _ in range(BOMB_BYTES >> 20)]
    return b"".join(parts) + making.flush()


def _record(value: bytes, schema: int = 1) -> Record:
    headers = BatchHeaders(
        schema=schema,
        rows=3,
        raw_bytes=1_000,
        first_time_us=0,
        last_time_us=0,
        sensor="poison",
        producer=f"poison-{len(value)}-{schema}",
        sequence=0,
        position=0,
    )
    return Record(value, headers=tuple(headers.to_headers()))


def _pointing_at(
    manifest: Manifest, chunk: int, *, position: int = 1, raw_bytes: int = 5
) -> Manifest:
    return Manifest(
        layout=manifest.layout,
        key_id=manifest.key_id,
        position=position,
        raw_bytes=raw_bytes,
        checksum=manifest.checksum,
        chunks=(chunk,),
    )
