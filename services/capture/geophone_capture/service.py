"""The capture service: from captures, or interfaces, to `dns.transactions`."""

import asyncio
import logging
import math
import os
import platform
import re
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import BinaryIO

from geophone_capture import metrics as families
from geophone_capture.inputs import STANDARD_INPUT, can_be_reopened
from geophone_capture.live.ring import RingStatistics
from geophone_capture.live_reading import LiveReading
from geophone_capture.live_settings import live_options
from geophone_capture.pacing import linger_us
from geophone_capture.producer_id import BatchOptions
from geophone_capture.publishing import Publisher
from geophone_capture.reading import Reading
from geophone_capture.reading_metrics import count_progress, count_rings
from geophone_capture.turns import PacketReading, Progress, Turn
from geophone_shared.bus.contract import Bus
from geophone_shared.bus.topics import TRANSACTIONS
from geophone_shared.drops import Drops
from geophone_shared.errors import ConfigError
from geophone_shared.health import Condition, Health
from geophone_shared.metrics.common import HEARTBEAT_TIMESTAMP_SECONDS
from geophone_shared.metrics.registry import Metrics
from geophone_shared.settings.sections import CaptureSettings

_log = logging.getLogger(__name__)

STAGE = "capture"
"""A value of the metrics' label `stage`."""

LOG_CONDITION = "capture_log"
HEALTH_CONDITIONS = (Condition(LOG_CONDITION, "readiness"),)
INTERFACES_CONDITION = "capture_interfaces"
LIVE_HEALTH_CONDITIONS = (*HEALTH_CONDITIONS, Condition(INTERFACES_CONDITION, "readiness"))
"""Where interfaces are captured on."""

KERNEL_DROPPED = "packets_by_kernel"
"""What is told of packets that the kernel dropped, beside the transactions that were."""

