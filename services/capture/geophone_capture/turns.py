"""What every reading gives, a turn at a time, and how far it has come."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from geophone_capture.batching import EncodedBatch
from geophone_capture.capture_file import Damage
from geophone_capture.decoder import TransactionDecoder
from geophone_capture.fragments import FragmentCounts
from geophone_capture.reasons import Reason
from geophone_capture.stages import Due, Stages
from geophone_capture.tcp_events import TcpCounts
from geophone_shared.transactions import Outcome

_MOST_BATCHES_A_TURN = 16


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of some packets.

    Attributes:
        batches: that are closed now.
        elapsed_us: they mustn't be published before so much packet time has passed since the
            first packet.
    """

    batches: Sequence[EncodedBatch]
    elapsed_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What was read so far.

    Attributes:
        packets: by what became of them.
        stream_messages: messages over TCP, likewise.
        fragments: what became of IP fragments.
        tcp: what became of TCP segments.
        foreign_packets: packets on ports of DNS that are no DNS.
        foreign_bytes: bytes in them.
        outcomes: transactions, by how they completed.
        clock_us: the packet clock; 0 before a packet.
        clock_outliers: packets whose time did not move it.
        invalid_times: packets dated outside of 1970 to 9999.
        evicted: queries closed early because too many were waiting.
        damages: files that could not be read to their end.
    """

    packets: dict[Reason, int]
    stream_messages: dict[Reason, int]
    fragments: FragmentCounts
    tcp: TcpCounts
    foreign_packets: int
    foreign_bytes: int
    outcomes: dict[Outcome, int]
    clock_us: int
    clock_outliers: int
    invalid_times: int
    evicted: int
    damages: Sequence[Damage]


class PacketReading(Protocol):
    """Packets on their way to batches, whether from captures or from interfaces."""

    def turns(self) -> Generator[Turn]:
        """What comes of the packets, in order."""

    def stop(self) -> None:
        """Have `turns` end soon; any thread may."""

    def close(self) -> None:
        """Give back what it holds of the system, when `turns` has ended and nobody will `stop`."""

    def progress(self) -> Progress:
        """What was read so far; not to be asked while a turn is under way."""


def progress_of(
    decoder: TransactionDecoder,
    stages: Stages | None,
    *,
    invalid_times: int = 0,
    damages: Sequence[Damage] = (),
) -> Progress:
    """What a decoder and its stages have done; they don't exist before the first packet."""
    outcomes = [0] * len(Outcome) if stages is None else stages.outcomes.tolist()
    return Progress(
        packets=decoder.counts(),
        stream_messages=decoder.counts_of_streams(),
        fragments=replace(decoder.fragment_counts),
        tcp=replace(decoder.tcp_counts),
        foreign_packets=decoder.foreign_packets,
        foreign_bytes=decoder.foreign_bytes,
        outcomes=dict(zip(Outcome, outcomes, strict=True)),
        clock_us=0 if stages is None else stages.clock_us,
        clock_outliers=decoder.clock_outliers,
        invalid_times=invalid_times,
        evicted=decoder.evicted,
        damages=damages,
    )


def turns_of(due: Iterator[Due], is_over: Callable[[], bool]) -> Iterator[Turn]:
    """Put together what may be published at the same time, but not too much.

    The last turn may have no batch: there is one for every block at least.

    Args:
        due: the batches.
        is_over: asked between turns whether the rest isn't wanted any more.
    """
    batches: list[EncodedBatch] = []
    batches_elapsed_us = 0
    for elapsed_us, batch in due:
        if batches and (elapsed_us != batches_elapsed_us or len(batches) == _MOST_BATCHES_A_TURN):
            yield Turn(tuple(batches), batches_elapsed_us)
            batches.clear()
            if is_over():
                return
        batches_elapsed_us = elapsed_us
        batches.append(batch)
    yield Turn(tuple(batches), batches_elapsed_us)
