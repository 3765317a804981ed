"""How to reach Kafka, in the words of Kafka's own clients, and what it says when it refuses."""

import asyncio
import os
import ssl
from dataclasses import dataclass, field
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from geophone_shared.errors import ConfigError, GeophoneError, RefusedError, TransientError

_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_LARGEST_PORT = 65_535
_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaConnection:
    """Where the brokers are and how to sign on.

    Attributes:
        bootstrap_servers: `host:port`, comma-separated; one that answers is enough.
        security_protocol: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.
        sasl_mechanism: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
        sasl_plain_username: Who signs on, whichever the mechanism.
        sasl_plain_password: The password; never printed.
        ssl_cafile: Certificates (PEM) to trust instead of the system's.
        ssl_certfile: The own certificate (PEM), where brokers want one.
        ssl_keyfile: Its key, where it isn't in `ssl_certfile`.
    """

    bootstrap_servers: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "SCRAM-SHA-512"
    sasl_plain_username: str | None = None
    sasl_plain_password: str | None = field(default=None, repr=False)
    ssl_cafile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None

    def client_options(self) -> dict[str, Any]:
        """The arguments that every aiokafka client takes.

        Raises:
            ConfigError: a setting is wrong, missing or names a file that can't be used.
        """
        for server in self.bootstrap_servers.split(","):
            host, _, port = server.strip().rpartition(":")
            if not host or not port.isdigit() or not 0 < int(port) <= _LARGEST_PORT:
                raise ConfigError(
                    f"bootstrap_servers has {server.strip()!r}: write HOST:PORT, comma-separated"
                )
        if self.security_protocol not in _PROTOCOLS:
            raise ConfigError(f"security_protocol must be one of {', '.join(_PROTOCOLS)}")
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "client_id": "geophone",
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.startswith("SASL"):
            if self.sasl_mechanism not in _MECHANISMS:
                raise ConfigError(f"sasl_mechanism must be one of {', '.join(_MECHANISMS)}")
            if not self.sasl_plain_username or not self.sasl_plain_password:
                raise ConfigError(
                    f"{self.security_protocol} needs sasl_plain_username and a password: give both"
                )
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.sasl_plain_username
            options["sasl_plain_password"] = self.sasl_plain_password
        if self.security_protocol.endswith("SSL"):
            options["ssl_context"] = self._ssl_context()
        return options

    def _ssl_context(self) -> ssl.SSLContext:
        if self.ssl_keyfile and not self.ssl_certfile:
            raise ConfigError("ssl_keyfile has no certificate: give ssl_certfile too")
        try:
            context = ssl.create_default_context(cafile=self.ssl_cafile)
            if self.ssl_certfile:
                context.load_cert_chain(self.ssl_certfile, self.ssl_keyfile)
        except OSError as error:  # ssl.SSLError is one
            files = (self.ssl_cafile, self.ssl_certfile, self.ssl_keyfile)
            raise ConfigError(
                f"{', '.join(each for each in files if each)} can't be used for TLS "
                f"({error.strerror or error}): give readable PEM files that belong together"
            ) from error
        return context


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaTimeouts:
    """How long Kafka may take.

    Attributes:
        append_seconds: Until a record is acknowledged, with all retries.
        answer_seconds: Until any other question is answered.
        session_seconds: Without a sign of life for so long, a group's member loses its partitions.
        heartbeat_seconds: From one sign of life to the next.
        poll_interval_seconds: A member that doesn't poll for so long loses its partitions.
    """

    append_seconds: float = 30.0
    answer_seconds: float = 15.0
    session_seconds: float = 30.0
    heartbeat_seconds: float = 3.0
    poll_interval_seconds: float = 300.0


async def explain_unreachable(connection: KafkaConnection, timeout_seconds: float) -> GeophoneError:
    """Why no broker can be used, in one sentence: aiokafka itself only says that none can.

    Tries the servers one by one, and tells what the last one did.
    """
    options = connection.client_options()
    reason: GeophoneError = TransientError("no Kafka broker answers")
    for host, port, _ in collect_hosts(options.pop("bootstrap_servers"), randomize=False):
        reason = await _explain(connection, f"{host}:{port}", options, timeout_seconds)
        if isinstance(reason, ConfigError):
            break
    return reason


async def _explain(
    connection: KafkaConnection, server: str, options: dict[str, Any], timeout_seconds: float
) -> GeophoneError:
    host, _, port = server.rpartition(":")
    try:
        async with asyncio.timeout(timeout_seconds):
            broker = await create_conn(host, int(port), **options)
            try:
                await broker.send(MetadataRequest([]))
            finally:
                broker.close()
    except (KafkaError, OSError) as error:  # TimeoutError and ssl.SSLError are among them
        return _reason(error, connection, server)
    return TransientError(f"Kafka at {server} has only just come up: try again")


def _reason(error: KafkaError | OSError, connection: KafkaConnection, server: str) -> GeophoneError:
    reason: GeophoneError
    match error:
        case AuthenticationFailedError() | SaslAuthenticationFailed():
            reason = RefusedError(
                f"Kafka at {server} does not accept {connection.sasl_plain_username!r} with this "
                "password: correct sasl_plain_username or the password"
            )
        case UnsupportedSaslMechanismError():
            reason = ConfigError(
                f"Kafka at {server} does not offer {connection.sasl_mechanism}: "
                "correct sasl_mechanism or the port"
            )
        case ssl.SSLCertVerificationError():
            reason = RefusedError(
                f"the certificate of Kafka at {server} is not trusted ({error.verify_message}): "
                "give the right ssl_cafile"
            )
        case ssl.SSLError():
            reason = RefusedError(
                f"Kafka at {server} does not agree on TLS ({error.reason}): "
                "correct security_protocol, ssl_certfile or the port"
            )
        case TimeoutError():
            reason = TransientError(
                f"Kafka at {server} does not answer in time: "
                "see whether it runs, and correct bootstrap_servers if it is elsewhere"
            )
        case OSError() if not isinstance(error, ConnectionResetError):
            reason = TransientError(
                f"no Kafka broker answers at {server} ({_told(error)}): "
                "start it, or correct bootstrap_servers"
            )
        case _:
            reason = TransientError(
                f"Kafka at {server} ends the conversation ({type(error).__name__}): see whether "
                f"it is well, and whether {connection.security_protocol} is its security_protocol"
            )
    return reason


def _told(error: OSError) -> str:
    """What the system says; asyncio puts the address into it, or several such errors into one."""
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or "nothing there can be reached"  # the former when a name is unknown


async def disconnect(client: AIOKafkaClient) -> None:
    """Close a client's connections so that nothing of it waits any more, now or later."""
    await client.close()
    # Its tasks would wait for ever for news of the cluster, since nobody fetches any now.
    if client._md_update_fut is not None and not client._md_update_fut.done():  # noqa: SLF001
        client._md_update_fut.set_result(False)  # noqa: SLF001
    told = asyncio.get_running_loop().create_future()
    told.set_result(False)
    client._md_update_fut = told  # noqa: SLF001
