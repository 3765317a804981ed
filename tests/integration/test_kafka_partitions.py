"""Domains go to the partitions that Kafka's own Java client chooses for them."""

from collections.abc import Iterator

import numpy as np

from geophone_shared.kernels.hashing import PRESENTATION_LIMIT_BYTES, partition_of
from geophone_shared.names import is_valid_wire, presentation, wire_name
from tests.support.buses import a_topic, kafka_bus, of, read_values
from tests.support.kafka.broker import KafkaBroker

_DOMAINS = [
    "pirate.sea",
    "example.com",
    "EXAMPLE.org",
    "example.co.uk",
    "1.in-addr.arpa",
    "wpad",
    ".",
]
_DOMAINS += [
    "xn--mnchen-3ya.de",
    "_dmarc.example.net",
    "192.168.1.1",
    "avqs.mcafee.com",
    "a.b.c.d.e",
]


def _domains() -> Iterator[bytes]:
    """Wire form: well-known ones, and 2,000 of any bytes and any length."""
    yield from map(wire_name, _DOMAINS)
    rng = np.random.default_rng(5)
    for _ in range(2_000):
        lengths = rng.integers(1, 64, size=rng.integers(1, 5))
        wire = b"".join(bytes([length]) + rng.bytes(length) for length in map(int, lengths))
        if is_valid_wire(wire):
            yield wire


def _partition(wire: bytes, partitions: int) -> int:
    scratch = np.zeros(PRESENTATION_LIMIT_BYTES, np.uint8)
    return partition_of(np.frombuffer(wire, np.uint8), 0, len(wire), scratch, partitions)


async def test_each_domain_is_where_the_java_client_puts_it(kafka_broker: KafkaBroker) -> None:
    topic = a_topic(12)
    domains = list(_domains())
    lines = [f"{presentation(wire).lower()}\t{wire.hex()}\n" for wire in domains]
    async with kafka_bus(kafka_broker) as bus:
        await bus.create_topics([topic])
        kafka_broker.run_tool(
            "ConsoleProducer",
            *("--topic", topic.name, "--reader-property", "parse.key=true"),
            text="".join(lines),
        )
        placed = {
            bytes.fromhex(value.decode()): number
            for number in range(12)
            for value in await read_values(bus, of(topic, number))
        }
    assert placed.keys() == set(domains)
    assert {wire: _partition(wire, 12) for wire in domains} == placed
    assert set(placed.values()) == set(range(12))
