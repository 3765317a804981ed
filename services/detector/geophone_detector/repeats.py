"""Which batches of the log came before: the last sequence of each producer [core]."""

from collections import OrderedDict
from collections.abc import Iterable

MOST_PRODUCERS = 4_096
"""Each start of a capture on a live network is one."""


class Repeats:
    """Tells a batch that comes again from one that is new.

    A producer numbers its batches for a partition from 0 and hands on the next one only when the
    one before is on the log, or lost for good; so what isn't above the last sequence is a repeat.

    Attributes:
        forgotten: producers that had to make room: those not heard of for longest.
    """

    def __init__(self, most_producers: int = MOST_PRODUCERS) -> None:
        self.forgotten = 0
        self._most_producers = most_producers
        self._last: OrderedDict[str, int] = OrderedDict()

    def missing_before(self, producer: str, sequence: int) -> int | None:
        """Note a batch.

        Returns:
            How many batches of its producer should have come before it and didn't; None for a
            repeat. Of a producer that is new here nothing is missed: its first ones may have come
            before this partition's records begin.
        """
        last = self._last.get(producer)
        if last is not None:
            self._last.move_to_end(producer)
            if sequence <= last:
                return None
        self._last[producer] = sequence
        if len(self._last) > self._most_producers:
            self._last.popitem(last=False)
            self.forgotten += 1
        return 0 if last is None else sequence - last - 1

    @property
    def last_sequences(self) -> list[tuple[str, int]]:
        """Each producer's last sequence; the one not heard of for longest first."""
        return list(self._last.items())

    def restore(self, last_sequences: Iterable[tuple[str, int]]) -> None:
        """Go on from `last_sequences`, of which the latest are kept."""
        self._last = OrderedDict(last_sequences)
        while len(self._last) > self._most_producers:
            self._last.popitem(last=False)
