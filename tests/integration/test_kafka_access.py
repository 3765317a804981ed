"""Who gets in to Kafka, and what is said to those who don't."""

from dataclasses import replace

import pytest

from geophone_shared.bus.kafka import KafkaConnection, open_kafka_bus
from geophone_shared.errors import ConfigError, TransientError
from tests.support.buses import QUICK, a_topic, append, of, read_values
from tests.support.kafka.broker import PASSWORD, USERNAME, KafkaBroker


async def _assert_refused(
    connection: KafkaConnection, error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence) as caught:
        async with open_kafka_bus(connection, replace(QUICK, answer_seconds=1.0)):
            pass
    assert "\n" not in str(caught.value)
    assert PASSWORD not in str(caught.value)


async def test_scram_lets_in_who_knows_the_password(kafka_broker: KafkaBroker) -> None:
    connection = KafkaConnection(
        bootstrap_servers=f"127.0.0.1:{kafka_broker.ports.scram}",
        security_protocol="SASL_PLAINTEXT",
        sasl_plain_username=USERNAME,
        sasl_plain_password=PASSWORD,
    )
    topic = a_topic()
    async with open_kafka_bus(connection, QUICK) as bus:
        await bus.create_topics([topic])
        await append(bus, of(topic), b"signed on")
        assert await read_values(bus, of(topic)) == [b"signed on"]
    await _assert_refused(
        replace(connection, sasl_plain_password=f"not {PASSWORD}"[::-1]),
        ConfigError,
        "does not accept 'geophone' with this password: correct sasl_plain_username or the pass",
    )
    await _assert_refused(
        replace(connection, sasl_mechanism="PLAIN"), ConfigError, "does not offer PLAIN"
    )
    await _assert_refused(
        replace(connection, security_protocol="PLAINTEXT"),
        TransientError,
        "whether PLAINTEXT is its security_protocol",
    )


async def test_tls_lets_in_who_has_a_certificate(kafka_broker: KafkaBroker) -> None:
    folder = kafka_broker.folder
    connection = KafkaConnection(
        bootstrap_servers=f"127.0.0.1:{kafka_broker.ports.tls}",
        security_protocol="SSL",
        ssl_cafile=str(folder / "ca.pem"),
        ssl_certfile=str(folder / "client.pem"),
        ssl_keyfile=str(folder / "client.key"),
    )
    topic = a_topic()
    async with open_kafka_bus(connection, QUICK) as bus:
        await bus.create_topics([topic])
        await append(bus, of(topic), b"certified")
        assert await read_values(bus, of(topic)) == [b"certified"]
    await _assert_refused(
        replace(connection, ssl_cafile=None), ConfigError, "is not trusted .*give the right ssl_ca"
    )
    await _assert_refused(
        replace(connection, bootstrap_servers=kafka_broker.bootstrap_servers),
        TransientError,
        "ends the conversation .*whether SSL is its security_protocol",
    )


async def test_a_broker_that_does_not_answer_is_said_so(kafka_broker: KafkaBroker) -> None:
    connection = KafkaConnection(bootstrap_servers=kafka_broker.bootstrap_servers)
    kafka_broker.pause()
    try:
        await _assert_refused(connection, TransientError, "does not answer in time: see whether")
    finally:
        kafka_broker.resume()
