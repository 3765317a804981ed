"""The log that the settings name: Kafka where there are brokers, else the embedded one.

It is imported only by what needs a log: Kafka's client takes half a second to load.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from geophone_shared.bus.contract import Bus
from geophone_shared.errors import ConfigError
from geophone_shared.settings.secret_values import secret
from geophone_shared.settings.settings import Settings

EMBEDDED_FILE = "log.sqlite"
"""In the data folder."""


def refuse_absent_file(settings: Settings) -> None:
    """See that the embedded log is there, for who wouldn't begin one.

    Raises:
        ConfigError: it isn't.
    """
    if settings.bootstrap_servers is None and not (settings.data_dir / EMBEDDED_FILE).exists():
        raise ConfigError(
            f"there is no log in {str(settings.data_dir)!a}: give --data-dir, or"
            " --bootstrap-servers for Kafka"
        )


@asynccontextmanager
async def open_log(settings: Settings, stop: asyncio.Event | None = None) -> AsyncIterator[Bus]:
    """The log, reached once.

    Args:
        settings: which, and how.
        stop: once it is set, the log isn't waited for as long as before.

    Raises:
        ConfigError: a setting is wrong, or the log refuses.
        TransientError: the log doesn't answer; on leaving, it didn't after the stop.
    """
    if settings.bootstrap_servers is None:
        from geophone_shared.bus.embedded import open_embedded_bus  # noqa: PLC0415

        async with open_embedded_bus(settings.data_dir / EMBEDDED_FILE) as embedded:
            yield embedded
        return
    from geophone_shared.bus.kafka import (  # noqa: PLC0415
        KafkaConnection,
        KafkaTimeouts,
        open_kafka_bus,
    )

    kafka = settings.kafka
    connection = KafkaConnection(
        bootstrap_servers=settings.bootstrap_servers,
        security_protocol=kafka.security_protocol,
        sasl_mechanism=kafka.sasl_mechanism,
        sasl_plain_username=kafka.sasl_plain_username,
        sasl_plain_password=secret(kafka, "sasl_plain_password"),
        ssl_cafile=None if kafka.ssl_cafile is None else str(kafka.ssl_cafile),
        ssl_certfile=None if kafka.ssl_certfile is None else str(kafka.ssl_certfile),
        ssl_keyfile=None if kafka.ssl_keyfile is None else str(kafka.ssl_keyfile),
    )
    timeouts = KafkaTimeouts(
        append_seconds=kafka.delivery_timeout_seconds,
        answer_seconds=kafka.request_timeout_seconds,
        session_seconds=kafka.session_timeout_seconds,
        heartbeat_seconds=kafka.session_timeout_seconds / 10,
    )
    async with open_kafka_bus(connection, timeouts, stop) as bus:
        yield bus


def replaced_producers(bus: Bus, settings: Settings) -> Callable[[], int]:
    """Asks how many producers of the log made no progress and were replaced; only Kafka has any.

    Args:
        bus: from `open_log`.
        settings: that it was opened with.
    """
    if settings.bootstrap_servers is None:
        return lambda: 0
    from geophone_shared.bus.kafka import KafkaBus  # noqa: PLC0415

    if not isinstance(bus, KafkaBus):
        raise TypeError("this is not the log of the settings")
    writer = bus.writer
    return lambda: writer.replaced
