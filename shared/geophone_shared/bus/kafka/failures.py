"""Kafka's errors, turned into those that say what the caller must do."""

from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    CorruptRecordException,
    GroupAuthorizationFailedError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
)

from geophone_shared.errors import (
    ConfigError,
    GeophoneError,
    InvalidRecordError,
    RefusedError,
    TransientError,
)

_FORBIDDEN = (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
)


@contextmanager
def kafka_failures(wish: str) -> Iterator[None]:
    """Raise what aiokafka raises in the `with` as what Geophone's services know.

    Args:
        wish: What Kafka should have done, to follow "Kafka did not".

    Raises:
        ConfigError: Kafka refuses, and will go on to; RefusedError, since the user may not.
        InvalidRecordError: a record's checksum is wrong.
        TransientError: anything else, also a timeout.
    """
    try:
        yield
    except TimeoutError as error:
        raise TransientError(f"Kafka did not {wish} in time") from error
    except KafkaError as error:
        raise _translated(error, wish) from error


def _translated(error: KafkaError, wish: str) -> GeophoneError:
    match error:
        case CorruptRecordException():
            return InvalidRecordError("damaged")
        case MessageSizeTooLargeError() | RecordListTooLargeError():
            return ConfigError(
                f"Kafka did not {wish}, since its topic takes only smaller ones: "
                "`geophone topics verify` says what to change"
            )
        case _ if isinstance(error, _FORBIDDEN):
            return RefusedError(
                f"Kafka did not {wish}, since this user may not ({_denied(error)}): "
                "grant it, or sign on as another"
            )
    return TransientError(f"Kafka did not {wish} ({type(error).__name__})")


def _denied(error: KafkaError) -> str:
    """What is denied, and the topics or group where aiokafka names them."""
    names = ", ".join(sorted(str(each) for each in error.args)) if error.args else ""
    return f"{type(error).__name__}: {names}" if names else type(error).__name__
