"""A limit for messages that come over and over, so that they don't bury the others."""

import logging
from collections import OrderedDict
from dataclasses import dataclass

_MOST_CHARACTERS = 200


@dataclass(slots=True)
class _Interval:
    since_seconds: float
    passed: int = 1
    suppressed: int = 0


class RepeatLimit(logging.Filter):
    """Lets each message pass a few times in an interval.

    The next one that passes has the fact `suppressed`: how many of it didn't. Messages are told
    apart by their constant part.

    Args:
        most: how often a message passes in an interval.
        interval_seconds: how long it is; time is that of the records.
        most_messages: how many messages are remembered; the one that came first is forgotten.

    Attributes:
        suppressed: how many didn't pass so far.
    """

    def __init__(
        self, most: int = 5, interval_seconds: float = 10, most_messages: int = 1_024
    ) -> None:
        super().__init__()
        self._most = most
        self._interval_seconds = interval_seconds
        self._most_messages = most_messages
        self._intervals: OrderedDict[tuple[str, int, str], _Interval] = OrderedDict()
        self.suppressed = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record passes."""
        key = (record.name, record.levelno, str(record.msg)[:_MOST_CHARACTERS])
        interval = self._intervals.get(key)
        # The wall clock may be set back.
        if interval is None or not (
            0 <= record.created - interval.since_seconds < self._interval_seconds
        ):
            self._begin(key, record, interval)
            return True
        if interval.passed < self._most:
            interval.passed += 1
            return True
        interval.suppressed += 1
        self.suppressed += 1
        return False

    def _begin(
        self, key: tuple[str, int, str], record: logging.LogRecord, before: _Interval | None
    ) -> None:
        if before is not None and before.suppressed:
            record.suppressed = before.suppressed
        self._intervals[key] = _Interval(record.created)
        self._intervals.move_to_end(key)
        if len(self._intervals) > self._most_messages:
            self._intervals.popitem(last=False)
