"""Three brokers with three replicas, two of them in sync: one is killed in mid-stream."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import outside
from tests.support.kafka.cluster import KafkaCluster
from tests.support.kafka.jars import KafkaMissingError
from tests.support.pipeline import kafka_pipeline
from tests.support.service_processes import create_topics, replayed


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[KafkaCluster]:
    try:
        brokers = KafkaCluster(tmp_path)
    except KafkaMissingError as error:
        outside.report_missing(str(error))
    try:
        brokers.start()
        yield brokers
    finally:
        brokers.close()


async def test_one_of_them_is_killed(stream: Path, cluster: KafkaCluster, tmp_path: Path) -> None:
    await create_topics(cluster.brokers[0])
    topic = cluster.brokers[0].run_tool("TopicCommand", "--describe", "--topic", "dns.transactions")
    assert "ReplicationFactor: 3" in topic
    source = ("--file", str(stream), "--speed", "12")
    async with kafka_pipeline(cluster.bootstrap_servers, tmp_path, *source) as pipeline:
        await pipeline.start()
        await pipeline.counts(3_000)
        cluster.brokers[1].kill()
        await pipeline.counts(6_000)  # while it is away
        await asyncio.to_thread(cluster.brokers[1].start)
        await pipeline.same_answer(replayed(stream))
        for name in pipeline.commands:
            await pipeline[name].until_ready()
            assert len(pipeline.lives[name]) == 1
