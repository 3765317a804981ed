"""When to try again, and when to give up [core]."""

from dataclasses import dataclass

from geophone_shared.errors import ConfigError

_MOST_DOUBLINGS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySchedule:
    """Exponential backoff with a cap and jitter, until a message is too old.

    Attributes:
        first_seconds: the wait after the first failure; each further failure doubles it.
        longest_seconds: the cap. A quarter of an hour passes every greylist and doesn't bother a
            server that is down.
        give_up_seconds: how long a message is tried: five days, as mail servers do
            (RFC 5321 §4.5.4.1).
    """

    first_seconds: float = 10
    longest_seconds: float = 900
    give_up_seconds: float = 432_000

    def __post_init__(self) -> None:
        """Checks the numbers.

        Raises:
            ConfigError: the message says which setting to change.
        """
        if not 0 < self.first_seconds <= self.longest_seconds:
            raise ConfigError(
                "retries: first_seconds has to be above 0 and at most longest_seconds"
            )
        if self.give_up_seconds <= 0:
            raise ConfigError("retries: give_up_seconds has to be above 0")

    def delay_us(self, failures: int, fraction: float) -> int:
        """How long to wait after a failure, µs.

        Args:
            failures: how many there were in a row, this one included.
            fraction: a random number in 0 .. 1, so that many don't come back at once: half of
                the wait is fixed, half is drawn.
        """
        doublings = min(failures - 1, _MOST_DOUBLINGS)
        seconds = min(self.first_seconds * (1 << doublings), self.longest_seconds)
        return round(seconds * (0.5 + 0.5 * fraction) * 1_000_000)

    def due_us(self, put_off_us: int, now_us: int) -> int:
        """When an attempt that was put off to `put_off_us` is due.

        Nothing is put off for longer than the longest wait: what seems to be was put off before
        somebody set the clock back, and is due now.
        """
        return put_off_us if put_off_us - now_us <= self.longest_seconds * 1_000_000 else now_us

    def gives_up(self, since_us: int, now_us: int) -> bool:
        """Whether what has been tried since `since_us` is tried no more."""
        return now_us - since_us >= self.give_up_seconds * 1_000_000
