"""Topics on a real broker: `geophone topics create` and `verify`."""

from dataclasses import replace

import pytest

from geophone_shared.bus.provisioning import create_topics, verify_topics
from geophone_shared.bus.topics import KAFKA_PARTITIONS, declared_topics
from geophone_shared.errors import ConfigError
from tests.support.buses import a_topic, kafka_bus
from tests.support.kafka.broker import KafkaBroker


async def test_all_declared_topics_can_be_created_and_are_then_right(
    fresh_kafka_broker: KafkaBroker,
) -> None:
    topics = declared_topics(KAFKA_PARTITIONS)
    async with kafka_bus(fresh_kafka_broker) as bus:
        assert len(await create_topics(bus, topics, is_dry_run=False)) == len(topics)
        assert await verify_topics(bus, topics) == []
        assert await create_topics(bus, topics, is_dry_run=False) == []
        found = await bus.describe_topics([topic.name for topic in topics])
        assert found == {topic.name: topic for topic in topics}


async def test_topics_that_somebody_else_made_are_verified_and_not_touched(
    kafka_broker: KafkaBroker,
) -> None:
    topic = a_topic(2)
    kafka_broker.run_tool(
        "TopicCommand",
        *("--create", "--topic", topic.name, "--partitions", "3"),
        *("--config", "retention.ms=60000", "--config", "cleanup.policy=compact"),
    )
    async with kafka_bus(kafka_broker) as bus:
        said = await verify_topics(bus, [topic])
        assert [sentence.partition(":")[0] for sentence in said] == [
            f"{topic.name} has 3 partitions instead of 2",
            f"{topic.name} forgets records after 60 s",
            f"{topic.name} dates records by their sender",
            f"{topic.name} is compacted",
        ]
        assert await create_topics(bus, [topic], is_dry_run=False) == []
        await bus.create_topics([topic])
        assert await verify_topics(bus, [topic]) == said


async def test_a_topic_that_kafka_refuses_is_said_in_one_sentence(
    kafka_broker: KafkaBroker,
) -> None:
    async with kafka_bus(kafka_broker) as bus:
        with pytest.raises(ConfigError, match=r"Kafka refuses to create not/a/name \(.*: grant it"):
            await bus.create_topics([replace(a_topic(), name="not/a/name")])
