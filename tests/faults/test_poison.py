"""Poison on the log: dead letters, bounded memory, and neighbours that nobody harms."""

from collections import Counter
from pathlib import Path

from geophone_shared.bus.records import TopicPartition
from geophone_shared.bus.topics import DEAD_LETTERS, DETECTOR_STATE, TRANSACTIONS
from geophone_shared.key_files import key_from_hex
from tests.faults import poison
from tests.support.buses import kafka_bus, read_values
from tests.support.kafka.broker import KafkaBroker
from tests.support.pipeline import HASH_KEY, kafka_pipeline, until
from tests.support.service_processes import create_topics, replayed

PARTITIONS = 12
MOST_GROWTH_BYTES = 192 * 1024 * 1024
"""Of the detector's memory while it meets bombs of 1 GiB."""


async def test_everything_else_is_as_without_it(
    stream: Path, fresh_kafka_broker: KafkaBroker, tmp_path: Path
) -> None:
    await create_topics(fresh_kafka_broker)
    secret = key_from_hex(HASH_KEY, "here")
    records = poison.transactions()
    source = ("--file", str(stream), "--speed", "15")
    servers = fresh_kafka_broker.bootstrap_servers
    async with (
        kafka_bus(fresh_kafka_broker) as bus,
        kafka_pipeline(servers, tmp_path, *source) as pipeline,
    ):
        await pipeline.start()
        await pipeline.counts(1_000)
        before = pipeline["detector"].most_memory_bytes()
        for number, record in enumerate(records.values()):
            await bus.append(TopicPartition(TRANSACTIONS, number % PARTITIONS), record)

        async def buried() -> list[bytes]:
            return await read_values(bus, TopicPartition(DEAD_LETTERS, 0))

        async def all_are_buried() -> bool:
            return len(await buried()) >= len(records)

        await until(all_are_buried, "every one is a dead letter")
        assert Counter(await buried()) == Counter(each.value for each in records.values())
        assert pipeline["detector"].most_memory_bytes() - before < MOST_GROWTH_BYTES
        await pipeline.kill("detector")
        lies = poison.snapshots(secret, PARTITIONS)
        for number in range(2):
            for record in lies:
                await bus.append(TopicPartition(DETECTOR_STATE, number), record)
        await pipeline.start("detector")
        await pipeline["detector"].until_said("a snapshot is of no use", times=2)
        await pipeline.same_answer(replayed(stream))
        assert pipeline["detector"].most_memory_bytes() - before < MOST_GROWTH_BYTES
        assert len(await buried()) == len(records)
