"""Services of a few lines, run as a process: `python -m tests.support.tiny_service WHAT SECONDS`.

SECONDS is the time to drain. `ready` is printed when signals may come.
"""

import asyncio
import sys
import threading
import time

from geophone_shared.errors import ConfigError, InvalidRecordError, TransientError
from geophone_shared.health import Condition, Health
from geophone_shared.listen_address import ListenAddress
from geophone_shared.logs import configure_logging
from geophone_shared.metrics import common
from geophone_shared.metrics.registry import Metrics
from geophone_shared.ops_server import listen, ops_app, serving
from geophone_shared.pauses import watch_pauses
from geophone_shared.runtime import run_service


def _say(text: object) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def _end(_stop: asyncio.Event) -> None:
    """End because there is nothing more to do."""


async def _drain(stop: asyncio.Event) -> None:
    """Work in tasks, and finish when it is asked to."""
    finished: list[int] = []

    async def work(number: int) -> None:
        await stop.wait()
        await asyncio.sleep(0.05)
        finished.append(number)

    async with asyncio.TaskGroup() as tasks:
        for number in range(3):
            tasks.create_task(work(number))
        _say("ready")
    _say(f"finished {sorted(finished)}")


async def _hang(_stop: asyncio.Event) -> None:
    """Never finish, but clean up."""
    try:
        _say("ready")
        await asyncio.Event().wait()
    finally:
        _say("cleaned up")


async def _refuse_to_end(_stop: asyncio.Event) -> None:
    """Go on, whoever cancels it."""
    _say("ready")
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            _say("cancelled")


async def _leave_a_thread(stop: asyncio.Event) -> None:
    """Finish in time, but for a thread that can't be interrupted."""
    asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)
    _say("ready")
    await stop.wait()
    _say("finished")


async def _block(_stop: asyncio.Event) -> None:
    """Keep the event loop from running."""
    _say("ready")
    time.sleep(60)  # noqa: ASYNC251 - it is the fault at hand


async def _fail(*errors: BaseException) -> None:
    """Fail in tasks within tasks, all at once."""
    go = asyncio.Event()

    async def fail(error: BaseException) -> None:
        await go.wait()
        raise error

    async with asyncio.TaskGroup() as outer:

        async def fail_inside() -> None:
            async with asyncio.TaskGroup() as inner:
                for error in errors:
                    inner.create_task(fail(error))

        outer.create_task(fail_inside())
        await asyncio.sleep(0)
        go.set()


async def _serve(stop: asyncio.Event) -> None:
    """Serve probes and metrics; print the port; finish when standard input ends."""
    health = Health(
        [Condition("loop", "liveness", valid_seconds=30), Condition("log", "readiness")],
        time.monotonic(),
    )
    metrics = Metrics(common.FAMILIES, {"stage": ["capture"]})

    def on_longest(longest_seconds: float) -> None:
        metrics.set(common.LONGEST_PAUSE_SECONDS, longest_seconds)
        health.report("loop", time.monotonic())

    with listen(ListenAddress("127.0.0.1", 0), "--ops") as listener:
        async with serving(ops_app(health, metrics), listener), asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(watch_pauses(on_longest))
            health.report("log", time.monotonic())
            _say(listener.getsockname()[1])
            await stop.wait()
            health.drain(time.monotonic())
            await asyncio.to_thread(sys.stdin.read)
            watch.cancel()


async def _listen_twice(_stop: asyncio.Event) -> None:
    with listen(ListenAddress("127.0.0.1", 0), "--ops") as listener:
        listen(ListenAddress("127.0.0.1", listener.getsockname()[1]), "--ops")


_SERVICES = {
    "end": _end,
    "drain": _drain,
    "serve": _serve,
    "hang": _hang,
    "refuse-to-end": _refuse_to_end,
    "leave-a-thread": _leave_a_thread,
    "block": _block,
    "occupied-port": _listen_twice,
    "config-error": lambda _: _fail(ConfigError("set \x1b[31mthis\nor that")),
    "config-error-first": lambda _: _fail(TransientError("away"), ConfigError("set it")),
    "config-error-at-once": lambda _: _raise(ConfigError("set it")),
    "transient-error": lambda _: _fail(TransientError("no broker answers"), TransientError("b")),
    "bug": lambda _: _fail(ValueError("a bug")),
    "bug-beside-config-error": lambda _: _fail(ConfigError("set it"), ValueError("a bug")),
    "invalid-record": lambda _: _fail(InvalidRecordError("json")),
    "invalid-record-at-once": lambda _: _raise(InvalidRecordError("json")),
    "own-timeout": lambda _: _raise(TimeoutError("its own")),
}


async def _raise(error: BaseException) -> None:
    raise error


if __name__ == "__main__":
    configure_logging("tiny", "json")
    sys.exit(run_service(_SERVICES[sys.argv[1]], float(sys.argv[2])))
