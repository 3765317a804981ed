"""A table with a bound: what was changed longest ago makes room [core]."""

from collections import OrderedDict
from typing import Generic, TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Recent(Generic[_Key, _Value]):
    """Values by key, at most `most` of them.

    Attributes:
        evicted: how many had to make room so far.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[_Key, _Value] = OrderedDict()
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: _Key) -> _Value | None:
        """The value of `key`, None where there is none (any more)."""
        return self._values.get(key)

    def put(self, key: _Key, value: _Value) -> None:
        """Sets the value of `key`, which is then the last to make room."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)
            self.evicted += 1

    def remove(self, key: _Key) -> None:
        """Forgets `key`, where it is known."""
        self._values.pop(key, None)
