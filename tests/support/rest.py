"""REST over some stores, asked without a socket."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from geophone_alerter.alert_store import AlertStore
from geophone_alerter.api.app import create_app
from geophone_alerter.api.shown import Shown
from geophone_alerter.status import StageStatus
from geophone_alerter.told_store import ToldStore
from geophone_alerter.top_store import TopStore
from geophone_shared.listen_address import ListenAddress
from geophone_shared.ops_server import listen, serving


@dataclass
class Rest:
    """What a test fills, and asks."""

    alerts: AlertStore = field(default_factory=AlertStore)
    told: ToldStore = field(default_factory=ToldStore)
    top: TopStore = field(default_factory=TopStore)
    stages: dict[str, StageStatus] = field(default_factory=dict)

    def shown(self) -> Shown:
        return Shown(
            alerts=self.alerts,
            told=self.told,
            top=self.top,
            stages=lambda: self.stages,
            is_acting=lambda: True,
        )

    def client(self, token: str | None = None, **headers: str) -> httpx.AsyncClient:
        app = create_app(self.shown(), token=token)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers)

    @contextmanager
    def served(self, token: str | None = None) -> Iterator[str]:
        """Serves it from a thread, for clients that block; its URL."""
        listener = listen(ListenAddress("127.0.0.1", 0), "--http")
        loop = asyncio.new_event_loop()
        stop = asyncio.Event()

        async def serve() -> None:
            async with serving(create_app(self.shown(), token=token), listener):
                await stop.wait()

        thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()
            loop.close()
