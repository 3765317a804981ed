"""Times as people and other programs read them: RFC 3339 in UTC, with microseconds. Core.

Inside, a time is an `int`: microseconds since the epoch. Both directions are exact, so a time
never passes through a float.
"""

import re
from datetime import UTC, datetime, timedelta

LATEST_TIME_US = 253_402_300_799_999_999
"""The last microsecond of the year 9999: RFC 3339 has four digits for a year."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]([01]\d|2[0-3]):\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_NOT_A_TIME = "not a time such as 2010-08-21T02:11:04.000000Z"


def rfc3339(time_us: int) -> str:
    """`time_us` as `2010-08-21T02:11:04.000000Z` (RFC 3339 §5.6).

    Raises:
        ValueError: `time_us` is not in 0 .. `LATEST_TIME_US`.
    """
    _check(time_us)
    moment = _EPOCH + timedelta(microseconds=time_us)
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


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


def _check(time_us: int) -> None:
    if not 0 <= time_us <= LATEST_TIME_US:
        raise ValueError("a time must lie within the years 1970 to 9999")
