"""Topics of a Kafka cluster: what they are, and creating them."""

import asyncio
from collections.abc import Collection, Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    NoError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)

from geophone_shared.bus.kafka.failures import kafka_failures
from geophone_shared.bus.kafka.waits import Waits
from geophone_shared.bus.topics import Topic
from geophone_shared.errors import ConfigError

_FRAME_BYTES = 4096
"""What Kafka adds to a record: the frame of its batch and the lengths of its parts."""

_REPLICAS = 3
_DAY_MS = 86_400_000


class KafkaAdministration:
    """Asks about topics, and creates them; changes none."""

    def __init__(self, client: AIOKafkaAdminClient, answer_seconds: float, waits: Waits) -> None:
        self._client = client
        self._answer_seconds = answer_seconds
        self._waits = waits

    async def describe_topics(self, names: Collection[str]) -> dict[str, Topic]:
        """As the contract says."""
        if not names:  # to Kafka, that would be all
            return {}
        with kafka_failures("describe its topics"):
            async with self._waits.within(self._answer_seconds):
                found = await self._client.describe_topics(sorted(names))
                for each in found:
                    if for_code(each["error_code"]) is TopicAuthorizationFailedError:
                        raise TopicAuthorizationFailedError(each["topic"])
                partitions = {
                    each["topic"]: len(each["partitions"])
                    for each in found
                    if for_code(each["error_code"]) is NoError
                }
                if not partitions:
                    return {}
                answers = await self._client.describe_configs(
                    [ConfigResource(ConfigResourceType.TOPIC, name) for name in partitions]
                )
        topics = {}
        for answer in answers:
            for code, _, _, name, entries in answer.resources:
                with kafka_failures(f"describe {name}"):
                    if (error := for_code(code)) is not NoError:
                        raise error
                settings = {entry[0]: entry[1] for entry in entries}
                topics[name] = _topic(name, partitions[name], settings)
        return topics

    async def create_topics(self, topics: Sequence[Topic]) -> None:
        """As the contract says; three replicas of each, where there are three brokers."""
        with kafka_failures("create topics"):
            async with self._waits.within(self._answer_seconds):
                brokers = len((await self._client.describe_cluster())["brokers"])
                replicas = min(brokers, _REPLICAS)
                answer = await self._client.create_topics(
                    [
                        NewTopic(
                            topic.name, topic.partitions, replicas, topic_configs=_settings(topic)
                        )
                        for topic in topics
                    ]
                )
                for name, code, reason in answer.topic_errors:
                    error = for_code(code)
                    if error not in (NoError, TopicAlreadyExistsError):
                        raise ConfigError(
                            f"Kafka refuses to create {name} ({reason or error.__name__}): "
                            "grant it, or have it created by whoever may"
                        )
                await self._await_known([topic.name for topic in topics])

    async def _await_known(self, names: Sequence[str]) -> None:
        """Wait until the brokers tell everybody about new topics, a fraction of a second later."""
        while True:
            known = await self._client.describe_topics(sorted(names))
            if all(
                for_code(each["error_code"]) is NoError
                and all(part["leader"] >= 0 for part in each["partitions"])
                for each in known
            ):
                return
            await asyncio.sleep(0.05)


def _settings(topic: Topic) -> dict[str, str]:
    """A topic's settings, as Kafka knows them."""
    settings = {
        "cleanup.policy": "compact" if topic.is_compacted else "delete",
        "max.message.bytes": str(topic.record_limit_bytes + _FRAME_BYTES),
        "message.timestamp.type": "LogAppendTime" if topic.is_dated_by_log else "CreateTime",
        "retention.ms": "-1",
        "retention.bytes": str(topic.retention_bytes or -1),
    }
    if topic.retention_seconds is not None:
        retention_ms = topic.retention_seconds * 1000
        settings["retention.ms"] = str(retention_ms)
        # Kafka forgets whole segments, and never the one it writes to.
        settings["segment.ms"] = str(min(max(retention_ms // 8, 60_000), _DAY_MS))
    return settings


def _topic(name: str, partitions: int, settings: dict[str, str]) -> Topic:
    """What Kafka's settings of a topic mean."""
    retention_ms = int(settings["retention.ms"])
    retention_bytes = int(settings["retention.bytes"])
    return Topic(
        name=name,
        partitions=partitions,
        retention_seconds=None if retention_ms < 0 else retention_ms // 1000,
        retention_bytes=None if retention_bytes < 0 else retention_bytes,
        record_limit_bytes=int(settings["max.message.bytes"]) - _FRAME_BYTES,
        is_dated_by_log=settings["message.timestamp.type"] == "LogAppendTime",
        is_compacted="compact" in settings["cleanup.policy"],
    )
