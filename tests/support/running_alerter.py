"""An alerter that runs in the test's event loop, over any log."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from geophone_alerter import metrics as families
from geophone_alerter.service import HEALTH_CONDITIONS, run_alerter
from geophone_shared.alerts import Alert, encode_alert
from geophone_shared.bus.contract import Bus
from geophone_shared.bus.records import Record, TopicPartition
from geophone_shared.bus.topics import ALERTS, TOP_DOMAINS, declared_topics
from geophone_shared.health import Health
from geophone_shared.listen_address import ListenAddress
from geophone_shared.metrics.registry import Metrics
from geophone_shared.ops_server import listen
from geophone_shared.settings.sections import AlerterSettings
from geophone_shared.top_domains import TopList, encode_top_list
from tests.support.channels import RETRIES
from tests.support.mail_server import HOST

RECIPIENT = "soc@example.com"
ALERTS_PARTITION = TopicPartition(ALERTS, 0)


@dataclass
class RunningAlerter:
    """What a test does with it.

    Attributes:
        client: of its REST.
        metrics: its own.
        stop: ends it; what it does then is finished when the block is left.
        finish: ends it when everything is told.
    """

    client: httpx.AsyncClient
    metrics: Metrics
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    finish: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, path: str, holds: Callable[[httpx.Response], bool]) -> httpx.Response:
        """Asks until the answer is right."""
        async with asyncio.timeout(30):
            # Over HTTP nothing can be awaited but the next answer.
            while not holds(answer := await self.client.get(path)):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return answer

    async def until_acting(self) -> None:
        await self.until("/api/v1/status", lambda answer: bool(answer.json()["acting"]))

    def metric(self, series: str) -> float:
        """The value of a series by its name and labels, as the exposition has them."""
        lines = self.metrics.text().decode().splitlines()
        return float(next(line for line in lines if line.startswith(f"{series} ")).split()[-1])


def alerter_settings(
    mail_port: int | None = None, lines: Path | None = None, **more: object
) -> AlerterSettings:
    """Settings with a mail server on that port of this machine, and a file for events."""
    email = {"host": HOST, "port": mail_port, "starttls": "off", "timeout_seconds": 2}
    values: dict[str, object] = {"log": {"enabled": lines is not None, "file": str(lines or "-")}}
    if mail_port is not None:
        values["email"] = email | {"from": "geophone@example.com", "to": [RECIPIENT]}
    return AlerterSettings.model_validate(values | more)


@asynccontextmanager
async def running_alerter(bus: Bus, settings: AlerterSettings) -> AsyncIterator[RunningAlerter]:
    """Runs it until the block is left, and then until it has finished what `finish` asks for."""
    metrics = Metrics(families.FAMILIES, {"stage": ["alerter"]})
    health = Health(HEALTH_CONDITIONS, time.monotonic())
    listener = listen(ListenAddress("127.0.0.1", 0), "--http")
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with (
        asyncio.timeout(60),
        httpx.AsyncClient(base_url=url, trust_env=False) as client,
        asyncio.TaskGroup() as tasks,
    ):
        alerter = RunningAlerter(client, metrics)
        tasks.create_task(
            run_alerter(
                bus,
                settings,
                metrics,
                health,
                alerter.stop,
                listener=listener,
                finish=alerter.finish,
                retries=RETRIES,
            )
        )
        yield alerter
        if not alerter.finish.is_set():
            alerter.stop.set()


async def create_declared_topics(bus: Bus, partitions: int = 1) -> None:
    await bus.create_topics(declared_topics(partitions))


async def publish(bus: Bus, *alerts: Alert) -> None:
    """Appends alerts as a detector does."""
    for alert in alerts:
        key = alert.registered_domain.encode()
        await bus.append(ALERTS_PARTITION, Record(encode_alert(alert), key))


async def publish_top(bus: Bus, top_list: TopList) -> None:
    """Appends a list as a detector does."""
    partition = TopicPartition(TOP_DOMAINS, top_list.partition)
    await bus.append(partition, Record(encode_top_list(top_list)))
