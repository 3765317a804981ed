"""What becomes of the log when a real broker is killed, frozen, restarted, or can't be reached."""

import asyncio
import time
from dataclasses import replace

import pytest

from geophone_shared.bus.contract import Bus, GroupReader
from geophone_shared.bus.kafka import KafkaConnection, open_kafka_bus
from geophone_shared.bus.records import Record, TopicPartition
from geophone_shared.errors import ConfigError, InvalidRecordError, TransientError
from tests.support.buses import (
    QUICK,
    Member,
    a_member,
    a_topic,
    append,
    kafka_bus,
    of,
    read_values,
)
from tests.support.kafka.broker import KafkaBroker


async def _append_surely(bus: Bus, partition: TopicPartition, values: list[bytes]) -> list[int]:
    """Append one after the other, again and again until acknowledged; the offsets."""
    offsets = []
    for value in values:
        while True:
            try:
                offsets.append(await bus.append(partition, Record(value)))
            except TransientError:
                await asyncio.sleep(0.05)
            else:
                break
    return offsets


async def test_a_broker_that_is_killed_loses_nothing_that_it_acknowledged(
    kafka_broker: KafkaBroker,
) -> None:
    topic = a_topic(2)
    values = [b"%d" % index for index in range(1500)]
    async with kafka_bus(kafka_broker) as bus:
        await bus.create_topics([topic])
        async with a_member(bus, f"of {topic.name}", topic) as member:
            async with asyncio.TaskGroup() as tasks:
                appends = [
                    tasks.create_task(_append_surely(bus, of(topic, number), values))
                    for number in range(2)
                ]
                await member.poll_until(200)
                kafka_broker.kill()
                await asyncio.sleep(0.3)
                await asyncio.to_thread(kafka_broker.start)
            assert len(member.read) < 2 * len(values)  # it was killed in the middle
            for number in range(2):
                stored = await read_values(bus, of(topic, number))
                offsets = appends[number].result()
                assert [stored[offset] for offset in offsets] == values
            total = sum([len(await read_values(bus, of(topic, number))) for number in range(2)])
            await member.poll_until(total)
    for number in range(2):
        read = [record.offset for each, record in member.read if each.partition == number]
        assert read == list(range(len(read)))
    assert [told for told, _ in member.told] == ["assigned"]


async def test_a_frozen_broker_makes_appends_fail_in_time_and_succeed_later(
    kafka_broker: KafkaBroker,
) -> None:
    topic = a_topic()
    async with kafka_bus(kafka_broker, replace(QUICK, append_seconds=2.0)) as bus:
        await bus.create_topics([topic])
        await append(bus, of(topic), b"before")
        kafka_broker.pause()
        try:
            begin = time.monotonic()
            with pytest.raises(TransientError, match="Kafka did not take a record for test"):
                await append(bus, of(topic), b"during")
            assert time.monotonic() - begin < 2.5
        finally:
            kafka_broker.resume()
        await append(bus, of(topic), b"after")
        values = await read_values(bus, of(topic))
    assert [value for value in values if value != b"during"] == [b"before", b"after"]


async def test_what_a_replaced_producer_still_had_never_comes(kafka_broker: KafkaBroker) -> None:
    topic = a_topic()
    connection = KafkaConnection(bootstrap_servers=kafka_broker.bootstrap_servers)
    async with open_kafka_bus(connection, QUICK) as bus:
        await bus.create_topics([topic])
        await append(bus, of(topic), b"before")
        # Earlier than its producer gives up, as if that were stuck.
        bus.writer._append_seconds = 0.5
        kafka_broker.pause()
        try:
            async with asyncio.TaskGroup() as tasks:
                first = tasks.create_task(_outcome(bus, of(topic), b"first"))
                await asyncio.sleep(0.1)
                others = [tasks.create_task(_outcome(bus, of(topic), b"other")) for _ in range(20)]
        finally:
            kafka_broker.resume()
        assert first.result() is None
        assert [task.result() for task in others] == [None] * 20
        assert bus.writer.replaced == 1
        bus.writer._append_seconds = QUICK.append_seconds
        await append(bus, of(topic), b"after")
        await asyncio.sleep(1)
        values = await read_values(bus, of(topic))
    # The first was on its way when the producer was replaced.
    assert [value for value in values if value != b"first"] == [b"before", b"after"]


