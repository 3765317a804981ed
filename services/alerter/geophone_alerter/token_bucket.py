"""A token bucket: how many messages may go out, in bursts and on average [core].

Whole microseconds throughout, so that nothing is lost to rounding.
"""


class TokenBucket:
    """Full at first; a token comes back per interval.

    Args:
        most_tokens: how many it holds.
        interval_us: how long one takes to come back.
    """

    def __init__(self, most_tokens: int, interval_us: int) -> None:
        self._interval_us = interval_us
        self._most_us = most_tokens * interval_us
        self._saved_us = self._most_us
        self._at_us: int | None = None

    def tokens(self, now_us: int) -> int:
        """How many are there now."""
        self._advance(now_us)
        return self._saved_us // self._interval_us

    def take(self, now_us: int) -> None:
        """Takes one; where there is none, what was saved for the next."""
        self._advance(now_us)
        self._saved_us = max(self._saved_us - self._interval_us, 0)

    def next_token_us(self, now_us: int) -> int:
        """When there will be a token: `now_us` where there is one."""
        self._advance(now_us)
        return now_us + max(self._interval_us - self._saved_us, 0)

    def _advance(self, now_us: int) -> None:
        # A clock that goes back saves nothing and takes nothing.
        if self._at_us is not None:
            elapsed_us = max(now_us - self._at_us, 0)
            self._saved_us = min(self._saved_us + elapsed_us, self._most_us)
        self._at_us = now_us
