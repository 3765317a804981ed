"""Probes and metrics over HTTP: `/livez`, `/readyz`, `/startupz` and `/metrics` [shell].

Capture and detector serve them on a port of their own; the alerter and `geophone run` put the same
routes into what they serve anyway. What they tell holds no name and no address, so that they need
no token.
"""

import socket
import time
from asyncio import Event, TaskGroup, timeout, wait
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from geophone_shared.errors import ConfigError
from geophone_shared.health import Check, Health
from geophone_shared.listen_address import ListenAddress
from geophone_shared.metrics.registry import CONTENT_TYPE, Metrics
from geophone_shared.timestamps import rfc3339

_MOST_CONNECTIONS = 256
"""One more is answered with 503."""
_CLOSE_SECONDS = 3
"""How long requests under way may take when the server stops."""
_BACKLOG = 64
_TICK_SECONDS = 1.0
_NOT_KEPT = {"cache-control": "no-store"}


class _Server(uvicorn.Server):
    """A server that leaves the signals to `geophone_shared.runtime`, and is told when to end."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._is_over = Event()

    async def main_loop(self) -> None:
        """Set the answers' date every second; uvicorn also looks ten times whether to end."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with timeout(_TICK_SECONDS):
                    await self._is_over.wait()

    def end(self) -> None:
        """Take no more requests, and end when those under way are answered."""
        self.should_exit = True
        self._is_over.set()

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override] # it decorates
        return nullcontext()


def ops_routes(health: Health, metrics: Metrics) -> list[Route]:
    """The routes; `health` has to be on the clock of `time.monotonic`."""

    def probe(path: str, checks_now: Callable[[], Sequence[Check]]) -> Route:
        def answer(_request: Request) -> Response:
            checks = checks_now()
            status = 200 if all(check.is_ok for check in checks) else 503
            return JSONResponse([_as_json(check) for check in checks], status, _NOT_KEPT)

        return Route(path, answer)

    def exposition(_request: Request) -> Response:
        return Response(metrics.text(), headers=_NOT_KEPT | {"content-type": CONTENT_TYPE})

    return [
        probe("/livez", lambda: health.liveness(time.monotonic())),
        probe("/readyz", lambda: health.readiness(time.monotonic())),
        probe("/startupz", health.startup),
        Route("/metrics", exposition),
    ]


def ops_app(health: Health, metrics: Metrics) -> ASGIApp:
    """An application with the routes and nothing else."""
    return Starlette(routes=ops_routes(health, metrics))


def listen(address: ListenAddress, setting: str) -> socket.socket:
    """A socket that listens, for `serving`.

    Args:
        address: where.
        setting: the one that the address comes from, for the message.

    Raises:
        ConfigError: the address is in use, isn't this machine's, or needs privileges.
    """
    try:
        family, _, _, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.create_server(place[:2], family=family, backlog=_BACKLOG)
        # An answer is written in two pieces; the second would wait for the client to acknowledge
        # the first, which takes 40 ms. asyncio only does this for sockets that name their protocol.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        reason = str(error.strerror).partition(" (while ")[0]  # where the address is told again
        raise ConfigError(
            f"nothing can be served on {address} ({reason}):"
            f" free it, or choose another ADDRESS:PORT with {setting}"
        ) from error
    return listener


@asynccontextmanager
async def serving(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Serve an application until the block is left.

    Requests under way are answered, for a few seconds. Closes the socket.
    """
    server = _Server(_configuration(app))
    async with TaskGroup() as tasks:
        served = tasks.create_task(server.serve(sockets=[listener]))
        try:
            yield
        finally:
            server.end()
            await wait([served])


def load_server() -> None:
    """Load what `listen` and `serving` load late, before an event loop would wait for it."""
    _configuration(Starlette()).load()
    "localhost".encode("idna")


def _configuration(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_CLOSE_SECONDS,
    )


def _as_json(check: Check) -> dict[str, object]:
    since_us = time.time_ns() // 1_000 - round((time.monotonic() - check.since_seconds) * 1e6)
    return {
        "name": check.name,
        "ok": check.is_ok,
        "detail": check.detail,
        "since": rfc3339(since_us),
    }
