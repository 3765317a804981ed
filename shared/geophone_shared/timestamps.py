"""Times as people and other programs read them: RFC 3339 in UTC, with microseconds. Core.

Inside, a time is an `int`: microseconds since the epoch. Both directions are exact, so a time
never passes through a float.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

LATEST_TIME_US = 253_402_300_799_999_999
"""The last microsecond of the year 9999: RFC 3339 has four digits for a year."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]([01]\d|2[0-3]):\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_NOT_A_TIME = "not a time such as 2010-08-21T02:11:04.000000Z"
_MINUTE_US = 60_000_000
_MOST_MINUTES = 2_048
"""Whose text is kept, more than a day has: most times of a record lie in a few minutes."""


def rfc3339(time_us: int) -> str:
    """`time_us` as `2010-08-21T02:11:04.000000Z` (RFC 3339 §5.6).

    Raises:
        ValueError: `time_us` is not in 0 .. `LATEST_TIME_US`.
    """
    _check(time_us)
    minute, past_us = divmod(time_us, _MINUTE_US)
    seconds, microseconds = divmod(past_us, 1_000_000)
    return f"{_minute_text(minute)}:{seconds:02}.{microseconds:06}Z"


def parse_rfc3339(text: str) -> int:
    """Microseconds since the epoch of an RFC 3339 time with any offset.

    Raises:
        ValueError: `text` is not RFC 3339, is finer than a microsecond, or lies outside of
            0 .. `LATEST_TIME_US`.
    """
    # `fromisoformat` takes more than RFC 3339 has, so the pattern stands before it.
    if _RFC3339.fullmatch(text) is None:
        raise ValueError(_NOT_A_TIME)
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise ValueError(_NOT_A_TIME) from error
    time_us = (moment - _EPOCH) // _MICROSECOND
    _check(time_us)
    return time_us


@lru_cache(_MOST_MINUTES)
def _minute_text(minute: int) -> str:
    """A minute since the epoch as `2010-08-21T02:11`."""
    moment = _EPOCH + timedelta(minutes=minute)
    return moment.replace(tzinfo=None).isoformat(timespec="minutes")


def _check(time_us: int) -> None:
    if not 0 <= time_us <= LATEST_TIME_US:
        raise ValueError("a time must lie within the years 1970 to 9999")
