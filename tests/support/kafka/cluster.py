"""Three real Apache Kafka brokers in one cluster: three replicas of everything, two in sync."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.kafka.broker import KafkaBroker, cluster_id

BROKERS = 3
_KNOWN_TIMEOUT_SECONDS = 60

_PROPERTIES = """
node.id={node}
controller.quorum.voters={voters}
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
broker.session.timeout.ms=2000
"""


class KafkaCluster:
    """The brokers, with their data in `folder`; `start` it first, `close` it at the end."""

    def __init__(self, folder: Path) -> None:
        self.brokers = [
            KafkaBroker(folder / f"broker-{node}", is_alone=False) for node in range(BROKERS)
        ]
        voters = ",".join(
            f"{node}@127.0.0.1:{broker.ports.controller}"
            for node, broker in enumerate(self.brokers, 1)
        )
        cluster = cluster_id()
        for node, broker in enumerate(self.brokers, 1):
            broker.join(cluster, _PROPERTIES.format(node=node, voters=voters))

    @property
    def bootstrap_servers(self) -> str:
        """All of them."""
        return ",".join(broker.bootstrap_servers for broker in self.brokers)

    def start(self) -> None:
        """Start all at once: one alone has no quorum to start with."""
        with ThreadPoolExecutor(BROKERS) as threads:
            list(threads.map(KafkaBroker.start, self.brokers))
        deadline = time.monotonic() + _KNOWN_TIMEOUT_SECONDS
        while self.brokers[0].run_tool("BrokerApiVersionsCommand").count("-> (") < BROKERS:
            if time.monotonic() > deadline:
                raise RuntimeError("the brokers did not find each other")

    def close(self) -> None:
        """End all where they stand: the last one would wait for the others."""
        for broker in self.brokers:
            broker.close()