async def _outcome(bus: Bus, partition: TopicPartition, value: bytes) -> int | None:
    """The record's offset, or None where it wasn't acknowledged."""
    try:
        return await bus.append(partition, Record(value))
    except TransientError:
        return None


async def test_partitions_are_shared_among_the_members_that_there_are(
    kafka_broker: KafkaBroker,
) -> None:
    topic, group = a_topic(12), "growing"
    partitions = {of(topic, number) for number in range(12)}

    async def commit_read(reader: GroupReader) -> None:
        await reader.commit(await reader.positions())

    async with kafka_bus(kafka_broker) as bus:
        await bus.create_topics([topic])
        async with a_member(bus, group, topic, name="first") as first:
            first.when_revoked = commit_read
            await _settle(bus, [first])
            assert first.held == partitions
            async with a_member(bus, group, topic, name="second") as second:
                second.when_revoked = commit_read
                await _settle(bus, [first, second])
                assert (len(first.held), len(second.held)) == (6, 6)
                assert first.held | second.held == partitions
                await second.reader.commit(await second.reader.positions())
                # The first kept half of what it had.
                assert first.told[-1] == ("assigned", tuple(sorted(first.held)))
            await _settle(bus, [first])
            assert first.held == partitions
    read = [(each, record.offset) for member in (first, second) for each, record in member.read]
    assert sorted(read) == sorted(set(read))  # since all was committed, none came twice
    assert {each for each, _ in read} == partitions
    assert all(
        (each, offset) in set(read)
        for each in partitions
        for offset in range(1 + max(offset for other, offset in read if other == each))
    )


async def _settle(bus: Bus, members: list[Member]) -> None:
    """Let members poll until they hold 12 partitions, then append to each and have it read."""

    while sum(len(each.held) for each in members) != 12 or not all(each.held for each in members):
        async with asyncio.TaskGroup() as tasks:
            for member in members:
                tasks.create_task(member.poll())
    wanted = sum(len(member.read) for member in members) + 24
    for partition in sorted({each for member in members for each in member.held}):
        await append(bus, partition, b"a", b"b")
    while sum(len(member.read) for member in members) < wanted:
        for member in members:
            await member.poll()


async def test_a_member_that_comes_back_soon_disturbs_nobody(kafka_broker: KafkaBroker) -> None:
    topic, group = a_topic(4), "returning"
    async with kafka_bus(kafka_broker) as bus:
        await bus.create_topics([topic])
        async with a_member(bus, group, topic, name="first") as first:
            async with a_member(bus, group, topic, name="second") as second:
                while (len(first.held), len(second.held)) != (2, 2):
                    await first.poll()
                    await second.poll()
                held, told = second.held, len(first.told)
            async with a_member(bus, group, topic, name="second") as second:
                while not second.held:
                    await first.poll()
                    await second.poll()
                assert second.held == held
            assert len(first.told) == told


async def test_a_member_that_takes_long_to_begin_is_not_expelled(
    kafka_broker: KafkaBroker,
) -> None:
    topic = a_topic()

    async def restore(_: GroupReader) -> None:
        await asyncio.sleep(1.5 * QUICK.session_seconds)

    async with kafka_bus(kafka_broker) as bus:
        await bus.create_topics([topic])
        await append(bus, of(topic), b"0")
        async with a_member(bus, "slow", topic) as member:
            member.when_assigned = restore
            await member.poll_until(1)
            await member.reader.commit({of(topic): 1})
            assert [told for told, _ in member.told] == ["assigned"]


async def test_an_expelled_member_commits_nothing_and_reads_nothing_more(
    kafka_broker: KafkaBroker,
) -> None:
    topic, group = a_topic(), "expelling"
    async with (
        kafka_bus(kafka_broker, replace(QUICK, poll_interval_seconds=1.0)) as slow_bus,
        kafka_bus(kafka_broker) as bus,
    ):
        await bus.create_topics([topic])
        await append(bus, of(topic), *(b"%d" % index for index in range(10)))
        async with a_member(slow_bus, group, topic) as slow:
            while not slow.read:
                await slow.poll(0.1, 2)
            read = len(slow.read)
            async with a_member(bus, group, topic) as quick:
                await quick.poll_until(10)  # it got them while the other slept
                await quick.reader.commit({of(topic): 10})
                with pytest.raises(TransientError, match="Kafka did not commit offsets"):
                    await slow.reader.commit({of(topic): 2})
                while slow.held:
                    await slow.poll()
                assert len(slow.read) == read
                assert [told for told, _ in slow.told] == ["assigned", "revoked"]
                assert await quick.reader.committed() == {of(topic): 10}


