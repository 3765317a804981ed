"""What a stage has lost since it began, as its own records tell everybody [core].

So `/api/v1/status` can show the losses of stages that run elsewhere: the log is all that services
share.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

_SINCE = "since-us"
_DROPS = "drops"
_MOST_BYTES = 1024
_PART = re.compile(rb"([a-z_]{1,40})=([0-9]{1,18})")


@dataclass(slots=True)
class Drops:
    """What was lost.

    Attributes:
        since_us: when counting began, wall-clock time, µs since the epoch.
        counts: by reason.
    """

    since_us: int
    counts: Counter[str] = field(default_factory=Counter)

    def to_headers(self) -> tuple[tuple[str, bytes], ...]:
        """Two headers of a record, in ASCII: `since-us`, and `drops` as `reason=count ...`."""
        parts = (f"{reason}={count}" for reason, count in sorted(self.counts.items()))
        return (_SINCE, b"%d" % self.since_us), (_DROPS, " ".join(parts).encode("ascii"))


def drops_from_headers(headers: Iterable[tuple[str, bytes | None]]) -> Drops | None:
    """What a record's headers say; None where they say nothing, or nothing that can be read.

    The headers of a batch are optional: an older capture doesn't write them.
    """
    values = {name: value for name, value in headers if value is not None}
    since, drops = values.get(_SINCE, b""), values.get(_DROPS, b"")
    since_match = _PART.fullmatch(b"since=" + since)
    if since_match is None or len(drops) > _MOST_BYTES:
        return None
    counts: Counter[str] = Counter()
    for part in drops.split():
        match = _PART.fullmatch(part)
        if match is None:
            return None
        counts[match[1].decode("ascii")] = int(match[2])
    return Drops(int(since_match[2]), counts)


def together(several: Iterable[Drops]) -> Drops | None:
    """The losses of several producers or partitions, since the first of them began.

    Returns:
        None for none.
    """
    total: Drops | None = None
    for each in several:
        if total is None:
            total = Drops(each.since_us)
        total.since_us = min(total.since_us, each.since_us)
        # Not `+=`, which leaves out what is 0: that nothing was lost is to be seen, too.
        total.counts.update(each.counts)
    return total
