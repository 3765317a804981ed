"""How long Kafka is waited for: less once the process is to end, and then only once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.errors import (
    KafkaConnectionError,
    KafkaTimeoutError,
    NodeNotReadyError,
    RequestTimedOutError,
)

STOP_SECONDS = 3.0
"""For an answer after the stop: longer than a broker that is there takes, also under load."""


_AWAY = (
    TimeoutError,
    KafkaConnectionError,
    KafkaTimeoutError,
    NodeNotReadyError,
    RequestTimedOutError,
)
"""What is raised when no broker answers."""


class Waits:
    """The bounds of everything that is asked of Kafka through one log.

    Attributes:
        has_given_up: Whether something had no answer after the stop; then nothing is waited for.
    """

    def __init__(self) -> None:
        self.has_given_up = False
        self._is_stopping = False
        self._running: set[asyncio.Timeout] = set()

    @asynccontextmanager
    async def within(self, seconds: float) -> AsyncIterator[None]:
        """A bound for what is awaited in the `async with`.

        Raises:
            TimeoutError: it took longer.
        """
        try:
            async with asyncio.timeout(self.at_most(seconds)) as bound:
                self._running.add(bound)
                try:
                    yield
                finally:
                    self._running.discard(bound)
        except _AWAY:
            self.has_given_up |= self._is_stopping
            raise

    def at_most(self, seconds: float) -> float:
        """How long to wait for something that would have so many seconds before the stop."""
        if self.has_given_up:
            return 0.0
        return min(seconds, STOP_SECONDS) if self._is_stopping else seconds

    async def hurry_after(self, stop: asyncio.Event) -> None:
        """Once `stop` is set, shorten what is waited for now, and all that follows."""
        await stop.wait()
        self._is_stopping = True
        latest = asyncio.get_running_loop().time() + STOP_SECONDS
        for bound in self._running:
            when = bound.when()
            if not bound.expired() and (when is None or when > latest):
                bound.reschedule(latest)
