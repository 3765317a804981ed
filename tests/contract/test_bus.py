"""What every log does: the contract, over all of its implementations."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from geophone_shared.bus.contract import Bus, GroupReader
from geophone_shared.bus.embedded import open_embedded_bus
from geophone_shared.bus.memory import open_memory_bus
from geophone_shared.bus.records import Record, TopicPartition
from geophone_shared.errors import ConfigError, TransientError
from tests.support.buses import a_member, a_topic, append, kafka_bus, of, read_values


@pytest.fixture(params=["memory", "embedded", "kafka"])
async def bus(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bus]:
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            yield await stack.enter_async_context(open_memory_bus())
        elif request.param == "embedded":
            yield await stack.enter_async_context(open_embedded_bus(tmp_path / "log.sqlite"))
        else:
            broker = request.getfixturevalue("kafka_broker")
            yield await stack.enter_async_context(kafka_bus(broker))


async def test_a_record_is_read_as_it_was_appended(bus: Bus) -> None:
    topic = a_topic()
    await bus.create_topics([topic])
    record = Record(
        value=b"\x00value\xff",
        key=b"example.com",
        headers=(("rows", b"7"), ("rows", b""), ("sensör", b"\xff")),
    )
    before_us = time.time_ns() // 1_000_000 * 1000
    assert await bus.append(of(topic), record) == 0
    async with bus.reader([of(topic)]) as reader:
        polled = await reader.poll(5, 10)
        assert list(polled) == [of(topic)]
        (stored,) = polled[of(topic)]
    assert (stored.offset, stored.value, stored.key, stored.headers) == (
        0,
        record.value,
        record.key,
        record.headers,
    )
    assert before_us <= stored.published_us <= time.time_ns() // 1000


async def test_an_empty_record_without_a_key_is_one(bus: Bus) -> None:
    topic = a_topic()
    await bus.create_topics([topic])
    await bus.append(of(topic), Record(b""))
    async with bus.reader([of(topic)]) as reader:
        ((stored,),) = (await reader.poll(5, 10)).values()
    assert (stored.value, stored.key, stored.headers) == (b"", None, ())


async def test_partitions_have_offsets_of_their_own_and_keep_their_order(bus: Bus) -> None:
    topic = a_topic(3)
    await bus.create_topics([topic])
    for number in range(3):
        values = [b"%d.%d" % (number, index) for index in range(4 + number)]
        assert await append(bus, of(topic, number), *values) == list(range(4 + number))
    for number in range(3):
        expected = [b"%d.%d" % (number, index) for index in range(4 + number)]
        assert await read_values(bus, of(topic, number)) == expected


async def test_one_reader_reads_several_partitions(bus: Bus) -> None:
    first, second = a_topic(2), a_topic()
    await bus.create_topics([first, second])
    partitions = [of(first, 0), of(first, 1), of(second)]
    for each in partitions:
        await append(bus, each, *(b"%d" % index for index in range(20)))
    read: dict[TopicPartition, list[bytes]] = {each: [] for each in partitions}
    async with bus.reader(partitions) as reader:
        while sum(map(len, read.values())) < 60:
            polled = await reader.poll(5, 7)
            assert 0 < sum(map(len, polled.values())) <= 7
            for each, records in polled.items():
                read[each] += [record.value for record in records]
        assert await reader.positions() == dict.fromkeys(partitions, 20)
        assert await reader.poll(0, 10) == {}
    assert all(values == [b"%d" % index for index in range(20)] for values in read.values())


async def test_polls_that_run_out_of_time_lose_nothing(bus: Bus) -> None:
    topic = a_topic()
    await bus.create_topics([topic])
    values = [b"%d" % index for index in range(50)]
    read: list[bytes] = []
    async with bus.reader([of(topic)]) as reader, asyncio.TaskGroup() as tasks:
        tasks.create_task(append(bus, of(topic), *values))
        while len(read) < len(values):
            for records in (await reader.poll(0.001, 3)).values():
                read += [record.value for record in records]
    assert read == values


async def test_a_poll_may_want_fewer_than_the_one_before(bus: Bus) -> None:
    topic = a_topic()
    await bus.create_topics([topic])
    read: list[int] = []
    async with bus.reader([of(topic)]) as reader:
        assert await reader.poll(0.001, 1000) == {}
        await append(bus, of(topic), *(b"%d" % index for index in range(20)))
        while len(read) < 20:
            polled = await reader.poll(5, 2)
            assert 0 < len(polled[of(topic)]) <= 2
            read += [record.offset for record in polled[of(topic)]]
    assert read == list(range(20))


async def test_cancelled_polls_lose_nothing(bus: Bus) -> None:
    topic = a_topic()
    await bus.create_topics([topic])
    values = [b"%d" % index for index in range(50)]
    read: list[bytes] = []
    async with bus.reader([of(topic)]) as reader, asyncio.TaskGroup() as tasks:
        tasks.create_task(append(bus, of(topic), *values))
        while len(read) < len(values):
            try:
                async with asyncio.timeout(0.002):
                    polled = await reader.poll(1, 3)
            except TimeoutError:
                continue
            for records in polled.values():
                read += [record.value for record in records]
    assert read == values


async def test_a_waiting_reader_is_woken_by_an_append(bus: Bus) -> None:
    topic = a_topic()
    await bus.create_topics([topic])
    async with bus.reader([of(topic)]) as reader, asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(reader.poll(30, 10))
        assert await reader.positions() == {of(topic): 0}
        begin = time.monotonic()
        await append(bus, of(topic), b"news")
        polled = await waiting
    assert polled[of(topic)][0].value == b"news"
    assert time.monotonic() - begin < 2


async def test_seeking_forward_and_back(bus: Bus) -> None:
    topic = a_topic()
    await bus.create_topics([topic])
    await append(bus, of(topic), *(b"%d" % index for index in range(10)))
    async with bus.reader([of(topic)]) as reader:
        for begin in (7, 2, 0, 9):
            reader.seek(of(topic), begin)
            assert await reader.positions() == {of(topic): begin}
            polled = await reader.poll(5, 1)
            assert [record.offset for record in polled[of(topic)]] == [begin]


async def test_a_position_behind_the_end_goes_on_at_the_first_record(bus: Bus) -> None:
    topic = a_topic()
    await bus.create_topics([topic])
    await append(bus, of(topic), b"0", b"1")
    async with bus.reader([of(topic)]) as reader:
        reader.seek(of(topic), 100)
        polled = await reader.poll(5, 10)
        assert [record.offset for record in polled[of(topic)]] == [0, 1]


async def test_only_what_is_read_can_be_sought(bus: Bus) -> None:
    topic = a_topic(2)
    await bus.create_topics([topic])
    async with bus.reader([of(topic, 0)]) as reader:
        with pytest.raises(ValueError, match=r"test\.\d+/1"):
            reader.seek(of(topic, 1), 0)


async def test_bounds_of_partitions(bus: Bus) -> None:
    topic = a_topic(2)
    await bus.create_topics([topic])
    await append(bus, of(topic, 1), b"0", b"1", b"2")
    async with bus.reader([of(topic, 0), of(topic, 1)]) as reader:
        assert await reader.first_offsets() == {of(topic, 0): 0, of(topic, 1): 0}
        assert await reader.end_offsets() == {of(topic, 0): 0, of(topic, 1): 3}


async def test_offsets_of_a_publish_time(bus: Bus) -> None:
    topic = a_topic(2)
    await bus.create_topics([topic])
    for index in range(4):
        await append(bus, of(topic), b"%d" % index)
        await asyncio.sleep(0.003)  # so that publish times differ
    async with bus.reader([of(topic), of(topic, 1)]) as reader:
        times_us = [record.published_us for record in (await reader.poll(5, 10))[of(topic)]]
        for index, time_us in enumerate(times_us):
            assert (await reader.offsets_at(time_us))[of(topic)] == index
            # A microsecond later, it is the next one's; of an empty partition, its end.
            assert await reader.offsets_at(time_us + 1) == {of(topic): index + 1, of(topic, 1): 0}
        assert (await reader.offsets_at(0))[of(topic)] == 0


async def test_records_of_any_size_up_to_the_limit(bus: Bus) -> None:
    topic = a_topic()
    await bus.create_topics([topic])
    rest = Record(b"", b"key", (("name", b"value"),))
    largest = Record(bytes(1_000_000 - rest.size_bytes), rest.key, rest.headers)
    assert await bus.append(of(topic), largest) == 0
    with pytest.raises(ValueError, match="1000001 bytes"):
        await bus.append(of(topic), Record(bytes(1_000_001)))
    assert await bus.append(of(topic), Record(b"next")) == 1
    assert list(map(len, await read_values(bus, of(topic)))) == [len(largest.value), 4]


async def test_concurrent_appends_get_offsets_of_their_own(bus: Bus) -> None:
    topic = a_topic(2)
    await bus.create_topics([topic])
    async with asyncio.TaskGroup() as tasks:
        appends = [
            (number, tasks.create_task(bus.append(of(topic, number), Record(b"%d" % index))))
            for index in range(40)
            for number in range(2)
        ]
    for number in range(2):
        offsets = [task.result() for of_number, task in appends if of_number == number]
        assert sorted(offsets) == list(range(40))
        values = await read_values(bus, of(topic, number))
        assert [int(values[offset]) for offset in offsets] == list(range(40))


async def test_unknown_topics_and_partitions_are_refused(bus: Bus) -> None:
    topic = a_topic(2)
    await bus.create_topics([topic])
    nowhere, no_partition = TopicPartition("test.nowhere", 0), of(topic, 2)
    with pytest.raises(ConfigError, match=r"test\.nowhere does not exist: run"):
        await bus.append(nowhere, Record(b""))
    with pytest.raises(ConfigError, match="has 2 partitions, none is 2"):
        await bus.append(no_partition, Record(b""))
    with pytest.raises(ConfigError, match=r"test\.nowhere does not exist"):
        async with bus.reader([of(topic), nowhere]):
            pass
    with pytest.raises(ConfigError, match=r"test\.\d+ does not exist"):
        async with a_member(bus, "nobody", a_topic()):
            pass


async def test_topics_are_as_they_were_created_and_are_created_once(bus: Bus) -> None:
    topic = a_topic(5, limit_bytes=2_000)
    await bus.create_topics([topic])
    await append(bus, of(topic), b"stays")
    await bus.create_topics([topic, a_topic()])
    assert await bus.describe_topics([topic.name, "test.nowhere"]) == {topic.name: topic}
    assert await read_values(bus, of(topic)) == [b"stays"]


async def test_a_member_is_told_what_it_has_before_it_reads(bus: Bus) -> None:
    topic = a_topic(3)
    await bus.create_topics([topic])
    for number in range(3):
        await append(bus, of(topic, number), b"a", b"b")
    async with a_member(bus, f"of {topic.name}", topic) as member:
        await member.poll_until(6)
        assert member.told == [("assigned", (of(topic, 0), of(topic, 1), of(topic, 2)))]
    assert sorted(member.values()) == [b"a", b"a", b"a", b"b", b"b", b"b"]
    assert len(member.told) == 1  # leaving tells nothing


async def test_a_group_goes_on_where_it_committed(bus: Bus) -> None:
    topic, group = a_topic(2), "of the day"
    await bus.create_topics([topic])
    for number in range(2):
        await append(bus, of(topic, number), b"0", b"1", b"2")
    async with a_member(bus, group, topic) as member:
        await member.poll_until(6)
        assert await member.reader.committed() == {}
        await member.reader.commit({of(topic, 0): 2})
        assert await member.reader.committed() == {of(topic, 0): 2}
        await member.reader.commit({})
    async with a_member(bus, group, topic) as member:
        await member.poll_until(4)
        assert await member.reader.committed() == {of(topic, 0): 2}
        assert await member.reader.positions() == {of(topic, 0): 3, of(topic, 1): 3}
        read = sorted((each.partition, record.offset) for each, record in member.read)
        assert read == [(0, 2), (1, 0), (1, 1), (1, 2)]
    async with a_member(bus, f"another than {group}", topic) as member:
        await member.poll_until(6)


async def test_a_member_may_seek_when_it_is_told(bus: Bus) -> None:
    topic = a_topic(2)
    await bus.create_topics([topic])
    for number in range(2):
        await append(bus, of(topic, number), *(b"%d" % index for index in range(10)))
    async with a_member(bus, f"seeks {topic.name}", topic) as member:

        async def go_to_8(reader: GroupReader) -> None:
            assert await reader.committed() == {}
            assert await reader.end_offsets() == {of(topic, 0): 10, of(topic, 1): 10}
            reader.seek(of(topic, 0), 8)

        member.when_assigned = go_to_8
        await member.poll_until(12)
        assert await member.poll(0.2) == 0
    assert sorted(record.offset for each, record in member.read if each == of(topic, 0)) == [8, 9]


async def test_a_callback_that_fails_is_called_again(bus: Bus) -> None:
    topic = a_topic()
    await bus.create_topics([topic])
    await append(bus, of(topic), b"0")
    async with a_member(bus, f"fails {topic.name}", topic) as member:

        async def fail_once(_: GroupReader) -> None:
            member.when_assigned = None
            raise TransientError("not yet")

        member.when_assigned = fail_once
        with pytest.raises(TransientError, match="not yet"):
            await member.poll_until(1)
        assert member.read == []
        await member.poll_until(1)
        assert member.told == [("assigned", (of(topic),))] * 2


async def test_only_what_a_member_reads_can_be_committed(bus: Bus) -> None:
    topic = a_topic(2)
    await bus.create_topics([topic])
    async with a_member(bus, f"commits {topic.name}", topic) as member:
        await append(bus, of(topic), b"0")
        await member.poll_until(1)
        with pytest.raises(ValueError, match="only partitions that are read"):
            await member.reader.commit({of(topic, 2): 0})
