"""What is asked of a log and can't be done, said before anything is sent [core]."""

from collections.abc import Iterable, Mapping

from geophone_shared.bus.records import Record, TopicPartition
from geophone_shared.bus.topics import Topic
from geophone_shared.errors import ConfigError


def check_partitions(topics: Mapping[str, Topic], partitions: Iterable[TopicPartition]) -> None:
    """See that a log with these topics has these partitions.

    Raises:
        ConfigError: it hasn't one of them.
    """
    for name, number in partitions:
        if name not in topics:
            raise ConfigError(f"{name} does not exist: run `geophone topics create`")
        count = topics[name].partitions
        if not 0 <= number < count:
            raise ConfigError(f"{name} has {count} partitions, none is {number}")


def check_size(topic: Topic, record: Record) -> None:
    """See that a topic takes a record of this size.

    Raises:
        ValueError: it is too large; whoever makes records must see to it that none is.
    """
    if record.size_bytes > topic.record_limit_bytes:
        raise ValueError(
            f"a record of {record.size_bytes} bytes for {topic.name}, "
            f"which takes {topic.record_limit_bytes}"
        )
