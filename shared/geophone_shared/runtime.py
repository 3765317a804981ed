"""How a service runs: until it ends, is asked to stop, or something is wrong [shell].

SIGTERM or SIGINT begins a drain: the service is told, and has a time to finish what it began. A
second one stops the process at once; nothing that was acknowledged is lost by that, because every
service can be killed.
"""

import asyncio
import faulthandler
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType

from geophone_shared.errors import ConfigError, GeophoneError, RefusedError, TransientError
from geophone_shared.exit_codes import ExitCode
from geophone_shared.logs import printable
from geophone_shared.pauses import MeasuredLoop

Service = Callable[[asyncio.Event], Awaitable[None]]
"""Runs until it has nothing more to do, or until the event is set and it has finished."""

logger = logging.getLogger(__name__)

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_UNWIND_SECONDS = 5.0
"""What a service has after the deadline until the process is ended under it."""
_SIGNAL_EXIT_CODE = 128
"""Added to a signal's number, as shells do."""


def run_service(service: Service, drain_seconds: float) -> ExitCode:
    """Run a service in an event loop of its own; call it in the main thread.

    What only a person can change, and an outside part that doesn't answer, end it with one sentence
    on standard error. Any other exception is a bug, and is raised.

    Args:
        service: what runs.
        drain_seconds: how long it may take to finish once it is asked to stop.

    Returns:
        OK; CONFIG, NO_PERMISSION and UNAVAILABLE with a sentence; RUNTIME where the drain took too
        long.
    """
    handlers = {each: signal.getsignal(each) for each in _SIGNALS}
    try:
        with asyncio.Runner(loop_factory=MeasuredLoop) as runner:
            return runner.run(_supervise(service, drain_seconds))
    except BaseExceptionGroup as group:
        reason = _reason(group)
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
    return report_failure(reason)


def report_failure(error: GeophoneError) -> ExitCode:
    """Say in one line on standard error why the process ends, and with which exit code.

    Raises:
        GeophoneError: `error` itself, where nobody outside has to do something: it is a bug.
    """
    match error:
        case RefusedError():
            code = ExitCode.NO_PERMISSION
        case ConfigError():
            code = ExitCode.CONFIG
        case TransientError():
            code = ExitCode.UNAVAILABLE
        case _:
            raise error
    if sys.stderr is not None:  # Python has None for a closed one
        # No log: it is for whoever started the process.
        sys.stderr.write(f"geophone: {printable(str(error))}\n")
    return code


async def _supervise(service: Service, drain_seconds: float) -> ExitCode:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    # Not by the loop's own handlers, which wait for it to run: it may be what hangs.
    def begin_drain(_number: int, _frame: FrameType | None) -> None:
        _on_signals(_stop_at_once)
        _end_after(drain_seconds + _UNWIND_SECONDS)
        loop.call_soon_threadsafe(stop.set)

    _on_signals(begin_drain)
    try:
        async with asyncio.timeout(None) as deadline, asyncio.TaskGroup() as tasks:
            limit = tasks.create_task(_limit_drain(stop, deadline, drain_seconds))
            await service(stop)
            limit.cancel()
    except TimeoutError:
        logger.exception("not everything was finished", extra={"drain_seconds": drain_seconds})
        return ExitCode.RUNTIME
    finally:
        # The loop still waits for threads that work for it.
        _on_signals(_stop_at_once)
    return ExitCode.OK


async def _limit_drain(
    stop: asyncio.Event, deadline: asyncio.Timeout, drain_seconds: float
) -> None:
    await stop.wait()
    logger.info("stopping; a signal stops at once", extra={"drain_seconds": drain_seconds})
    deadline.reschedule(asyncio.get_running_loop().time() + drain_seconds)


def _on_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    for each in _SIGNALS:
        signal.signal(each, handler)


def _stop_at_once(number: int, _frame: FrameType | None) -> None:
    # Not by the signal's default action, which the first process of a container doesn't have.
    os._exit(_SIGNAL_EXIT_CODE + number)


def _end_after(seconds: float) -> None:
    """End the process then, whatever it does: a thread that waits for ever would keep it alive.

    It returns RUNTIME and says where each thread stood.
    """
    if sys.__stderr__ is not None:
        faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__)


def _reason(group: BaseExceptionGroup[BaseException]) -> GeophoneError:
    """What to tell about errors of tasks that ended together; a ConfigError before all others.

    Raises:
        BaseExceptionGroup: `group`, where one of them is a bug.
    """
    errors = list(_leaves(group))
    reasons = [error for error in errors if isinstance(error, ConfigError | TransientError)]
    if len(reasons) != len(errors):
        raise group
    return next((error for error in reasons if isinstance(error, ConfigError)), reasons[0])


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
