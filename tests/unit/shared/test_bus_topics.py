"""What must be on the log, and what is said where it isn't."""

from dataclasses import replace
from typing import Any

import pytest

from geophone_shared.bus.memory import open_memory_bus
from geophone_shared.bus.provisioning import create_topics, verify_topics
from geophone_shared.bus.topics import (
    EMBEDDED_PARTITIONS,
    KAFKA_PARTITIONS,
    Topic,
    declared_topics,
    differences,
)

TOPIC = Topic(name="the.topic", partitions=3, retention_seconds=100)


def test_what_is_declared() -> None:
    topics = {topic.name: topic for topic in declared_topics(KAFKA_PARTITIONS)}
    hour, day = 3600, 86_400
    assert {
        name: (topic.partitions, topic.retention_seconds) for name, topic in topics.items()
    } == {
        "dns.transactions": (12, 26 * hour),
        "dns.alerts": (1, 30 * day),
        "dns.top-domains": (12, hour),
        "dns.detector-state": (12, 2 * day),
        "dns.notifications": (1, 90 * day),
        "dns.dead-letters": (1, 7 * day),
    }
    assert all(topic.is_dated_by_log and not topic.is_compacted for topic in topics.values())
    # The largest record of any topic fits into a dead letter, with the reason.
    largest = max(topic.record_limit_bytes for topic in topics.values())
    assert topics["dns.dead-letters"].record_limit_bytes == largest
    assert {topic.partitions for topic in declared_topics(EMBEDDED_PARTITIONS)} == {1}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"partitions": 4}, "the.topic has 4 partitions instead of 3: delete it and run"),
        ({"retention_seconds": 99}, "after 99 s: set its retention.ms to 100000"),
        ({"retention_bytes": 5}, "only 5 bytes of a partition: set its retention.bytes to -1"),
        ({"record_limit_bytes": 9}, "takes no record above 9 bytes: set its max.message.bytes"),
        ({"is_dated_by_log": False}, "set its message.timestamp.type to LogAppendTime"),
        ({"is_compacted": True}, "set its cleanup.policy to delete"),
    ],
)
def test_each_difference_is_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    (said,) = differences([TOPIC], {TOPIC.name: replace(TOPIC, **changes)})
    assert sentence in said
    assert said.startswith("the.topic ")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"retention_seconds": 101},
        {"retention_seconds": None},
        {"record_limit_bytes": 2_000_000},
    ],
)
def test_keeping_more_is_no_difference(changes: dict[str, Any]) -> None:
    assert differences([TOPIC], {TOPIC.name: replace(TOPIC, **changes)}) == []


def test_limits_are_compared_where_they_are_declared() -> None:
    bounded = replace(TOPIC, retention_bytes=1000)
    assert differences([bounded], {TOPIC.name: TOPIC}) == []
    (said,) = differences([bounded], {TOPIC.name: replace(TOPIC, retention_bytes=999)})
    assert "set its retention.bytes to 1000" in said
    (said,) = differences([replace(TOPIC, retention_seconds=None)], {TOPIC.name: TOPIC})
    assert "set its retention.ms to -1" in said


async def test_missing_topics_are_created_and_others_left_alone() -> None:
    topics = declared_topics(3)
    async with open_memory_bus() as bus:
        assert len(await verify_topics(bus, topics)) == len(topics)
        wrong = replace(topics[1], partitions=2)
        await bus.create_topics([wrong])
        plan = await create_topics(bus, topics, is_dry_run=True)
        assert plan[0] == "would create dns.transactions: 3 partitions, kept for 26 h"
        assert plan[-1] == "would create dns.dead-letters: 1 partition, kept for 7 d"
        assert len(plan) == len(topics) - 1
        assert len(await verify_topics(bus, topics)) == len(topics)
        done = await create_topics(bus, topics, is_dry_run=False)
        assert done == [sentence.replace("would create", "created") for sentence in plan]
        assert await create_topics(bus, topics, is_dry_run=False) == []
        (said,) = await verify_topics(bus, topics)
        assert said.startswith("dns.alerts has 2 partitions instead of 1")
