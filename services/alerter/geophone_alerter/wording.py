"""How numbers, times and long names are worded for people.

Bytes use the SI prefixes (1 kB = 1,000 B), times are UTC, and a number is never so rounded that
it says something else: 99.7 % is not 100 %, and a share above nothing is not 0 %.
"""

from geophone_shared.timestamps import parse_rfc3339

_KILO = 1_000
_BYTE_UNITS = ("kB", "MB", "GB", "TB", "PB")
_MINUTE_SECONDS = 60
_HOUR_SECONDS = 3_600
_DAY_SECONDS = 86_400


def count(number: int, singular: str = "", plural: str = "") -> str:
    """`1,234`, or with a noun `1 query`, `1,234 queries`; the plural is the noun + s by default."""
    if not singular:
        return f"{number:,}"
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def human_bytes(number: int) -> str:
    """`812 B`, `16.8 kB`, `1.2 GB`."""
    if abs(number) < _KILO:
        return f"{number} B"
    value = float(number)
    power = 0
    while round(abs(value), 1) >= _KILO and power < len(_BYTE_UNITS):
        value /= _KILO
        power += 1
    return f"{value:,.1f} {_BYTE_UNITS[power - 1]}"


def exact_bytes(number: int) -> str:
    """`812 B`, `16,812 B (16.8 kB)`."""
    human = human_bytes(number)
    return human if human == f"{number} B" else f"{number:,} B ({human})"


def duration(seconds: float) -> str:
    """`24.5 s`, `4 min 5 s`, `4 h`, `24 h`, `2 d 3 h`: two units at most, days from two on."""
    if round(seconds, 1) < _MINUTE_SECONDS:
        return f"{seconds:.3f} s" if seconds < 1 else f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    if whole < _HOUR_SECONDS:
        return _two_units(whole, _MINUTE_SECONDS, "min", 1, "s")
    if whole < 2 * _DAY_SECONDS:
        return _two_units(whole, _HOUR_SECONDS, "h", _MINUTE_SECONDS, "min")
    return _two_units(whole, _DAY_SECONDS, "d", _HOUR_SECONDS, "h")


def _two_units(whole: int, large: int, large_name: str, small: int, small_name: str) -> str:
    big, rest = divmod(whole, large)
    little = rest // small
    return f"{big} {large_name}" + (f" {little} {small_name}" if little else "")


def share(part: int, whole: int) -> str:
    """`95 %`; `100 %` and `0 %` only where they are exact, else `99 %` and `<1 %`."""
    if whole <= 0 or part >= whole:
        return "100 %" if part > 0 else "0 %"
    if part <= 0:
        return "0 %"
    percent = round(100 * part / whole)
    return f"{min(percent, 99)} %" if percent else "<1 %"


def timestamp(rfc3339: str) -> str:
    """`2010-08-21T02:11:04.123456Z` as `2010-08-21 02:11:04.123456 UTC`."""
    return rfc3339.replace("T", " ").replace("Z", " UTC")


def seconds_between(earlier: str, later: str) -> float:
    """Seconds from one RFC 3339 time to another; negative where they are the other way round."""
    return (parse_rfc3339(later) - parse_rfc3339(earlier)) / 1_000_000


def listing(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def shortened(text: str, width: int) -> str:
    """`text` in at most `width` characters: its beginning and its end, `…` for the middle.

    The middle goes because both ends of a name say something: its registered domain is at the
    right, and what the tunnel's tool puts in front is at the left.
    """
    if len(text) <= width:
        return text
    kept = max(width - 1, 0)
    tail = (kept + 1) // 2
    return text[: kept - tail] + "…"[:width] + (text[-tail:] if tail else "")
