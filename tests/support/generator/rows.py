"""A mixture as transactions, in the order in which they complete."""

from collections.abc import Iterator

import numpy as np

from geophone_shared.jit import Array
from geophone_shared.transactions import LONGEST_NAME_BYTES, ROW, Note, Outcome, Transactions
from tests.support.generator.arrivals import Mixture
from tests.support.generator.exchanges import join
from tests.support.generator.kernels.wire import write_rows


def row_stream(mixture: Mixture) -> Iterator[Transactions]:
    """The transactions that a capture of the mixture holds, with their registered domains.

    At the end, as of a capture: what still waits completes with the last packet.
    """
    waiting = join([])
    last_packet_us = 0
    for exchanges in mixture.slices():
        if exchanges.size == 0:
            continue
        # What begins from here on completes later than this.
        until_us = int(exchanges["time_us"][0])
        last_packet_us = max(last_packet_us, last_packet_time(exchanges))
        waiting = join([waiting, exchanges])
        is_complete = waiting["completed_us"] < until_us
        yield _transactions(mixture, waiting[is_complete])
        waiting = waiting[~is_complete]
    still_waits = waiting["completed_us"] > last_packet_us
    waiting["completed_us"][still_waits] = last_packet_us
    transactions = _transactions(mixture, waiting)
    ended = (transactions.rows["completed_us"] == last_packet_us) & (
        transactions.rows["outcome"] == Outcome.UNANSWERED
    )
    transactions.rows["notes"][ended] |= np.uint32(Note.INPUT_ENDED)
    yield transactions


def last_packet_time(exchanges: Array) -> int:
    """The latest query or response, µs since the epoch."""
    answered = exchanges[exchanges["outcome"] == Outcome.ANSWERED]
    return max(
        int(exchanges["time_us"].max(initial=0)), int(answered["completed_us"].max(initial=0))
    )


def _transactions(mixture: Mixture, exchanges: Array) -> Transactions:
    in_order = exchanges[np.argsort(exchanges["completed_us"], kind="stable")]
    rows = np.zeros(in_order.size, ROW)
    names = np.empty(in_order.size * LONGEST_NAME_BYTES, np.uint8)
    used = write_rows(mixture.tables, in_order, rows, names)
    return Transactions(rows, names[:used])
