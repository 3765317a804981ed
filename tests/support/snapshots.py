"""Partitions for tests of snapshots: small tables whose indexes have to grow."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
import zstandard

from geophone_detector import allocation
from geophone_detector.capacities import Capacities
from geophone_detector.manifests import Checksum, Manifest
from geophone_detector.partition import Partition
from geophone_detector.plan import DetectorPlan
from geophone_detector.rules import Rule
from geophone_detector.snapshot_content import content_pieces
from geophone_detector.snapshots import Snapshot, layout_digest, restored
from geophone_shared.hashing import SecretKey
from geophone_shared.names import wire_name
from geophone_shared.suffixes import compile_suffix_set
from tests.support.window_driver import PLENTY, SECRET


def create_plan(
    rules: Sequence[Rule],
    *,
    allow_list: Sequence[str] = (),
    secret: SecretKey = SECRET,
    exact_cap_names: int = PLENTY,
    evidence: int = PLENTY,
    pairs: int = PLENTY,
) -> DetectorPlan:
    """A plan of a detector with small tables."""
    return DetectorPlan(
        rules=rules,
        allow_list=compile_suffix_set([wire_name(entry) for entry in allow_list]),
        secret=secret,
        exact_cap_names=exact_cap_names,
        capacities=Capacities(
            pairs=pairs,
            domains=PLENTY,
            domain_name_bytes=255 * PLENTY,
            evidence=evidence,
            sketches=2,
        ),
    )


@contextmanager
def indexes_that_grow() -> Iterator[None]:
    """Detectors made here begin with indexes of two slots."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(allocation, "_FIRST_SLOTS", 2)
        yield


def content(partition: Partition) -> bytes:
    """All that a snapshot holds of a partition."""
    return b"".join(bytes(piece) for piece in content_pieces(partition))


def snapshot(plan: DetectorPlan, partition: Partition) -> tuple[Manifest, list[bytes]]:
    """A snapshot, its chunks at the offsets from 0 on."""
    made = Snapshot(plan, partition)
    chunks = list(made.chunks())
    return made.manifest(range(len(chunks))), chunks


def restart(plan: DetectorPlan, partition: Partition) -> Partition:
    """The partition, after a snapshot and in another process."""
    return restored(plan, *snapshot(plan, partition))


def signed(plan: DetectorPlan, changed: bytes, position: int = 0) -> tuple[Manifest, list[bytes]]:
    """A snapshot of any content, as somebody who has the key could put it on the log."""
    chunk = zstandard.ZstdCompressor(level=1).compress(changed)
    checksum = Checksum(plan.secret)
    checksum.add(chunk)
    layout = layout_digest(plan)
    return Manifest(
        layout=layout,
        key_id=plan.secret.key_id,
        position=position,
        raw_bytes=len(changed),
        checksum=checksum.value(layout, position, len(changed)),
        chunks=(0,),
    ), [chunk]
