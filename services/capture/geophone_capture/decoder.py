"""From blocks of packets to transactions: the state that the matching kernel works on [core]."""

from collections.abc import Iterator, Sequence

import numpy as np

from geophone_capture.encapsulations import ALL, Encapsulation
from geophone_capture.kernels.decoding import (
    AT_PIECE,
    OUTPUT_FULL,
    close_pending,
    transactions_from_packets,
)
from geophone_capture.kernels.flows import TCP, Sought
from geophone_capture.kernels.foreign import FOREIGN, MOST_CLIENTS, Foreign
from geophone_capture.kernels.matching import new_scratch
from geophone_capture.kernels.pending import (
    FIRST_INDEX_SLOTS,
    HEADS,
    NAME_WORDS,
    NONE,
    PENDING,
    Pending,
)
from geophone_capture.kernels.rows import CLOCK_UNSET, PROGRESS, Output
from geophone_capture.packets import PacketBlock
from geophone_capture.reasons import Reason
from geophone_capture.resolvers import resolver_table
from geophone_shared.errors import ConfigError
from geophone_shared.hashing import SecretKey
from geophone_shared.transactions import ROW, Transactions

DNS_PORTS = (53,)
PENDING_CAPACITY = 262_144
"""Queries that may wait at a time: 26,000 unanswered ones a second for 10 s. Beyond it the one that
has waited longest is closed as unanswered, and counted."""

ROWS_AT_A_TIME = 16_384


class TransactionDecoder:
    """Decodes packets, matches responses to queries, and hands out rows as they complete.

    Attributes:
        packets: how many have been looked at.
        first_us: the earliest packet time, None before the first packet.
        last_us: the latest packet time.
        clock_outliers: packets whose time did not move the packet clock.
    """

    def __init__(
        self,
        secret: SecretKey,
        ports: Sequence[int] = DNS_PORTS,
        pending_capacity: int = PENDING_CAPACITY,
        rows_at_a_time: int = ROWS_AT_A_TIME,
        encapsulations: Encapsulation = ALL,
    ) -> None:
        self.packets = 0
        self.first_us: int | None = None
        self.last_us: int | None = None
        self.clock_outliers = 0
        self._end_us = 0
        self._counters = np.zeros(len(Reason), np.int64)
        is_dns_port = np.zeros(65_536, np.bool_)
        for port in ports:
            if not 0 < port < is_dns_port.size:
                raise ConfigError(f"{port} is not a port: give one from 1 to 65535")
            is_dns_port[port] = True
        self._sought = Sought(is_dns_port, resolver_table(), int(encapsulations))
        self._foreign = Foreign(np.zeros(MOST_CLIENTS, FOREIGN), np.zeros(1, np.int64))
        heads = np.zeros(1, HEADS)
        for head in ("oldest", "newest", "free"):
            heads[head] = NONE
        slots = np.full(1 << (2 * pending_capacity).bit_length(), NONE, np.int32)
        heads["index_slots"] = min(FIRST_INDEX_SLOTS, slots.size)
        self._pending = Pending(
            entries=np.empty(pending_capacity, PENDING),
            names=np.empty(pending_capacity * NAME_WORDS, np.uint64),
            slots=slots,
            heads=heads,
            key0=secret.key0,
            key1=secret.key1,
        )
        progress = np.zeros(1, PROGRESS)
        progress["clock_us"] = progress["completed_us"] = CLOCK_UNSET
        self._output, self._other_output = (
            Output(
                rows=np.zeros(rows_at_a_time, ROW),
                names=np.empty(rows_at_a_time * NAME_WORDS, np.uint64),
                progress=progress,
            )
            for _ in range(2)
        )
        self._scratch = new_scratch()

    @property
    def clock_us(self) -> int | None:
        """The packet clock: the latest packet time but for outliers; None before a packet."""
        clock_us = int(self._output.progress[0]["clock_us"])
        return None if clock_us == CLOCK_UNSET else clock_us

    @property
    def evicted(self) -> int:
        """Queries closed early because too many were waiting."""
        return int(self._output.progress[0]["evicted"])

    def counts(self) -> dict[Reason, int]:
        """Packets by what became of them; they add up to `packets`."""
        return {reason: int(self._counters[reason]) for reason in Reason}

    def feed(self, block: PacketBlock) -> Iterator[Transactions]:
        """Look at a block's packets.

        Yields:
            Rows in completion order, valid until those after the next are asked for: one thread
            can work on them while another decodes. The iterator has to be exhausted before the
            next call.
        """
        packets = block.packets
        if packets.size == 0:
            return
        times_us = packets["time_us"]
        earliest_us, latest_us = int(times_us.min()), int(times_us.max())
        self.first_us = earliest_us if self.first_us is None else min(self.first_us, earliest_us)
        self.last_us = latest_us if self.last_us is None else max(self.last_us, latest_us)
        self.clock_outliers += int(np.count_nonzero(packets["clock_us"] < times_us))
        self._end_us = int(times_us[-1])
        following = 0
        while following < packets.size:
            following, stop = transactions_from_packets(
                block.buffer,
                packets,
                following,
                self._sought,
                self._pending,
                self._output,
                self._counters,
                self._foreign,
                self._scratch,
            )
            if stop == AT_PIECE:
                self._take_piece()
            elif stop == OUTPUT_FULL:
                yield from self._completed()
        yield from self._completed()
        self.packets += packets.size

    def close(self) -> Iterator[Transactions]:
        """At the end of the whole input: complete the queries that still wait, as unanswered."""
        is_closed = False
        while not is_closed:
            is_closed = close_pending(self._pending, self._output, self._end_us)
            yield from self._completed()

    def _take_piece(self) -> None:
        flow = self._scratch.flow[0]
        is_segment = flow["protocol"] == TCP and not flow["has_more"] and not flow["offset_bytes"]
        self._counters[Reason.TCP_SEGMENT if is_segment else Reason.IP_FRAGMENT] += 1

    def _completed(self) -> Iterator[Transactions]:
        output = self._output
        progress = output.progress[0]
        count = int(progress["row_count"])
        progress["row_count"] = 0
        progress["names_words"] = 0
        if count:
            self._output, self._other_output = self._other_output, output
            yield Transactions(output.rows[:count], output.names.view(np.uint8))