async def test_commits_survive_a_restart_and_are_never_taken_for_none(
    kafka_broker: KafkaBroker,
) -> None:
    topic, group = a_topic(), "committing"
    async with kafka_bus(kafka_broker) as bus:
        await bus.create_topics([topic])
        await append(bus, of(topic), *(b"%d" % index for index in range(10)))
        async with a_member(bus, group, topic) as member:
            await member.poll_until(10)
            await member.reader.commit({of(topic): 7})
            for _ in range(2):
                await asyncio.to_thread(kafka_broker.stop)
                await asyncio.to_thread(kafka_broker.start)
                for _ in range(20):
                    try:
                        assert await member.reader.committed() == {of(topic): 7}
                    except TransientError:
                        continue
    async with kafka_bus(kafka_broker) as bus, a_member(bus, group, topic) as member:
        await member.poll_until(3)
        assert member.values() == [b"7", b"8", b"9"]


async def test_a_damaged_record_is_skipped_and_takes_none_along(kafka_broker: KafkaBroker) -> None:
    topic = a_topic(2)
    async with kafka_bus(kafka_broker) as bus:
        await bus.create_topics([topic])
        for number in range(2):
            await append(bus, of(topic, number), *(b"%d of 5" % index for index in range(5)))
        await asyncio.to_thread(kafka_broker.stop)  # after a kill, it would cut the file itself
        (segment,) = (kafka_broker.folder / "log" / f"{topic.name}-1").glob("*.log")
        content = segment.read_bytes()
        assert content.count(b"2 of 5") == 1
        segment.write_bytes(content.replace(b"2 of 5", b"2 of 6"))
        await asyncio.to_thread(kafka_broker.start)
        async with a_member(bus, "careful", topic) as member:
            with pytest.raises(InvalidRecordError, match="damaged"):
                await member.poll_until(9)
            await member.poll_until(9)
            assert await member.poll(0.5) == 0
    for number in range(2):
        values = [record.value for each, record in member.read if each == of(topic, number)]
        assert values == [b"%d of 5" % index for index in range(5) if (number, index) != (1, 2)]


async def test_a_topic_that_is_deleted_meanwhile_is_said_to_be_missing(
    kafka_broker: KafkaBroker,
) -> None:
    topic = a_topic()
    async with kafka_bus(kafka_broker) as bus:
        await bus.create_topics([topic])
        await append(bus, of(topic), b"0")
        kafka_broker.run_tool("TopicCommand", "--delete", "--topic", topic.name)
        with pytest.raises(ConfigError, match="does not exist: run `geophone topics create`"):
            await _append_surely(bus, of(topic), [b"1"])


@pytest.mark.parametrize("verb", ["kill", "pause"])
async def test_leaving_a_broker_that_is_away_takes_seconds(
    kafka_broker: KafkaBroker, verb: str
) -> None:
    topic = a_topic()
    impatient = replace(QUICK, append_seconds=1.0, answer_seconds=1.0)
    try:
        async with kafka_bus(kafka_broker, impatient) as bus:
            await bus.create_topics([topic])
            await append(bus, of(topic), b"0")
            async with bus.reader([of(topic)]) as reader, a_member(bus, "leaving", topic) as member:
                await member.poll_until(1)
                await reader.poll(5, 1)
                getattr(kafka_broker, verb)()
                with pytest.raises(TransientError):
                    await member.reader.commit({of(topic): 1})
                with pytest.raises(TransientError):
                    await reader.end_offsets()
                with pytest.raises(TransientError):
                    await append(bus, of(topic), b"1")
                assert await member.poll() == 0
                begin = time.monotonic()
        assert time.monotonic() - begin < 6
    finally:
        if verb == "kill":
            kafka_broker.start()
        else:
            kafka_broker.resume()
