"""Debian's Prometheus and Alertmanager, with the project's files but for times and addresses."""

import asyncio
import re
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from geophone_shared.listen_address import ListenAddress
from geophone_shared.ops_server import listen, serving
from tests.support.expressions import PROMETHEUS

_HOST = "127.0.0.1"
_WAIT_SECONDS = 60
_SHORT = "1s"
"""For what takes longer in earnest."""
_TIMES = {
    "prometheus.yml": ("scrape_interval", "scrape_timeout", "evaluation_interval"),
    "alertmanager.yml": ("group_wait", "group_interval"),
    "rules/alerting.yml": ("for",),
    "rules/recording.yml": (),
}
"""What is shortened, by file."""


@dataclass
class Receiver:
    """Whom Alertmanager tells.

    Attributes:
        told: the alerts of its messages.
    """

    told: list[dict[str, Any]] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_told(self, status: str, **labels: str) -> dict[str, Any]:
        """Waits for an alert with these labels, `firing` or `resolved`; forgets what came."""

        def found() -> dict[str, Any] | None:
            for alert in self.told:
                if alert["status"] == status and labels.items() <= alert["labels"].items():
                    return alert
            return None

        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                while (alert := found()) is None:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{status} {labels} wasn't told, but {self.told}") from None
        self.told.clear()
        return alert

    async def take(self, request: Request) -> Response:
        """A message of Alertmanager's webhook."""
        self.told.extend((await request.json())["alerts"])
        self._changed.set()
        return Response()


@dataclass
class Monitoring:
    """What watches.

    Attributes:
        client: of Prometheus.
        receiver: whom Alertmanager tells.
        folder: what Prometheus reads.
    """

    client: httpx.AsyncClient
    receiver: Receiver
    folder: Path

    def watch(self, service: str, address: str) -> None:
        """Has Prometheus scrape a service (`capture`, say) at an address, and no other."""
        # Prometheus reads it at once: what it sees has to be whole.
        new = self.folder / "targets" / f"{service}.new"
        new.write_text(yaml.safe_dump([{"targets": [address]}]))
        new.rename(new.with_suffix(".yml"))

    async def ask(self, expression: str) -> list[dict[str, Any]]:
        """What Prometheus answers to a query; fails where it can't."""
        answer = await self.client.get("/api/v1/query", params={"query": expression})
        assert answer.is_success, (expression, answer.text)
        result: list[dict[str, Any]] = answer.json()["data"]["result"]
        return result

    async def until(self, expression: str, holds: Callable[[list[dict[str, Any]]], bool]) -> None:
        """Waits until Prometheus answers what is right."""
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                # Over HTTP nothing can be awaited but the next answer.
                while not holds(answer := await self.ask(expression)):  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise AssertionError(f"{expression} is {answer}") from None

    async def firing(self) -> set[str]:
        """The names of the alerts that fire."""
        answer = await self.ask('ALERTS{alertstate="firing"}')
        return {each["metric"]["alertname"] for each in answer}


@asynccontextmanager
async def monitoring(
    prometheus: Path, alertmanager: Path, folder: Path
) -> AsyncIterator[Monitoring]:
    """Both, as processes on free ports, with what they keep in a folder."""
    receiver = Receiver()
    listener = listen(ListenAddress(_HOST, 0), "the receiver")
    app = Starlette(routes=[Route("/", receiver.take, methods=["POST"])])
    webhook = f"http://{_HOST}:{listener.getsockname()[1]}/"
    watching, telling = (f"{_HOST}:{port}" for port in _free_ports(2))
    rendered = folder / "prometheus"
    shutil.copytree(PROMETHEUS, rendered)
    for file, times in _TIMES.items():
        render(rendered / file, times, {"alertmanager:9093": telling, _WEBHOOK: webhook})
    for targets in rendered.glob("targets/*.yml"):
        targets.write_text("[]")
    async with (
        serving(app, listener),
        _process(
            folder / "alertmanager.log",
            *(alertmanager, f"--config.file={rendered}/alertmanager.yml"),
            *(f"--web.listen-address={telling}", f"--storage.path={folder}/alertmanager"),
            "--cluster.listen-address=",
        ),
        _process(
            folder / "prometheus.log",
            *(prometheus, f"--config.file={rendered}/prometheus.yml"),
            *(f"--web.listen-address={watching}", f"--storage.tsdb.path={folder}/tsdb"),
        ),
        httpx.AsyncClient(base_url=f"http://{watching}", trust_env=False) as client,
        httpx.AsyncClient(base_url=f"http://{telling}", trust_env=False) as other,
    ):
        for each in (client, other):
            await _until_ready(each, folder)
        yield Monitoring(client, receiver, rendered)


_WEBHOOK = "http://localhost:9095/"
"""Of the example."""


def render(file: Path, times: tuple[str, ...], addresses: Mapping[str, str]) -> None:
    """Shorten the named times in a file, and put other addresses into it; the rest stays."""
    text = file.read_text(encoding="utf-8")
    for name in times:
        text, count = re.subn(rf"\b{name}: \w+$", f"{name}: {_SHORT}", text, flags=re.MULTILINE)
        assert count, (file, name)
    for address, other in addresses.items():
        text = text.replace(address, other)
    file.write_text(text, encoding="utf-8")


@asynccontextmanager
async def _process(log: Path, *command: str | Path) -> AsyncIterator[None]:
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(*command, stdout=file, stderr=file)
    try:
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _until_ready(client: httpx.AsyncClient, folder: Path) -> None:
    try:
        async with asyncio.timeout(_WAIT_SECONDS):
            while True:
                try:
                    answer = await client.get("/-/ready")
                except httpx.TransportError:
                    answer = None
                if answer is not None and answer.is_success:
                    return
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"{client.base_url} isn't ready; {folder}/*.log say why") from None


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind((_HOST, 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports
