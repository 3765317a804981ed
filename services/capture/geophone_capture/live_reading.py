"""From network interfaces to closed batches: a thread of the service, a turn at a time [shell]."""

import logging
import socket
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

from geophone_capture.batching import Batcher
from geophone_capture.decoder import TransactionDecoder
from geophone_capture.live.options import LiveOptions
from geophone_capture.live.ring import RingStatistics
from geophone_capture.live.stream import Idle, LiveStream
from geophone_capture.producer_id import BatchOptions, producer_id
from geophone_capture.registered_domains import domain_finder
from geophone_capture.stages import Due, Stages
from geophone_capture.turns import Progress, Turn, progress_of, turns_of
from geophone_shared.hashing import KEY_BYTES, SecretKey

_log = logging.getLogger(__name__)

_SEED_BYTES = 64
_IDLE_TURN_US = 900_000
"""Each turn takes the service's event loop some time: once a second is enough to count nothing."""


class LiveReading:
    """Captures on interfaces until `stop`, and is another stream of batches each time.

    Args:
        interfaces: their names.
        sockets: a packet socket for each, at least, that was opened for it alone.
        live: how they are captured on.
        batches: how batches are made; `linger_us` is set.
        sensor: name of the capture, for the batches.
        random_bytes: as `os.urandom`.
    """

    def __init__(
        self,
        interfaces: Sequence[str],
        sockets: Sequence[socket.socket],
        live: LiveOptions,
        batches: BatchOptions,
        *,
        sensor: str,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._interfaces = tuple(interfaces)
        for unused in sockets[len(interfaces) :]:
            unused.close()
        self._stream = LiveStream(tuple(zip(interfaces, sockets, strict=False)), live)
        key = SecretKey.from_bytes(random_bytes(KEY_BYTES))
        self._decoder = TransactionDecoder(
            key, batches.ports, keep_responses=batches.keep_responses
        )
        self._producer = producer_id(random_bytes(_SEED_BYTES), batches)
        self._stages = Stages(
            self._decoder,
            Batcher(
                *(batches.partitions, batches.batch_rows),
                sensor=sensor,
                producer=self._producer,
                keep_responses=batches.keep_responses,
            ),
            domain_finder(),
            linger_us=batches.linger_us,
            shift_us=0,
        )

    def turns(self) -> Generator[Turn]:
        """What comes of the packets, in order; after `stop`, of those captured until then.

        Raises:
            ConfigError: an interface can't be captured as asked for.
            TransientError: one of a fan-out group was removed.
        """
        with self._stream:
            _log.info(
                "capturing",
                extra={"interfaces": ",".join(self._interfaces), "producer": self._producer},
            )
            yield Turn((), 0)  # it has begun
            turned_us = 0
            due: Iterable[Due]
            for event in self._stream:
                if isinstance(event, Idle):
                    due = list(self._stages.idle(event.clock_us))
                    # By its distance: the system clock may be set back.
                    if not due and abs(event.clock_us - turned_us) < _IDLE_TURN_US:
                        continue
                    turned_us = event.clock_us
                else:
                    due = self._stages.take(event)
                # All of it at once: these packets took the time that they took.
                yield from turns_of(((0, batch) for _, batch in due), _never)
            yield from turns_of(((0, batch) for _, batch in self._stages.finish()), _never)

    def stop(self) -> None:
        """Have `turns` end soon; any thread may."""
        self._stream.stop()

    def close(self) -> None:
        """Nothing is left to give back: `turns` does that."""

    def progress(self) -> Progress:
        """What was read so far; not to be asked while a turn is under way."""
        return progress_of(self._decoder, self._stages)

    def statistics(self) -> Mapping[str, RingStatistics]:
        """What happened on each interface so far, as the kernel counts it."""
        return self._stream.statistics()


def _never() -> bool:
    return False