_BEAT_SECONDS = 5.0
_COUNT_SECONDS = 0.5
"""Where turns never cease: to count takes half a millisecond, as long as 5,000 packets."""
_IDENTIFIER = re.compile(r"[\x21-\x7e]{1,255}")
_UNNAMED = "capture"


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the capture needs from outside.

    Attributes:
        now_us: the wall clock, µs since the epoch.
        monotonic_seconds: a clock that never goes back.
        wait: waits until the event is set, for so many seconds at most.
        random_bytes: so many bytes that nobody can foretell.
        host: name of the machine.
        standard_input: in place of that of the process.
        packet_sockets: one for each interface that is captured on, of protocol 0.
        replaced_producers: how many of the log's producers made no progress and were replaced.
    """

    now_us: Callable[[], int] = lambda: time.time_ns() // 1_000
    monotonic_seconds: Callable[[], float] = time.monotonic
    wait: Callable[[asyncio.Event, float], Awaitable[None]] = _wait
    random_bytes: Callable[[int], bytes] = os.urandom
    host: str = platform.node()
    standard_input: BinaryIO | None = None
    packet_sockets: Sequence[socket.socket] = ()
    replaced_producers: Callable[[], int] = lambda: 0


async def run_capture(
    bus: Bus,
    settings: CaptureSettings,
    metrics: Metrics,
    health: Health,
    stop: asyncio.Event,
    around: Surroundings | None = None,
) -> None:
    """Publish what `settings.files` hold, or what comes by on `settings.interfaces`.

    Returns when all of it is on the log, if `exit_at_end` is set; otherwise at `stop`, when what
    waits has been published, too. Files are published from their beginning at every start, with
    the same batches: readers skip what they have.

    Args:
        bus: has `dns.transactions`.
        settings: what to read, and how.
        metrics: of `families.FAMILIES`, `STAGE` among its stages, its interfaces those that are
            captured on, else `families.INPUTS`.
        health: with `HEALTH_CONDITIONS` or `LIVE_HEALTH_CONDITIONS`, on the clock of
            `around.monotonic_seconds`.
        stop: set to end it.
        around: by default this process and this machine.

    Raises:
        ConfigError: a file or an interface can't be used, or the log refuses; perhaps in a group.
        TransientError: the log doesn't answer at the start.
    """
    capture = _Capture(settings, metrics, health, stop, around or Surroundings())
    await capture.run(bus)


class _Capture:
    def __init__(
        self,
        settings: CaptureSettings,
        metrics: Metrics,
        health: Health,
        stop: asyncio.Event,
        around: Surroundings,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._health = health
        self._stop = stop
        self._around = around
        self._counted: Progress | None = None
        self._counted_seconds = -math.inf
        self._drops = Drops(around.now_us())
        self._rings: Mapping[str, RingStatistics] = {}
        self._replaced = around.replaced_producers()
        at_full_speed = math.isinf(settings.speed) and all(map(can_be_reopened, settings.files))
        self._turns_never_cease = bool(settings.interfaces) or at_full_speed

    async def run(self, bus: Bus) -> None:
        topic = (await bus.describe_topics([TRANSACTIONS])).get(TRANSACTIONS)
        if topic is None:
            raise ConfigError(f"{TRANSACTIONS} does not exist: run `geophone topics create`")
        publisher = Publisher(
            bus,
            topic,
            self._settings.queue_batches,
            self._metrics,
            self._stop,
            drops=self._drops,
            is_live=bool(self._settings.interfaces),
            on_answer=self._note_answer,
            wait=self._wait,
        )
        with closing(self._new_reading(topic.partitions)) as reading:
            self._note_answer(None)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(publisher.run())
                stopping = tasks.create_task(self._stop_reading(reading))
                await self._read(reading, publisher)
                publisher.close()
                stopping.cancel()
        _log.info("everything that was read is on the log, or counted as dropped")
        while not (self._stop.is_set() or self._settings.exit_at_end):
            self._beat()
            await self._wait(_BEAT_SECONDS)

    def _new_reading(self, partitions: int) -> PacketReading:
        settings, around = self._settings, self._around
        # Packets of interfaces take the time that they take.
        speed = 1.0 if settings.interfaces else settings.speed
        options = BatchOptions(
            partitions=partitions,
            batch_rows=settings.batch_rows,
            linger_us=linger_us(speed, settings.linger_seconds),
            ports=settings.ports,
            keep_responses=settings.keep_responses,
        )
        sensor = sensor_name(settings.sensor, around.host)
        if settings.interfaces:
            if len(around.packet_sockets) < len(settings.interfaces):
                raise ConfigError(
                    "there is no packet socket for an interface: name interfaces with --interface,"
                    " GEOPHONE_CAPTURE_INTERFACES or the --config file, and start `geophone`"
                )
            return LiveReading(
                *(settings.interfaces, around.packet_sockets, live_options(settings), options),
                sensor=sensor,
                random_bytes=around.random_bytes,
            )
        return Reading(
            *(settings.files, options),
            sensor=sensor,
            now_us=around.now_us if settings.shift_to_now else None,
            random_bytes=around.random_bytes,
            silence_seconds=settings.linger_seconds,
            standard_input=around.standard_input,
        )

    async def _stop_reading(self, reading: PacketReading) -> None:
        await self._stop.wait()
        reading.stop()

    async def _read(self, reading: PacketReading, publisher: Publisher) -> None:
        started_seconds: float | None = None
        with closing(reading.turns()) as turns:
            while (turn := await self._in_thread(reading, lambda: next(turns, None))) is not None:
                if started_seconds is None:
                    started_seconds = self._around.monotonic_seconds()
                if self._is_time_to_count():
                    self._count(reading)
                await self._wait_for(turn, started_seconds)
                for batch in turn.batches:
                    await publisher.put(batch)
        self._count(reading)

    async def _in_thread(
        self, reading: PacketReading, step: Callable[[], Turn | None]
    ) -> Turn | None:
        """Run a step in a thread; never leaves before the thread has."""
        future = asyncio.get_running_loop().run_in_executor(None, step)
        try:
            while not (await asyncio.wait([future], timeout=_BEAT_SECONDS))[0]:
                self._beat()
        except asyncio.CancelledError:
            reading.stop()
            await asyncio.wait([future])
            raise
        self._beat()
        return future.result()

    async def _wait_for(self, turn: Turn, started_seconds: float) -> None:
        """Until as much time has passed as the turn's packets took, at the speed that is set."""
        due_seconds = started_seconds + turn.elapsed_us / 1_000_000 / self._settings.speed
        while not self._stop.is_set():
            seconds = due_seconds - self._around.monotonic_seconds()
            if seconds <= 0:
                return
            self._beat()
            await self._wait(min(seconds, _BEAT_SECONDS))

    async def _wait(self, seconds: float) -> None:
        await self._around.wait(self._stop, seconds)

    def _is_time_to_count(self) -> bool:
        if not self._turns_never_cease:
            return True  # nobody knows when the next turn comes
        now_seconds = self._around.monotonic_seconds()
        if now_seconds - self._counted_seconds < _COUNT_SECONDS:
            return False
        self._counted_seconds = now_seconds
        return True

    def _count(self, reading: PacketReading) -> None:
        before, now = self._counted, reading.progress()
        interface: str | None = families.INPUTS[STANDARD_INPUT in self._settings.files]
        if isinstance(reading, LiveReading):
            interface = None
            self._note_rings(reading.statistics())
        count_progress(self._metrics, interface, now, before)
        for damage in now.damages[0 if before is None else len(before.damages) :]:
            _log.warning("a capture is damaged", extra={"damage": str(damage)})
        self._counted = now

    def _note_rings(self, rings: Mapping[str, RingStatistics]) -> None:
        count_rings(self._metrics, rings, self._rings)
        self._rings = rings
        self._drops.counts[KERNEL_DROPPED] = sum(ring.dropped for ring in rings.values())
        down = [name for name, ring in rings.items() if not ring.is_up]
        self._health.report(
            INTERFACES_CONDITION,
            self._around.monotonic_seconds(),
            is_ok=not down,
            detail=f"down: {', '.join(down)}" if down else "",
        )

    def _note_answer(self, failure: str | None) -> None:
        now_seconds = self._around.monotonic_seconds()
        self._health.report(LOG_CONDITION, now_seconds, is_ok=failure is None, detail=failure or "")
        replaced = self._around.replaced_producers()
        self._metrics.add(families.PRODUCER_REPLACEMENTS, replaced - self._replaced)
        self._replaced = replaced

    def _beat(self) -> None:
        now_seconds = self._around.now_us() / 1_000_000
        self._metrics.set(HEARTBEAT_TIMESTAMP_SECONDS, now_seconds, stage=STAGE)


def sensor_name(setting: str | None, host: str) -> str:
    """What a capture is called in its records: as is set, else as its machine is.

    Raises:
        ConfigError: records can't hold what is set.
    """
    if setting is None:
        return host if _IDENTIFIER.fullmatch(host) else _UNNAMED
    if _IDENTIFIER.fullmatch(setting) is None:
        raise ConfigError(
            "capture.sensor can't stand in a record: give 1 to 255 ASCII characters without spaces"
        )
    return setting
