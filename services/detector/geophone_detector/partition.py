"""One partition of the log: its records in, what happened to alerts out [core].

All that is known of it is a function of its records from the beginning of the longest window on.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from geophone_detector.detector import Detector
from geophone_detector.repeats import Repeats
from geophone_shared.alerts import Alert
from geophone_shared.batch import decode_batch
from geophone_shared.batch_headers import BatchHeaders
from geophone_shared.bus.records import StoredRecord
from geophone_shared.errors import InvalidRecordError
from geophone_shared.record_reasons import invalid_record
from geophone_shared.transactions import Transactions

CLOCK_TOLERANCE_US = 60_000_000
"""A row dated further ahead of its record's publication is counted as of then."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a record.

    Attributes:
        offset: its offset.
        alerts: what happened to alerts, in order.
        rows: transactions that were counted, the late ones included.
        missing: batches of its producer that should have come before it.
        is_repeat: whether it came before, and was skipped.
        refused: why it is a dead letter; None where it isn't.
    """

    offset: int
    alerts: list[Alert] = field(default_factory=list)
    rows: int = 0
    missing: int = 0
    is_repeat: bool = False
    refused: str | None = None


class Partition:
    """What is counted of one partition.

    Attributes:
        detector: the windows and the alerts.
        repeats: what came before.
        position: the offset at which its records go on.
        clock_us: the largest completion time or minute mark so far, µs of packet time since the
            epoch; None before the first.
    """

    def __init__(self, detector: Detector, position: int) -> None:
        self.detector = detector
        self.repeats = Repeats()
        self.position = position
        self.clock_us: int | None = None

    def take_all(self, records: Iterable[StoredRecord]) -> list[Taken]:
        """Count records in their order."""
        return [self.take(record) for record in records]

    def take(self, record: StoredRecord) -> Taken:
        """Count the next record."""
        self.position = record.offset + 1
        try:
            return self._counted(record)
        except InvalidRecordError as error:
            return Taken(record.offset, refused=str(error))

    def _counted(self, record: StoredRecord) -> Taken:
        headers = BatchHeaders.from_headers(record.headers)
        missing = self.repeats.missing_before(headers.producer, headers.sequence)
        if missing is None:
            return Taken(record.offset, is_repeat=True)
        latest_us = record.published_us + CLOCK_TOLERANCE_US
        if headers.is_minute_mark():
            if record.value:
                raise invalid_record("headers")
            alerts = self._advanced_to(min(headers.last_time_us, latest_us))
            return Taken(record.offset, alerts, missing=missing)
        transactions = decode_batch(record.value).transactions
        if len(transactions.rows) != headers.rows:
            raise invalid_record("headers")
        alerts = self._observed(transactions, latest_us)
        return Taken(record.offset, alerts, rows=headers.rows, missing=missing)

    def _advanced_to(self, clock_us: int) -> list[Alert]:
        self._move_clock(clock_us)
        return self.detector.advance(clock_us)

    def _observed(self, transactions: Transactions, latest_us: int) -> list[Alert]:
        self._move_clock(min(int(transactions.rows[-1]["completed_us"]), latest_us))
        return self.detector.observe(transactions, latest_us)

    def _move_clock(self, clock_us: int) -> None:
        self.clock_us = clock_us if self.clock_us is None else max(self.clock_us, clock_us)
