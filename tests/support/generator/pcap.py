"""A mixture as a classic pcap file: Ethernet, IPv4, UDP, DNS; queries and responses."""

from collections.abc import Iterator

import numpy as np

from geophone_shared.jit import Array
from geophone_shared.transactions import Outcome
from tests.support.capture_writer import pcap_header
from tests.support.generator.arrivals import Mixture
from tests.support.generator.exchanges import join
from tests.support.generator.kernels.wire import LONGEST_PACKET_BYTES, write_packets


def pcap_chunks(mixture: Mixture) -> Iterator[bytes]:
    """The file, piece by piece; packets in order of time."""
    yield pcap_header()
    waiting = join([])  # with packets still to come
    done_us = 0
    for exchanges in mixture.slices():
        if exchanges.size == 0:
            continue
        until_us = int(exchanges["time_us"][0])
        yield _packets(mixture, waiting, done_us, until_us)
        waiting = join([waiting[waiting["completed_us"] >= until_us], exchanges])
        done_us = until_us
    yield _packets(mixture, waiting, done_us, np.iinfo(np.int64).max)


def _packets(mixture: Mixture, exchanges: Array, first_us: int, until_us: int) -> bytes:
    """The records of packets from `first_us` on and before `until_us`."""
    answered = np.flatnonzero(exchanges["outcome"] == Outcome.ANSWERED)
    times_us = np.concatenate([exchanges["time_us"], exchanges["completed_us"][answered]])
    of_exchange = np.concatenate([np.arange(exchanges.size), answered])
    is_response = np.arange(times_us.size) >= exchanges.size
    in_order = np.argsort(times_us, kind="stable")
    in_order = in_order[(times_us[in_order] >= first_us) & (times_us[in_order] < until_us)]
    of_exchange = of_exchange[in_order]
    room = of_exchange.size * LONGEST_PACKET_BYTES
    room += int(exchanges["answer_bytes"][of_exchange].sum(dtype=np.int64))
    buffer = np.empty(room, np.uint8)
    used = write_packets(
        mixture.tables, exchanges, of_exchange, is_response[in_order].copy(), buffer
    )
    return buffer[:used].tobytes()
