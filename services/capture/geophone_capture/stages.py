"""From packets to closed batches: decode, match, date, find the registered domain, batch [core]."""

from collections.abc import Callable, Iterator

import numpy as np

from geophone_capture.batching import Batcher, EncodedBatch
from geophone_capture.decoder import TransactionDecoder
from geophone_capture.pacing import Stretches
from geophone_capture.packets import PacketBlock
from geophone_shared.timestamps import LATEST_TIME_US
from geophone_shared.transactions import Outcome, Transactions

Due = tuple[int, EncodedBatch]
"""A batch, and how much packet time has to have passed since the first packet before it may be
published, µs."""


class Stages:
    """The stages of one source.

    Iterators that methods return have to be exhausted before the next call.

    Args:
        decoder: a new one.
        batcher: a new one.
        find_domains: sets the `domain_offset` of rows.
        linger_us: packet time after which batches close; None where time closes none, and nothing
            has to wait.
        shift_us: what is added to every time.

    Attributes:
        outcomes: transactions by `Outcome`.
    """

    def __init__(
        self,
        decoder: TransactionDecoder,
        batcher: Batcher,
        find_domains: Callable[[Transactions], None],
        *,
        linger_us: int | None,
        shift_us: int,
    ) -> None:
        self.outcomes = np.zeros(len(Outcome), np.int64)
        self._decoder = decoder
        self._batcher = batcher
        self._find_domains = find_domains
        self._is_paced = linger_us is not None
        self._shift_us = shift_us
        self._stretches = Stretches(linger_us, shift_us)
        self._elapsed_us = 0

    @property
    def clock_us(self) -> int:
        """The packet clock, shifted; 0 before a packet."""
        clock_us = self._decoder.clock_us
        return 0 if clock_us is None else min(max(clock_us + self._shift_us, 0), LATEST_TIME_US)

    def take(self, block: PacketBlock) -> Iterator[Due]:
        """The batches that close by the next packets of the source."""
        for stretch in self._stretches.cut(block.packets):
            if stretch.is_after_cut:
                yield from self._due(self._batcher.advance(self.clock_us))
                if self._is_paced:
                    yield from self._due(self._batcher.flush())
            if self._is_paced:
                self._elapsed_us = stretch.elapsed_us
            yield from self._decoded(self._decoder.feed(PacketBlock(block.buffer, stretch.packets)))

    def idle(self, clock_us: int) -> Iterator[Due]:
        """What is due when no packet came for a while, of a source that is live.

        Args:
            clock_us: packets that come later are later.
        """
        yield from self._decoded(self._decoder.advance(clock_us))
        yield from self._due(self._batcher.advance(self.clock_us))
        yield from self._due(self._batcher.flush())

    def flush(self) -> Iterator[Due]:
        """What is open, of a source that has fallen silent; the packet clock stays."""
        yield from self._due(self._batcher.flush())

    def finish(self) -> Iterator[Due]:
        """The last batches, at the end of the whole source."""
        yield from self._decoded(self._decoder.close())
        yield from self._due(self._batcher.close(self.clock_us))

    def _decoded(self, completed: Iterator[Transactions]) -> Iterator[Due]:
        for transactions in completed:
            rows = transactions.rows
            self.outcomes += np.bincount(rows["outcome"], minlength=len(self.outcomes))
            if self._shift_us:
                for field in ("time_us", "completed_us"):
                    rows[field] = np.clip(rows[field] + self._shift_us, 0, LATEST_TIME_US)
            self._find_domains(transactions)
            yield from self._due(self._batcher.add(transactions))

    def _due(self, batches: Iterator[EncodedBatch]) -> Iterator[Due]:
        for batch in batches:
            yield self._elapsed_us, batch
