"""The dead letters of a log: what lies there, and putting records back where they were."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, get_args

from geophone_shared.bus.contract import Bus
from geophone_shared.bus.reading import read_range
from geophone_shared.bus.records import Record, StoredRecord, TopicPartition
from geophone_shared.bus.topics import ALERTS, DEAD_LETTERS, RECORD_LIMIT_BYTES, TRANSACTIONS
from geophone_shared.dead_letters import DeadLetter, decode_dead_letter
from geophone_shared.errors import InvalidRecordError
from geophone_shared.record_reasons import RecordReason
from geophone_shared.timestamps import LATEST_TIME_US, rfc3339

_PARTITION = TopicPartition(DEAD_LETTERS, 0)
_MOST_LISTED = 10_000

Fate = Literal["put_back", "refused_by_receiver", "of_no_use"]
"""What became of a dead letter: its record is back; a receiver refused it, which reading it again
doesn't change; or it doesn't say where a record was that anybody reads."""


@dataclass(frozen=True, slots=True)
class Buried:
    """A dead letter on the log, without its record.

    Attributes:
        offset: its own.
        published_us: when it became one.
        place: where the record was, as text; None where the letter doesn't say.
        record_offset: of the record there.
        reason: why it is here.
        size_bytes: of the record's value.
    """

    offset: int
    published_us: int
    place: str | None
    record_offset: int | None
    reason: str | None
    size_bytes: int

    def to_json(self) -> dict[str, object]:
        """The JSON object."""
        return {
            "offset": self.offset,
            "published": rfc3339(min(max(self.published_us, 0), LATEST_TIME_US)),
            "place": self.place,
            "record_offset": self.record_offset,
            "reason": self.reason,
            "bytes": self.size_bytes,
        }


async def list_buried(bus: Bus) -> list[Buried]:
    """The newest dead letters, the oldest of them first.

    Raises:
        ConfigError: the topic doesn't exist.
        TransientError: the log doesn't answer.
    """
    found: dict[int, Buried] = {}

    async def take(stored: StoredRecord) -> None:
        found[stored.offset] = _buried(stored)
        if len(found) > _MOST_LISTED:
            del found[next(iter(found))]

    await read_range(bus, _PARTITION, take)
    return list(found.values())


async def put_back(
    bus: Bus, is_wanted: Callable[[int], bool], *, is_dry_run: bool
) -> Counter[Fate]:
    """Appends the records of dead letters where they were.

    Batches get a producer of their own, named after the dead letter: their readers have gone on
    behind their sequence, and would take them for repeats. So a second time changes nothing.

    Args:
        bus: the log.
        is_wanted: whether the dead letter at an offset is meant.
        is_dry_run: only say what would become of them.

    Raises:
        ConfigError: a topic doesn't exist, or has no such partition.
        TransientError: the log doesn't answer.
    """
    fates: Counter[Fate] = Counter()

    async def take(stored: StoredRecord) -> None:
        if not is_wanted(stored.offset):
            return
        fate, letter = _fate(stored)
        fates[fate] += 1
        if letter is not None and not is_dry_run:
            await bus.append(letter.partition, letter.record)

    await read_range(bus, _PARTITION, take)
    return fates


def _fate(stored: StoredRecord) -> tuple[Fate, DeadLetter | None]:
    """What is to become of a dead letter, and what is to be put back."""
    try:
        letter = decode_dead_letter(stored)
    except InvalidRecordError:
        return "of_no_use", None
    # Whoever can write dead letters must not have others of our topics written by it.
    if letter.partition.topic not in (TRANSACTIONS, ALERTS):
        return "of_no_use", None
    if letter.reason not in get_args(RecordReason):
        return "refused_by_receiver", None
    if letter.partition.topic == TRANSACTIONS:
        letter = replace(letter, record=_with_own_producer(letter.record, stored.offset))
    if letter.record.size_bytes > RECORD_LIMIT_BYTES:
        return "of_no_use", None
    return "put_back", letter


def _with_own_producer(record: Record, offset: int) -> Record:
    own = {"producer": b"dead-letter-%d" % offset, "sequence": b"0"}
    headers = tuple((name, own.get(name, value)) for name, value in record.headers)
    return replace(record, headers=headers)


def _buried(stored: StoredRecord) -> Buried:
    place = record_offset = reason = None
    try:
        letter = decode_dead_letter(stored)
    except InvalidRecordError:
        pass
    else:
        place, record_offset, reason = str(letter.partition), letter.offset, letter.reason
    size_bytes = len(stored.value)
    return Buried(stored.offset, stored.published_us, place, record_offset, reason, size_bytes)
