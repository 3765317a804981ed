"""What can be said about a connection to Kafka without a broker."""

import socket
import subprocess
import sys
import time
from typing import Any

import pytest

from geophone_shared.bus.kafka import KafkaConnection, KafkaTimeouts, open_kafka_bus
from geophone_shared.errors import ConfigError, TransientError

SECRET = "in the dark"  # noqa: S105, of nobody


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"bootstrap_servers": "kafka"}, r"'kafka': write HOST:PORT, comma-separated"),
        ({"bootstrap_servers": "a:9092,b:x"}, r"'b:x': write HOST:PORT"),
        ({"bootstrap_servers": "a:99999"}, r"'a:99999': write HOST:PORT"),
        ({"security_protocol": "TLS"}, r"must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"),
        (
            {"security_protocol": "SASL_SSL", "sasl_mechanism": "GSSAPI"},
            r"sasl_mechanism must be one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512",
        ),
        (
            {"security_protocol": "SASL_PLAINTEXT", "sasl_plain_password": SECRET},
            r"SASL_PLAINTEXT needs sasl_plain_username and a password",
        ),
        (
            {"security_protocol": "SSL", "ssl_cafile": "/nowhere/ca.pem"},
            r"/nowhere/ca\.pem can't be used for TLS \(No such file or directory\)",
        ),
        (
            {"security_protocol": "SSL", "ssl_certfile": __file__},
            r"can't be used for TLS .*: give readable PEM files that belong together",
        ),
        ({"security_protocol": "SSL", "ssl_keyfile": "key.pem"}, r"give ssl_certfile too"),
    ],
)
async def test_wrong_settings_are_said_in_one_sentence(
    settings: dict[str, Any], sentence: str
) -> None:
    connection = KafkaConnection(**{"bootstrap_servers": "127.0.0.1:9092"} | settings)
    with pytest.raises(ConfigError, match=sentence) as caught:
        async with open_kafka_bus(connection):
            pass
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)


def test_passwords_are_not_printed() -> None:
    connection = KafkaConnection(bootstrap_servers="a:1", sasl_plain_password=SECRET)
    assert SECRET not in repr(connection)


def test_a_password_becomes_no_option_where_it_is_not_wanted() -> None:
    connection = KafkaConnection(bootstrap_servers="a:1", sasl_plain_password=SECRET)
    assert SECRET not in connection.client_options().values()


async def test_nobody_at_the_address_is_said_in_one_sentence() -> None:
    with socket.socket() as bound:  # a port that nobody listens on
        bound.bind(("127.0.0.1", 0))
        server = f"127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(TransientError) as caught:
            async with open_kafka_bus(KafkaConnection(bootstrap_servers=server)):
                pass
    assert str(caught.value) == (
        f"no Kafka broker answers at {server} (Connection refused): "
        "start it, or correct bootstrap_servers"
    )


async def test_an_address_that_answers_nothing_is_given_up_in_time() -> None:
    timeouts = KafkaTimeouts(answer_seconds=0.3)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = f"127.0.0.1:{listening.getsockname()[1]}"
        begin = time.monotonic()
        with pytest.raises(TransientError, match="does not answer in time"):
            async with open_kafka_bus(KafkaConnection(bootstrap_servers=server), timeouts):
                pass
        assert time.monotonic() - begin < 3


def test_the_other_logs_do_without_aiokafka() -> None:
    script = (
        "import sys, geophone_shared.bus.embedded, geophone_shared.bus.memory;"
        "sys.exit('aiokafka' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
