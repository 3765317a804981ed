"""What `/api/v1/status` says of each stage [core].

It is what the log shows, so that every alerter says the same of capture and detector, wherever they
run.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from geophone_shared.bus.records import StoredRecord
from geophone_shared.drops import Drops, drops_from_headers, together
from geophone_shared.timestamps import LATEST_TIME_US, rfc3339

_MOST_DIGITS = 19


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStatus:
    """How far a stage is; None for what isn't known here.

    Attributes:
        position: records that are behind it, over all partitions.
        lag: records that are before it.
        watermark_us: how far it is in packet time.
        last_record_us: when its last record was published, wall-clock time.
        drops: by reason, what was dropped.
        since_us: since when that is counted, wall-clock time.
    """

    position: int | None = None
    lag: int | None = None
    watermark_us: int | None = None
    last_record_us: int | None = None
    drops: Mapping[str, int] | None = None
    since_us: int | None = None

    def to_json(self) -> dict[str, object]:
        """The JSON object."""
        return {
            "position": self.position,
            "lag": self.lag,
            "watermark": _time(self.watermark_us),
            "last_record": _time(self.last_record_us),
            "drops": None if self.drops is None else dict(self.drops),
            "since": _time(self.since_us),
        }


class LastRecords:
    """When the last record of each partition came, and what it says of the packet clock."""

    def __init__(self) -> None:
        self._published_us: dict[int, int] = {}
        self._clock_us: dict[int, int] = {}
        self._drops: dict[int, tuple[bytes | None, Drops | None]] = {}  # with their producer

    @property
    def published_us(self) -> int | None:
        """When the last one was published; None without any."""
        return max(self._published_us.values(), default=None)

    @property
    def watermark_us(self) -> int | None:
        """How far every partition is in packet time; None without any."""
        return min(self._clock_us.values(), default=None)

    @property
    def drops(self) -> Drops | None:
        """What the producers of the last records have lost; None where they don't say."""
        latest: dict[bytes | None, Drops] = {}
        for producer, drops in self._drops.values():
            known = latest.get(producer)
            # Counts only rise: the largest are the latest.
            if drops and (known is None or drops.counts.total() > known.counts.total()):
                latest[producer] = drops
        return together(latest.values())

    def note(self, partition: int, stored: StoredRecord, clock_us: int | None) -> None:
        """Takes the last record of a partition.

        Args:
            partition: its number.
            stored: the record.
            clock_us: the packet time that it says; None where it doesn't.
        """
        self._published_us[partition] = stored.published_us
        producer = dict(stored.headers).get("producer")
        self._drops[partition] = (producer, drops_from_headers(stored.headers))
        if clock_us is not None:
            self._clock_us[partition] = max(clock_us, self._clock_us.get(partition, 0))


def batch_clock_us(stored: StoredRecord) -> int | None:
    """The packet clock that a record of transactions says; None where it can't be read.

    Not by the batch's own codec, which loads what decodes batches.
    """
    text = dict(stored.headers).get("last-time-us", b"")
    if not text.isdigit() or len(text) > _MOST_DIGITS:
        return None
    return min(int(text), LATEST_TIME_US)


def _time(time_us: int | None) -> str | None:
    return None if time_us is None else rfc3339(min(max(time_us, 0), LATEST_TIME_US))
