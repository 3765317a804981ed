"""Whether a reader stands still although the log grows [core].

aiokafka has had readers that wait for ever while the broker answers everybody else (#703, #1154).
They raise nothing, so that only their position gives them away.
"""

from collections.abc import Mapping

from geophone_shared.bus.records import TopicPartition

STILL_SECONDS = 60.0
"""Longer than a broker's restart and a rebalance take."""


class StandStill:
    """Watches the positions of one reader.

    Args:
        still_seconds: how long a position may stay although there is more to read.
    """

    def __init__(self, still_seconds: float = STILL_SECONDS) -> None:
        self._still_seconds = still_seconds
        self._since: dict[TopicPartition, tuple[int, float]] = {}

    def is_stuck(
        self,
        positions: Mapping[TopicPartition, int],
        ends: Mapping[TopicPartition, int],
        now_seconds: float,
    ) -> bool:
        """Whether a partition stays where it is.

        Args:
            positions: where each partition goes on.
            ends: where each partition ends.
            now_seconds: the time, of a clock that never goes back.
        """
        since: dict[TopicPartition, tuple[int, float]] = {}
        for partition, position in positions.items():
            if position < ends.get(partition, 0):
                before = self._since.get(partition, (position, now_seconds))
                since[partition] = before if before[0] == position else (position, now_seconds)
        self._since = since
        return any(now_seconds - began >= self._still_seconds for _, began in since.values())
