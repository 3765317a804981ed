"""From captures to closed batches: what a thread of the service does, a turn at a time [shell]."""

import logging
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import BinaryIO, cast

from geophone_capture.batching import Batcher
from geophone_capture.capture_file import never
from geophone_capture.decoder import TransactionDecoder
from geophone_capture.inputs import STANDARD_INPUT, can_be_reopened
from geophone_capture.interruptible import InterruptibleInput
from geophone_capture.packets import PacketBlock
from geophone_capture.producer_id import BatchOptions, file_fingerprint, producer_id
from geophone_capture.registered_domains import domain_finder
from geophone_capture.sources import CaptureStream
from geophone_capture.stages import Stages
from geophone_capture.turns import Progress, Turn, progress_of, turns_of
from geophone_shared.errors import ConfigError
from geophone_shared.hashing import KEY_BYTES, SecretKey

_log = logging.getLogger(__name__)

_FINGERPRINT_BYTES = 64


class Reading:
    """Reads captures from their beginning to their end, or until `stop`.

    Args:
        files: paths, and `-` for standard input.
        options: how they are read; `shift_us` is found out here.
        sensor: name of the capture, for the batches.
        now_us: the wall clock, where packets are dated as if the captures began now; else None.
        random_bytes: as `os.urandom`.
        silence_seconds: after which what standard input has brought is published.
        standard_input: in place of that of the process.

    Raises:
        ConfigError: the options can't be used.
    """

    def __init__(
        self,
        files: Sequence[str],
        options: BatchOptions,
        *,
        sensor: str,
        now_us: Callable[[], int] | None,
        random_bytes: Callable[[int], bytes],
        silence_seconds: float,
        standard_input: BinaryIO | None = None,
    ) -> None:
        self._files = tuple(files)
        self._options = options
        self._sensor = sensor
        self._now_us = now_us
        self._random_bytes = random_bytes
        self._can_be_read_again = all(can_be_reopened(name) for name in files)
        self._input = None
        if STANDARD_INPUT in files:
            self._input = _interruptible(standard_input, silence_seconds)
        self._stream = CaptureStream(
            self._files,
            standard_input=cast("BinaryIO | None", self._input),
            is_silent=never if self._input is None else self._input.is_silent,
        )
        key = SecretKey.from_bytes(random_bytes(KEY_BYTES))
        self._decoder = TransactionDecoder(
            key, options.ports, keep_responses=options.keep_responses
        )
        self._stages: Stages | None = None
        self._is_stopped = threading.Event()

    def turns(self) -> Generator[Turn]:
        """What comes of the captures, in order.

        After `stop`, files end where they are, and their open batches aren't closed early: the
        next start gives them whole, with the same sequences. Of standard input, which can't be
        read again, what was read is completed as at its end.

        Raises:
            ConfigError: a file can't be used; says why.
        """
        with ExitStack() as resources:
            try:
                fingerprint = self._fingerprint()
                blocks = iter(resources.enter_context(self._stream))
                block = next((block for block in blocks if block.packets.size), None)
            except ConfigError:
                if self._is_stopped.is_set():
                    return  # it was cut short, and may be all right
                raise
            if block is None:
                return
            stages = self._stages = self._begin(block, fingerprint)
            while block is not None:
                due = stages.take(block) if block.packets.size else stages.flush()
                yield from turns_of(due, self._is_over)
                if self._is_over():
                    return
                if self._is_stopped.is_set():
                    self._stream.end_here()
                block = next(blocks, None)
            yield from turns_of(stages.finish(), self._is_over)

    def stop(self) -> None:
        """Have `turns` end soon, also where it waits for standard input; any thread may."""
        self._is_stopped.set()
        if self._input is not None:
            self._input.interrupt()

    def close(self) -> None:
        """Give back what it holds of the system, when `turns` has ended and nobody will `stop`."""
        if self._input is not None:
            self._input.close()

    def progress(self) -> Progress:
        """What was read so far; not to be asked while a turn is under way."""
        return progress_of(
            self._decoder,
            self._stages,
            invalid_times=self._stream.invalid_times,
            # What was cut short by a stop looks damaged, and isn't.
            damages=() if self._is_stopped.is_set() else self._stream.damages,
        )

    def _is_over(self) -> bool:
        """Whether no batch is wanted any more: the next start gives them all."""
        return self._is_stopped.is_set() and self._can_be_read_again

    def _fingerprint(self) -> bytes:
        if self._can_be_read_again:
            return file_fingerprint(self._files)
        return self._random_bytes(_FINGERPRINT_BYTES)

    def _begin(self, block: PacketBlock, fingerprint: bytes) -> Stages:
        """Settle what depends on the first packet."""
        options = self._options
        if self._now_us is not None:
            shift_us = self._now_us() - int(block.packets[0]["time_us"])
            options = replace(options, shift_us=shift_us)
        producer = producer_id(fingerprint, options)
        _log.info("reading captures", extra={"files": len(self._files), "producer": producer})
        return Stages(
            self._decoder,
            Batcher(
                *(options.partitions, options.batch_rows),
                sensor=self._sensor,
                producer=producer,
                keep_responses=options.keep_responses,
            ),
            domain_finder(),
            linger_us=options.linger_us,
            shift_us=options.shift_us,
        )


def _interruptible(
    standard_input: BinaryIO | None, silence_seconds: float
) -> InterruptibleInput | None:
    # A process may be started without one; opening it then says so.
    stream = standard_input or getattr(sys.stdin, "buffer", None)
    return None if stream is None else InterruptibleInput(stream, silence_seconds)
