"""What the embedded and the memory log do that Kafka's broker decides for itself."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from geophone_shared.bus.contract import GroupReader, Reader
from geophone_shared.bus.embedded import open_embedded_bus
from geophone_shared.bus.local import Arrivals, LocalBus, LocalReader
from geophone_shared.bus.memory import open_memory_bus
from geophone_shared.bus.records import TopicPartition
from geophone_shared.errors import TransientError
from tests.support.buses import a_member, a_topic, append, of, read_values

HOUR_US = 3_600_000_000


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now_us = 1_700_000_000_123_456

    def __call__(self) -> int:
        return self.now_us


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "embedded"])
async def bus(
    request: pytest.FixtureRequest, tmp_path: Path, clock: Clock
) -> AsyncIterator[LocalBus]:
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            yield await stack.enter_async_context(open_memory_bus(clock))
        else:
            log = open_embedded_bus(tmp_path / "log.sqlite", clock)
            yield await stack.enter_async_context(log)


async def test_publish_times_are_whole_milliseconds_and_never_go_back(
    bus: LocalBus, clock: Clock
) -> None:
    topic = a_topic()
    await bus.create_topics([topic])
    await append(bus, of(topic), b"0")
    clock.now_us -= 5_000_000
    await append(bus, of(topic), b"1")
    clock.now_us += 6_000_000
    await append(bus, of(topic), b"2")
    async with bus.reader([of(topic)]) as reader:
        times_us = [record.published_us for record in (await reader.poll(1, 9))[of(topic)]]
        assert times_us == [
            1_700_000_000_123_000,
            1_700_000_000_123_000,
            1_700_000_001_123_000,
        ]
        assert await reader.offsets_at(times_us[0]) == {of(topic): 0}
        assert await reader.offsets_at(times_us[0] + 1) == {of(topic): 2}


async def test_records_are_forgotten_by_age(bus: LocalBus, clock: Clock) -> None:
    topic = a_topic()  # an hour
    await bus.create_topics([topic])
    for index in range(6):
        await append(bus, of(topic), b"%d" % index)
        clock.now_us += HOUR_US // 4
    async with bus.reader([of(topic)]) as reader:
        # The sixth came 75 minutes after the first.
        assert await reader.first_offsets() == {of(topic): 1}
        assert await reader.end_offsets() == {of(topic): 6}
        assert await reader.positions() == {of(topic): 1}
        assert await reader.offsets_at(0) == {of(topic): 1}
        reader.seek(of(topic), 0)
        records = (await reader.poll(1, 9))[of(topic)]
    assert [(record.offset, record.value) for record in records] == [
        (index, b"%d" % index) for index in range(1, 6)
    ]
    clock.now_us += 10 * HOUR_US
    assert await append(bus, of(topic), b"6") == [6]
    assert await read_values(bus, of(topic)) == [b"6"]


async def test_records_are_forgotten_by_size(bus: LocalBus) -> None:
    topic = replace(a_topic(2), retention_bytes=1000)
    await bus.create_topics([topic])
    for index in range(100):
        await append(bus, of(topic), b"%d" % index + bytes(98))
    await append(bus, of(topic, 1), b"stays")
    values = await read_values(bus, of(topic))
    assert [value.rstrip(b"\0") for value in values] == [b"%d" % index for index in range(90, 100)]
    assert await read_values(bus, of(topic, 1)) == [b"stays"]


async def test_what_is_kept_follows_what_is_declared(bus: LocalBus, clock: Clock) -> None:
    topic = a_topic(2)
    await bus.create_topics([topic])
    await append(bus, of(topic), b"0")
    longer = replace(topic, retention_seconds=7200, partitions=3)
    await bus.create_topics([longer])
    described = await bus.describe_topics([topic.name])
    assert described[topic.name] == replace(longer, partitions=2)
    clock.now_us += HOUR_US * 3 // 2
    await append(bus, of(topic), b"1")
    assert await read_values(bus, of(topic)) == [b"0", b"1"]


async def test_a_group_has_one_member(bus: LocalBus) -> None:
    topic = a_topic()
    await bus.create_topics([topic])
    async with a_member(bus, "one", topic), a_member(bus, "another", topic):
        with pytest.raises(ValueError, match="one has its member already"):
            async with a_member(bus, "one", topic):
                pass
    async with a_member(bus, "one", topic) as member:
        await append(bus, of(topic), b"0")
        await member.poll_until(1)


async def test_a_member_can_lose_all_and_get_it_again(bus: LocalBus) -> None:
    topic = a_topic(2)
    await bus.create_topics([topic])
    await append(bus, of(topic), b"0", b"1")
    async with a_member(bus, "one", topic) as member:
        bus.rebalance("one")  # nothing to lose yet
        await member.poll_until(2)
        await member.reader.commit({of(topic): 1})
        bus.rebalance("one")
        await member.poll_until(3)
        held = (of(topic, 0), of(topic, 1))
        assert member.told == [("assigned", held), ("revoked", held), ("assigned", held)]
    assert member.values() == [b"0", b"1", b"1"]


async def test_a_revocation_that_fails_is_told_again(bus: LocalBus) -> None:
    topic = a_topic()
    await bus.create_topics([topic])
    async with a_member(bus, "one", topic) as member:
        await append(bus, of(topic), b"0")
        await member.poll_until(1)

        async def fail_once(_: GroupReader) -> None:
            member.when_revoked = None
            raise TransientError("not yet")

        member.when_revoked = fail_once
        bus.rebalance("one")
        with pytest.raises(TransientError, match="not yet"):
            await member.poll()
        await member.poll_until(2)
        assert [told for told, _ in member.told] == ["assigned", "revoked", "revoked", "assigned"]


async def test_readers_by_hand_have_no_group(bus: LocalBus) -> None:
    topic = a_topic()
    await bus.create_topics([topic])
    async with bus.reader([of(topic)]) as reader:
        with pytest.raises(ValueError, match="in no group"):
            await reader.commit({of(topic): 0})


@pytest.mark.parametrize("is_member", [False, True])
async def test_a_reader_at_its_end_asks_the_store_only_after_an_arrival(
    bus: LocalBus, monkeypatch: pytest.MonkeyPatch, *, is_member: bool
) -> None:
    topic = a_topic(partitions=2)
    await bus.create_topics([topic])
    asked: list[TopicPartition] = []
    read = LocalReader._read

    async def counted_read(reader: LocalReader, most: int) -> dict[TopicPartition, list[Any]]:
        asked.extend(reader.partitions)
        return await read(reader, most)

    monkeypatch.setattr(LocalReader, "_read", counted_read)
    opened: AbstractAsyncContextManager[Reader] = bus.reader([of(topic, 0), of(topic, 1)])
    if is_member:
        opened = bus.group_reader("group", [topic.name], on_assigned=_heed, on_revoked=_heed)
    async with opened as reader:
        assert await reader.poll(0.01, 9) == {}
        asked.clear()
        assert await reader.poll(0.01, 9) == {}
        assert asked == []
        await append(bus, of(topic, 1), b"0")  # between two polls
        await append(bus, of(topic, 1), b"1")
        assert [len(polled) for polled in (await reader.poll(1, 1)).values()] == [1]
        assert [len(polled) for polled in (await reader.poll(1, 1)).values()] == [1]
        assert await reader.poll(0.01, 9) == {}
        reader.seek(of(topic, 1), 0)
        assert list(await reader.poll(1, 9)) == [of(topic, 1)]


async def _heed(_partitions: Sequence[TopicPartition]) -> None:
    """What a member of a group is told."""


async def test_a_poll_that_fails_or_is_cancelled_reads_again(
    bus: LocalBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = a_topic()
    await bus.create_topics([topic])
    await append(bus, of(topic), b"0")
    read = LocalReader._read

    async def fail(_reader: LocalReader, _most: int) -> dict[TopicPartition, list[Any]]:
        monkeypatch.setattr(LocalReader, "_read", read)
        raise TransientError("the disk fails")

    async with bus.reader([of(topic)]) as reader:
        monkeypatch.setattr(LocalReader, "_read", fail)
        with pytest.raises(TransientError):
            await reader.poll(1, 9)
        assert list(await reader.poll(1, 9)) == [of(topic)]


async def test_only_those_are_woken_who_read_the_partition() -> None:
    arrivals = Arrivals()
    one, other = TopicPartition("topic", 0), TopicPartition("topic", 1)
    with arrivals.expected([one]) as first, arrivals.expected([one, other]) as second:
        arrivals.announce(other)
        assert not first.is_set()
        assert second.is_set()
        second.clear()
        arrivals.announce(one)
        assert first.is_set()
        assert second.is_set()
        first.clear()
    arrivals.announce(one)
    assert not first.is_set()
