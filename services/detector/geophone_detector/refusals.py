"""Whether so many records can't be read that going on would hide a fault [core]."""

from collections import deque

OF_LAST = 1_000
MOST_PERCENT = 10
LEAST = 10
"""So many are always put up with: somebody's test, a damaged disk."""


class Refusals:
    """How many of a partition's last records could not be read."""

    def __init__(self) -> None:
        self._last: deque[bool] = deque(maxlen=OF_LAST)
        self._refused = 0

    def __len__(self) -> int:
        """The refused ones among the last."""
        return self._refused

    def observe(self, *, is_refused: bool) -> None:
        """Note a record."""
        if len(self._last) == OF_LAST:
            self._refused -= self._last[0]
        self._last.append(is_refused)
        self._refused += is_refused

    @property
    def are_too_many(self) -> bool:
        """Whether a person should look before more are put aside."""
        return self._refused >= LEAST and 100 * self._refused > MOST_PERCENT * len(self._last)
