"""What a snapshot holds of a partition, before it is compressed [core].

    length of the facts, 8 bytes, little-endian
    the facts: a JSON object of what isn't in the tables
    the used part of every table, as it lies in memory
    a line of JSON for each open alert

Indexes aren't in it: they are made anew.
"""

import io
import json
from collections.abc import Iterator, Sequence

import numpy as np
import zstandard

from geophone_detector.detector import AlertStates
from geophone_detector.kernels.layout import SAMPLE_BYTES
from geophone_detector.kernels.tables import Tables
from geophone_detector.open_alerts import open_alerts_from_json, open_alerts_to_json
from geophone_detector.partition import Partition
from geophone_detector.sketched import SketchedState
from geophone_detector.snapshot_checks import check_heads, check_sketches, check_state
from geophone_detector.windows import WATCH_CAPACITY
from geophone_shared.jit import Array
from geophone_shared.json_fields import JsonFields, parse_object
from geophone_shared.record_reasons import invalid_record
from geophone_shared.timestamps import rfc3339

_PIECE_BYTES = 1 << 20
_MOST_FACTS_BYTES = 64 << 20
_MOST_ALERTS_BYTES = 1 << 30
_LENGTH_BYTES = 8


def content_pieces(partition: Partition) -> Iterator[bytes | memoryview]:
    """The content, in pieces."""
    detector = partition.detector
    windows = detector.windows
    facts = _json(_facts(partition))
    yield len(facts).to_bytes(_LENGTH_BYTES, "little")
    yield facts
    for array in (
        windows.tables.heads,
        *_used_parts(windows.tables),
        windows.tables.watch[: windows.watches],
        *_sketch_parts(windows.tables, windows.sketched.state.sketches),
    ):
        octets = _octets(array).data
        for start in range(0, len(octets), _PIECE_BYTES):
            yield octets[start : start + _PIECE_BYTES]
    for alert in open_alerts_to_json(detector.alert_states.open):
        yield _json(alert) + b"\n"


def fill_partition(partition: Partition, compressed: bytes, raw_bytes: int) -> None:
    """Fill a new partition with a snapshot's content.

    Args:
        partition: it has counted nothing; after an error it can't be used.
        compressed: all chunks.
        raw_bytes: how large the content is.

    Raises:
        InvalidRecordError: `snapshot`: there is no room for it, or it isn't sound; or its JSON is
            wrong.
        ZstdError: it can't be decompressed.
    """
    content = _Content(compressed, raw_bytes)
    detector = partition.detector
    windows = detector.windows
    facts = parse_object(content.take(content.number(), _MOST_FACTS_BYTES), _MOST_FACTS_BYTES)
    content.fill(windows.tables.heads)
    check_heads(windows.tables)
    for part in _used_parts(windows.tables):
        content.fill(part)
    watches = facts.integer("watches")
    if not len(windows.tables.watch) <= watches <= WATCH_CAPACITY:
        raise invalid_record("snapshot")
    watch = np.empty((watches, len(detector.rules)), np.int64)
    content.fill(watch)
    sketched = _sketched_from(facts)
    check_sketches(windows.tables, sketched)
    for part in _sketch_parts(windows.tables, sketched.sketches):
        content.fill(part)
    lines = content.take(content.left_bytes, _MOST_ALERTS_BYTES).splitlines()
    alerts = AlertStates(
        refused=facts.integer("refused"),
        open=open_alerts_from_json(
            (parse_object(line, len(line)) for line in lines), detector.rules
        ),
        muted=facts.integers("muted"),
        blocked=facts.integers("blocked"),
    )
    free_watches = facts.integers("free_watches")
    check_state(windows.tables, watch, free_watches, sketched, alerts)
    windows.restore(watch, free_watches, sketched, facts.integer("swept"))
    detector.restore_alerts(alerts)
    partition.clock_us = facts.optional_time_us("clock")
    sequences = zip(facts.texts("producers"), facts.integers("sequences"), strict=False)
    partition.repeats.restore(sequences)


def _facts(partition: Partition) -> dict[str, object]:
    detector = partition.detector
    sketched = detector.windows.sketched.state
    alerts = detector.alert_states
    last_sequences = partition.repeats.last_sequences
    clock_us = partition.clock_us
    return {
        "clock": None if clock_us is None else rfc3339(clock_us),
        "producers": [producer for producer, _ in last_sequences],
        "sequences": [sequence for _, sequence in last_sequences],
        "watches": detector.windows.watches,
        "free_watches": detector.windows.free_watches,
        "swept": detector.windows.swept_domains,
        "begun": sketched.begun,
        "sketched": sketched.domains,
        "sketches": sketched.sketches,
        "without": sketched.without,
        "refused": alerts.refused,
        "muted": alerts.muted,
        "blocked": alerts.blocked,
    }


def _sketched_from(facts: JsonFields) -> SketchedState:
    return SketchedState(
        begun=facts.integer("begun"),
        domains=facts.integers("sketched"),
        sketches=facts.integers("sketches"),
        without=facts.integers("without"),
    )


def _used_parts(tables: Tables) -> Iterator[Array]:
    """The part of each table that was ever used, as `heads` says."""
    heads = tables.heads[0]
    yield tables.pairs[: int(heads["unused_pair"])]
    yield tables.wheels
    yield tables.domains[: int(heads["unused_domain"])]
    yield tables.domain_names[: int(heads["names_bytes"])]
    yield tables.counts[: int(heads["unused_counts"])]
    yield tables.emptied[: int(heads["emptied"])]
    yield tables.evidence[: int(heads["unused_evidence"])]
    yield tables.samples[: int(heads["unused_evidence"]) * SAMPLE_BYTES]


def _sketch_parts(tables: Tables, sketches: Sequence[int]) -> Iterator[Array]:
    for sketch in sketches:
        yield tables.sketches[sketch : sketch + 1]
        yield tables.sketch_panes[sketch]
        yield tables.sketch_weights[sketch]


def _octets(array: Array) -> Array:
    """The bytes of an array without gaps, which can be written through it."""
    return array.reshape(-1).view(np.uint8)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")


class _Content:
    """The content of a snapshot, read from its beginning; what it costs is said beforehand."""

    def __init__(self, compressed: bytes, raw_bytes: int) -> None:
        self.left_bytes = raw_bytes
        self._stream = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(compressed))

    def fill(self, array: Array) -> None:
        """Read the bytes of an array."""
        octets = _octets(array).data
        self.left_bytes -= len(octets)
        at = 0
        while at < len(octets):
            count = self._stream.readinto(octets[at:])
            if count == 0:
                raise invalid_record("snapshot")
            at += count

    def take(self, count: int, most: int) -> bytes:
        """Read bytes, if there aren't too many."""
        if not 0 <= count <= min(most, self.left_bytes):
            raise invalid_record("snapshot")
        taken = np.empty(count, np.uint8)
        self.fill(taken)
        return taken.tobytes()

    def number(self) -> int:
        """Read a length."""
        return int.from_bytes(self.take(_LENGTH_BYTES, _LENGTH_BYTES), "little")
