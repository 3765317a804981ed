"""A snapshot from the log is believed in nothing."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geophone_detector.manifests import MOST_MANIFEST_BYTES, decode_manifest, manifest_record
from geophone_detector.partition import Partition
from geophone_detector.plan import DetectorPlan, capacities_of_each
from geophone_detector.snapshots import CHUNK_BYTES, Snapshot, layout_digest, restored
from geophone_shared.alerts import encode_alert
from geophone_shared.errors import ConfigError, InvalidRecordError
from geophone_shared.hashing import SecretKey
from tests.support.detector_rows import FAR_US, HOUR_US, NOON_US, hosts, row, transactions_of
from tests.support.detector_service import stored
from tests.support.snapshots import content, create_plan, restart, signed, snapshot
from tests.support.window_driver import create_rule

RULES = (create_rule(threshold=3), create_rule("few", threshold=2, max_clients=0))

ROWS = [
    *hosts(range(20), NOON_US),
    *(row("a", f"{name}.example", NOON_US, client=f"192.0.2.{name}") for name in range(9)),
    row("", "wpad", NOON_US + HOUR_US),
    row("b", "blocked.example", NOON_US + HOUR_US),
    row("c", "blocked.example", NOON_US + HOUR_US),
]


def a_plan() -> DetectorPlan:
    """With an exact cap that the rows reach, and room for not much evidence."""
    return create_plan(RULES, exact_cap_names=8, evidence=16)


def a_partition(plan: DetectorPlan) -> Partition:
    """One with an open alert, a domain above the cap and one that is blocked."""
    partition = Partition(plan.create(), 12)
    partition.detector.observe(transactions_of(ROWS), FAR_US)
    partition.clock_us = NOON_US + HOUR_US
    partition.repeats.missing_before("a producer", 5)
    return partition


def test_everything_comes_back() -> None:
    plan = a_plan()
    partition = a_partition(plan)
    assert len(partition.detector.windows.sketched) == 1
    assert partition.detector.alert_states.open
    assert partition.detector.alert_states.blocked
    again = restart(plan, partition)
    assert content(again) == content(partition)
    assert (again.position, again.clock_us) == (12, NOON_US + HOUR_US)
    assert again.repeats.missing_before("a producer", 5) is None
    assert again.detector.alert_states == partition.detector.alert_states


def test_a_partition_without_a_row_comes_back() -> None:
    plan = a_plan()
    assert restart(plan, Partition(plan.create(), 0)).clock_us is None


def test_chunks_fit_into_records() -> None:
    plan = create_plan(RULES, exact_cap_names=8)
    partition = Partition(plan.create(), 0)
    rng = np.random.default_rng(1)
    partition.detector.observe(transactions_of(hosts(range(900), NOON_US)), FAR_US)
    tables = partition.detector.windows.tables
    tables.sketch_panes[:] = rng.integers(0, 65_536, tables.sketch_panes.shape)
    tables.sketch_weights[:] = rng.integers(0, 256, tables.sketch_weights.shape)
    tables.domain_names[: tables.domain_names.size] = 1
    made = Snapshot(plan, partition)
    chunks = list(made.chunks())
    assert all(0 < len(chunk) <= CHUNK_BYTES for chunk in chunks)
    assert made.size_bytes == sum(map(len, chunks)) > 250_000


@pytest.mark.parametrize(
    "other",
    [
        create_plan(RULES[:1], exact_cap_names=8, evidence=16),
        create_plan((create_rule(threshold=4), RULES[1]), exact_cap_names=8, evidence=16),
        create_plan(RULES, exact_cap_names=9, evidence=16),
        create_plan(RULES, exact_cap_names=8, evidence=16, allow_list=["apple.com"]),
        create_plan(
            RULES, exact_cap_names=8, evidence=16, secret=SecretKey.derived_from(b"another")
        ),
        create_plan(RULES, exact_cap_names=8, evidence=2),
        create_plan(RULES, exact_cap_names=8, evidence=16, pairs=5),
    ],
)
def test_a_state_of_another_plan_is_none(other: DetectorPlan) -> None:
    plan = a_plan()
    manifest, chunks = snapshot(plan, a_partition(plan))
    with pytest.raises(InvalidRecordError, match="snapshot"):
        restored(other, manifest, chunks)


def test_a_state_fits_wherever_there_is_room() -> None:
    plan = a_plan()
    manifest, chunks = snapshot(plan, a_partition(plan))
    roomy = replace(plan, capacities=replace(plan.capacities, evidence=500, pairs=5_000))
    assert content(restored(roomy, manifest, chunks)) == content(a_partition(plan))


def test_a_snapshot_that_is_not_whole_is_none() -> None:
    plan = a_plan()
    manifest, chunks = snapshot(plan, a_partition(plan))
    changed = bytes([chunks[0][0] ^ 1]) + chunks[0][1:]
    for bad_manifest, bad_chunks in (
        (manifest, [changed, *chunks[1:]]),
        (manifest, chunks[:-1]),
        (manifest, [*chunks, b"more"]),
        (replace(manifest, position=manifest.position + 1), chunks),
        (replace(manifest, raw_bytes=manifest.raw_bytes + 1), chunks),
        (replace(manifest, checksum="0" * 32), chunks),
    ):
        with pytest.raises(InvalidRecordError):
            restored(plan, bad_manifest, bad_chunks)


def test_content_that_ends_early_or_is_no_zstd_is_none() -> None:
    plan = a_plan()
    whole = content(a_partition(plan))
    for length in (0, 7, 8, 100, len(whole) // 2, len(whole) - 2):
        with pytest.raises(InvalidRecordError):
            restored(plan, *signed(plan, whole[:length]))


def at(whole: bytes, array: np.ndarray, field: str) -> int:
    """Where a field of the first record of an array lies in the content."""
    start = whole.index(array[:1].tobytes())
    assert array.dtype.fields is not None
    # Of the links, that of a window that holds the first name.
    return start + array.dtype.fields[field][1] + 4 * (field == "next")


@pytest.mark.parametrize("value", [-1, -2, 1_000_000, 2**31 - 1])
@pytest.mark.parametrize(
    ("table", "field"),
    [
        ("heads", "unused_pair"),
        ("heads", "live_pairs"),
        ("heads", "unused_evidence"),
        ("heads", "free_pair"),
        ("heads", "evidence_hand"),
        ("heads", "names_bytes"),
        ("heads", "emptied"),
        ("pairs", "domain"),
        ("pairs", "pane"),
        ("pairs", "next"),
        ("domains", "name_offset"),
        ("domains", "counts"),
        ("evidence", "domain"),
        ("evidence", "clients"),
    ],
)
def test_an_index_that_leads_elsewhere_is_found(table: str, field: str, value: int) -> None:
    plan = a_plan()
    partition = a_partition(plan)
    whole = bytearray(content(partition))
    array = getattr(partition.detector.windows.tables, table)
    place = at(bytes(whole), array, field)
    width = 8 if table == "heads" else 4
    before = int.from_bytes(whole[place : place + width], "little", signed=True)
    other = value if value != before else -3
    whole[place : place + width] = other.to_bytes(width, "little", signed=True)
    with pytest.raises(InvalidRecordError):
        restored(plan, *signed(plan, bytes(whole)))


WHOLE_PLAN = a_plan()
WHOLE = content(a_partition(WHOLE_PLAN))
FACTS_BYTES = 8 + int.from_bytes(WHOLE[:8], "little")


@given(
    st.lists(
        st.tuples(
            st.integers(0, 600_000),
            st.one_of(
                st.sampled_from([-1, -2, 0, 1, 2, 7, 999, 1_000, 2**31 - 1, -(2**31)]),
                st.integers(-(2**31), 2**31 - 1),
            ),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_whatever_it_holds_it_is_refused_or_goes_on(changes: list[tuple[int, int]]) -> None:
    whole = bytearray(WHOLE)
    # The matrices of the sketch may hold anything, so look elsewhere.
    tables_bytes = len(whole) - FACTS_BYTES - 300_000
    for place, value in changes:
        start = FACTS_BYTES + place % tables_bytes // 4 * 4
        whole[start : start + 4] = value.to_bytes(4, "little", signed=True)
    try:
        partition = restored(WHOLE_PLAN, *signed(WHOLE_PLAN, bytes(whole)))
    except InvalidRecordError:
        return
    later = [replace(one, completed_us=one.completed_us + HOUR_US) for one in ROWS]
    events = partition.detector.observe(transactions_of(later), FAR_US)
    events += partition.detector.advance(NOON_US + 40 * HOUR_US)
    for event in events:
        encode_alert(event)
    content(partition)


def test_a_manifest_comes_back() -> None:
    plan = a_plan()
    manifest, _ = snapshot(plan, a_partition(plan))
    record = stored(manifest_record(manifest), offset=9)
    assert decode_manifest(record) == manifest
    assert re.fullmatch("[0-9a-f]{32}", layout_digest(plan))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ('"chunks":[0]', '"chunks":[]'),
        ('"chunks":[0]', '"chunks":[9]'),
        ('"chunks":[0]', '"chunks":[1,1]'),
        ('"chunks":[0]', '"chunks":[2,1]'),
        ('"chunks":[0]', '"chunks":[-1]'),
        ('"chunks":[0]', '"chunks":[0.5]'),
        ('"chunks":[0]', '"chunks":0'),
        ('"position":12', '"position":-1'),
        ('"position":12', '"position":true'),
        ('"checksum":"', '"checksum":"X'),
        ("geophone.snapshot/1", "geophone.snapshot/2"),
        ("geophone.snapshot/1", "geophone.alert/1"),
        ('"layout":', '"lay":'),
        ("{", " " * MOST_MANIFEST_BYTES + "{"),
        ("{", "["),
    ],
)
def test_a_garbled_manifest_is_none(name: str, value: str) -> None:
    plan = a_plan()
    manifest, _ = snapshot(plan, a_partition(plan))
    good = manifest_record(manifest)
    text = good.value.decode()
    assert name in text
    bad = replace(good, value=text.replace(name, value, 1).encode())
    with pytest.raises(InvalidRecordError):
        decode_manifest(stored(bad, offset=9))


def test_partitions_share_the_budgets() -> None:
    one = capacities_of_each(512 << 20, 64 << 20, 1)
    twelfth = capacities_of_each(512 << 20, 64 << 20, 12)
    assert 12 * twelfth.pairs <= one.pairs * 1.2
    assert 12 * twelfth.sketches <= one.sketches
    with pytest.raises(ConfigError, match="set memory_budget_bytes to at least 805306368"):
        capacities_of_each(512 << 20, 64 << 20, 48)
