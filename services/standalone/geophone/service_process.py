"""What every process with services in it has: settings, logs, the log, metrics, probes, an end.

It is imported only by what starts one: the parts take a second to load.
"""

import asyncio
import gc
import logging
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from geophone.opened_log import open_log
from geophone_shared import jit
from geophone_shared.bus.contract import Bus
from geophone_shared.bus.provisioning import create_topics, verify_topics
from geophone_shared.bus.topics import (
    EMBEDDED_PARTITIONS,
    KAFKA_PARTITIONS,
    TRANSACTIONS,
    declared_topics,
)
from geophone_shared.errors import ConfigError
from geophone_shared.exit_codes import ExitCode
from geophone_shared.health import Condition, Health
from geophone_shared.listen_address import ListenAddress
from geophone_shared.logs import configure_logging
from geophone_shared.metrics.common import EVENT_LOOP_TASKS, LONGEST_PAUSE_SECONDS
from geophone_shared.metrics.families import Family
from geophone_shared.metrics.registry import Metrics
from geophone_shared.ops_server import listen, load_server
from geophone_shared.pauses import watch_pauses
from geophone_shared.runtime import run_service
from geophone_shared.settings.settings import Settings

_logger = logging.getLogger(__name__)

_NEW_OBJECTS = 2_000
"""After so many that stay, garbage is looked for, as Python does by itself from 3.13 on.

The threshold of the start (`geophone.cli`) is for imports. With it, what aiokafka leaves behind in
cycles wasn't looked for in hours: each fetch that a reader moves away from, with all its bytes.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a service needs of the process that it runs in.

    Attributes:
        stage: its name, also as a value of the metrics' label `stage`.
        topics: what has to exist on the log.
        families: what it measures.
        conditions: of its health.
        warm: loads what would be loaded late, and compiles kernels that aren't compiled.
        interfaces: values of the metrics' label `interface`.
        has_kernels: whether there are any; they take 5 to 10 s.
    """

    stage: str
    topics: tuple[str, ...]
    families: tuple[Family, ...]
    conditions: tuple[Condition, ...]
    warm: Callable[[], None]
    interfaces: tuple[str, ...] = ()
    has_kernels: bool = True


@dataclass(frozen=True, slots=True)
class Parts:
    """What the services of a process share.

    Attributes:
        settings: all of them.
        bus: the log, open, with its topics.
        metrics: of all services.
        health: of all services, on the clock of `time.monotonic`.
        stop: set when the process is to end.
    """

    settings: Settings
    bus: Bus
    metrics: Metrics
    health: Health
    stop: asyncio.Event


def run_process(
    name: str,
    settings: Settings,
    services: Sequence[Declared],
    work: Callable[[Parts], Awaitable[None]],
) -> ExitCode:
    """Run `work`, with everything that it needs, to its end or to a signal.

    Args:
        name: of the process, in what it says.
        settings: all of them.
        services: those that `work` runs.
        work: returns when it has nothing more to do, or has finished after `Parts.stop`.
    """
    configure_logging(name, settings.log.format, settings.log.level)
    # What its client has to say of Kafka comes as our own errors, in sentences.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").addFilter(_is_not_of_aiokafka)
    _warm(services)

    async def service(stop: asyncio.Event) -> None:
        async with open_log(settings, stop) as bus:
            partitions = await _prepare_topics(bus, settings, services)
            parts = Parts(settings, bus, *_measured(services, partitions), stop)
            async with _watched(parts):
                await work(parts)

    return run_service(service, settings.drain_seconds)


def _warm(services: Sequence[Declared]) -> None:
    """Load what is loaded late: in the event loop's time, that would keep it from running."""
    folder = jit.cache_folder()
    for service in services:
        if service.has_kernels and not jit.is_compiled(service.stage):
            text = "compiling the kernels, which takes some seconds"
            _logger.info(text, extra={"stage": service.stage, "cache": str(folder)})
        service.warm()
        if service.has_kernels:
            jit.remember_compiled(service.stage)
    load_server()
    # What is loaded by now stays: looking through it for garbage, again and again, takes time, too.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)


def listening(address: ListenAddress, setting: str) -> socket.socket:
    """A socket that listens; says where.

    Raises:
        ConfigError: the address can't be had.
    """
    listener = listen(address, setting)
    real = ListenAddress(address.host, listener.getsockname()[1])
    _logger.info("serving", extra={"address": str(real)})
    return listener


def require_brokers(settings: Settings, command: str) -> None:
    """See that there are brokers, for services in processes of their own.

    Raises:
        ConfigError: there are none.
    """
    if settings.bootstrap_servers is None:
        raise ConfigError(
            f"`geophone {command}` shares a log with other processes: give --bootstrap-servers for"
            " Kafka; `geophone run` needs none"
        )


def _is_not_of_aiokafka(record: logging.LogRecord) -> bool:
    """Not what its futures hold that nobody waits for any more: a commit or record given up."""
    error = record.exc_info[0] if record.exc_info else None
    return error is None or not error.__module__.startswith("aiokafka.")


async def _prepare_topics(bus: Bus, settings: Settings, services: Sequence[Declared]) -> int:
    """Create the topics of the embedded log; see that those in Kafka are as they should be.

    Returns:
        how many partitions the transactions are in.

    Raises:
        ConfigError: how they differ.
    """
    if settings.bootstrap_servers is None:
        await create_topics(bus, declared_topics(EMBEDDED_PARTITIONS), is_dry_run=False)
        return EMBEDDED_PARTITIONS
    found = (await bus.describe_topics([TRANSACTIONS])).get(TRANSACTIONS)
    partitions = KAFKA_PARTITIONS if found is None else found.partitions
    names = {name for service in services for name in service.topics}
    declared = [topic for topic in declared_topics(partitions) if topic.name in names]
    differences = await verify_topics(bus, declared)
    if differences:
        more = len(differences) - 1
        rest = f"; `geophone topics verify` tells {more} more" if more else ""
        raise ConfigError(differences[0] + rest)
    return partitions


def _measured(services: Sequence[Declared], partitions: int) -> tuple[Metrics, Health]:
    values = {
        "stage": [service.stage for service in services],
        "interface": [name for service in services for name in service.interfaces],
        "partition": [str(number) for number in range(partitions)],
    }
    families = [family for service in services for family in service.families]
    conditions = [condition for service in services for condition in service.conditions]
    return Metrics(families, values), Health(conditions, time.monotonic())


@asynccontextmanager
async def _watched(parts: Parts) -> AsyncIterator[None]:
    """Watches the event loop, and is not ready any more once the stop has come."""

    async def drain() -> None:
        await parts.stop.wait()
        parts.health.drain(time.monotonic())

    def note(pause_seconds: float) -> None:
        parts.metrics.set(LONGEST_PAUSE_SECONDS, pause_seconds)
        parts.metrics.set(EVENT_LOOP_TASKS, len(asyncio.all_tasks()))

    async with asyncio.TaskGroup() as tasks:
        watching = [tasks.create_task(watch_pauses(note)), tasks.create_task(drain())]
        yield
        for task in watching:
            task.cancel()
