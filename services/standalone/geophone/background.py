"""A thread that works on what this one prepares."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

_Item = TypeVar("_Item")


class Background(Generic[_Item]):
    """Hands items to a function in a thread of its own, one after the other; a context manager.

    It pays where both threads spend their time in kernels, which leave the GIL to others.
    """

    def __init__(self, work: Callable[[_Item], None]) -> None:
        self._work = work
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._given: deque[Future[None]] = deque()

    def give(self, item: _Item) -> None:
        """Let the function work on `item`; returns when it is through with all before that.

        Raises what the function raised.
        """
        self._given.append(self._thread.submit(self._work, item))
        while len(self._given) > 1:
            self._given[0].result()  # Ctrl-C ends the wait, and forgets no item
            self._given.popleft()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Wait until nothing is left to do. Raises what the function raised."""
        self._thread.shutdown()
        if error is None:
            for future in self._given:
                future.result()
