"""Which of the snapshots on the log a detector goes on from."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from geophone_detector.assignment import Assignment
from geophone_detector.manifests import Manifest, chunk_record, manifest_record
from geophone_detector.measures import Measures
from geophone_detector.partition import Partition
from geophone_detector.plan import DetectorPlan
from geophone_detector.snapshots import Snapshot
from geophone_detector.state_log import StateLog
from geophone_shared.bus.embedded import open_embedded_bus
from geophone_shared.bus.records import Record, TopicPartition
from geophone_shared.bus.topics import DETECTOR_STATE, TRANSACTIONS, declared_topics
from geophone_shared.errors import ConfigError
from tests.support.detector_rows import FAR_US, NOON_US, hosts, transactions_of
from tests.support.detector_service import Log, a_log, now_us
from tests.support.snapshots import content, create_plan
from tests.support.window_driver import create_rule

STATE = TopicPartition(DETECTOR_STATE, 0)
END = 1_000


@pytest.fixture
async def log() -> AsyncIterator[Log]:
    async with a_log() as made:
        yield made


@pytest.fixture
def plan() -> DetectorPlan:
    return create_plan([create_rule()])


def at(plan: DetectorPlan, position: int) -> Partition:
    """A partition that has counted so many names."""
    partition = Partition(plan.create(), position)
    partition.detector.observe(transactions_of(hosts(range(position), NOON_US)), FAR_US)
    return partition


def state_log(log: Log, plan: DetectorPlan) -> StateLog:
    return StateLog(log.bus, plan, lambda: None)


async def test_there_is_none_at_first(log: Log, plan: DetectorPlan) -> None:
    assert await state_log(log, plan).newest(0, END) is None


async def test_the_latest_is_found(log: Log, plan: DetectorPlan) -> None:
    states = state_log(log, plan)
    for position in (1, 2, 3):
        await states.write(0, at(plan, position))
    found = await states.newest(0, END)
    assert found is not None
    assert found.position == 3
    assert content(found) == content(at(plan, 3))


async def test_a_snapshot_that_comes_late_loses(log: Log, plan: DetectorPlan) -> None:
    """A zombie wakes up in the middle of a snapshot, when another detector has gone on."""
    zombie = Snapshot(plan, at(plan, 2))
    offsets = [await log.bus.append(STATE, chunk_record(chunk)) for chunk in zombie.chunks()]
    states = state_log(log, plan)
    await states.write(0, at(plan, 5))
    await log.bus.append(STATE, manifest_record(zombie.manifest(offsets)))
    found = await states.newest(0, END)
    assert found is not None
    assert found.position == 5


async def test_chunks_of_two_may_lie_among_each_other(log: Log, plan: DetectorPlan) -> None:
    made = [Snapshot(plan, at(plan, position)) for position in (2, 5)]
    chunks = [list(snapshot.chunks()) for snapshot in made]
    offsets: list[list[int]] = [[], []]
    for pair in zip(*chunks, strict=True):
        for index, chunk in enumerate(pair):
            offsets[index].append(await log.bus.append(STATE, chunk_record(chunk)))
    for snapshot, places in zip(made, offsets, strict=True):
        await log.bus.append(STATE, manifest_record(snapshot.manifest(places)))
    found = await state_log(log, plan).newest(0, END)
    assert found is not None
    assert found.position == 5


async def test_what_is_no_snapshot_is_passed_over_and_counted(log: Log, plan: DetectorPlan) -> None:
    states = state_log(log, plan)
    await states.write(0, at(plan, 4))
    await states.write(0, at(plan, END + 1))
    headers = manifest_record(_manifest(plan, (0,))).headers
    await log.bus.append(STATE, Record(b"garbage", headers=headers))
    await log.bus.append(STATE, manifest_record(_manifest(plan, (0,))))
    await log.bus.append(STATE, manifest_record(_manifest(plan, (1,))))
    other = create_plan([create_rule(threshold=77)])
    await state_log(log, other).write(0, at(other, 9))
    for _ in range(40):
        await log.bus.append(STATE, chunk_record(b"of a snapshot that was never finished"))
    found = await states.newest(0, END)
    assert found is not None
    assert found.position == 4
    assert states.unusable == 5


def _manifest(plan: DetectorPlan, chunks: tuple[int, ...]) -> Manifest:
    snapshot = Snapshot(plan, at(plan, 7))
    list(snapshot.chunks())
    return snapshot.manifest(chunks)


@pytest.mark.parametrize("lost", [3, 40, 2_000])
async def test_what_is_lost_at_the_end_hides_no_snapshot(
    tmp_path: Path, plan: DetectorPlan, lost: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the embedded log was damaged; a chunk that is lost makes its snapshot useless."""
    monkeypatch.setattr("geophone_detector.state_log._POLL_SECONDS", 0.02)
    path = tmp_path / "log.sqlite"
    async with open_embedded_bus(path) as bus:
        await bus.create_topics(declared_topics(1))
        states = StateLog(bus, plan, lambda: None)
        for position in (1, 2):
            await states.write(0, at(plan, position))
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("DELETE FROM record WHERE place IN (SELECT max(place) FROM record)")
            connection.execute("UPDATE partition SET end_offset = end_offset + ?", (lost,))
        found = await states.newest(0, END)
        assert found is not None
        assert found.position == 1
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("DELETE FROM record WHERE place IN (SELECT min(place) FROM record)")
        assert await states.newest(0, END) is None
        assert states.unusable == 1


@pytest.mark.parametrize("is_secret_shared", [False, True])
async def test_a_part_of_the_partitions_needs_a_key_that_is_shared(
    plan: DetectorPlan, is_secret_shared: bool
) -> None:
    async with a_log(2) as log:
        total = None if is_secret_shared else 2
        states = state_log(log, plan)
        assignment = Assignment(plan, states, Measures(log.metrics), now_us, total)
        both = [TopicPartition(TRANSACTIONS, number) for number in range(2)]

        async def nothing(_partitions: object) -> None:
            return

        async with log.bus.group_reader(
            "group", [TRANSACTIONS], on_assigned=nothing, on_revoked=nothing
        ) as reader:
            await assignment.begin(reader, both)
            assert list(assignment.held) == both
            await assignment.release(both)
            if is_secret_shared:
                await assignment.begin(reader, both[:1])
                assert list(assignment.held) == both[:1]
            else:
                with pytest.raises(ConfigError, match="GEOPHONE_DETECTOR_HASH_KEY_FILE"):
                    await assignment.begin(reader, both[:1])
