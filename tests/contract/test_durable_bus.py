"""What a log remembers from one opening to the next: the contract of those that are kept."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from geophone_shared.bus.contract import Bus
from geophone_shared.bus.embedded import open_embedded_bus
from tests.support.buses import a_member, a_topic, append, kafka_bus, of, read_values

OpenBus = Callable[[], AbstractAsyncContextManager[Bus]]


@pytest.fixture(params=["embedded", "kafka"])
def open_bus(request: pytest.FixtureRequest, tmp_path: Path) -> OpenBus:
    """Opens the same log each time."""
    if request.param == "embedded":
        return lambda: open_embedded_bus(tmp_path / "log.sqlite")
    broker = request.getfixturevalue("kafka_broker")
    return lambda: kafka_bus(broker)


async def test_records_and_topics_are_still_there(open_bus: OpenBus) -> None:
    topic = a_topic(2)
    async with open_bus() as bus:
        await bus.create_topics([topic])
        await append(bus, of(topic, 1), b"0", b"1")
    async with open_bus() as bus:
        assert await bus.describe_topics([topic.name]) == {topic.name: topic}
        assert await append(bus, of(topic, 1), b"2") == [2]
        assert await read_values(bus, of(topic, 1)) == [b"0", b"1", b"2"]
        assert await read_values(bus, of(topic, 0)) == []


async def test_commits_are_still_there(open_bus: OpenBus) -> None:
    topic = a_topic()
    async with open_bus() as bus:
        await bus.create_topics([topic])
        await append(bus, of(topic), b"0", b"1", b"2")
        async with a_member(bus, "durable", topic) as member:
            await member.poll_until(3)
            await member.reader.commit({of(topic): 1})
            await member.reader.commit({of(topic): 2})
    async with open_bus() as bus, a_member(bus, "durable", topic) as member:
        await member.poll_until(1)
        assert member.values() == [b"2"]
