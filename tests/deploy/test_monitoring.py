"""A real Prometheus watches the three services; what happens to one of them is told."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.expressions import all_expressions, metrics_of, panel_expressions, rules
from tests.support.kafka.broker import KafkaBroker
from tests.support.monitoring import Monitoring, monitoring
from tests.support.service_processes import (
    ANY_PORT,
    ServiceProcess,
    create_topics,
    on,
    started,
)

SERVICES = ("capture", "detector", "alerter")
OF_A_BUSY_MACHINE = "GeophoneEventLoopPauses"
WHOLE = 'sum(up{job=~"geophone-.+"}) == 3'


@dataclass
class Stack:
    """The services on a broker, and what watches them."""

    services: dict[str, ServiceProcess]
    watch: Monitoring
    start: Callable[[str], Any]


@pytest.fixture
async def stack(
    fresh_kafka_broker: KafkaBroker,
    demo_capture: Path,
    require_tool: Callable[[str], Path],
    tmp_path: Path,
) -> AsyncIterator[Stack]:
    prometheus = require_tool("prometheus")
    alertmanager = require_tool("prometheus-alertmanager")
    await create_topics(fresh_kafka_broker)
    arguments = {
        "capture": ("--ops", ANY_PORT, "--file", str(demo_capture)),
        "detector": ("--ops", ANY_PORT, "--data-dir", str(tmp_path / "detector")),
        "alerter": ("--http", ANY_PORT),
    }
    async with (
        monitoring(prometheus, alertmanager, tmp_path) as watch,
        AsyncExitStack() as processes,
    ):

        async def start(name: str) -> None:
            process = started(name, *on(fresh_kafka_broker), *arguments[name])
            service = await processes.enter_async_context(process)
            watch.watch(name, (await service.until_said("serving"))["geophone.address"])
            made.services[name] = service

        made = Stack({}, watch, start)
        async with asyncio.TaskGroup() as starts:
            for name in SERVICES:
                starts.create_task(start(name))
        for service in made.services.values():
            await service.until_ready()
        yield made


async def test_what_happens_to_a_service_is_told(
    stack: Stack, require_tool: Callable[[str], Path]
) -> None:
    watch = stack.watch
    await watch.until(WHOLE, bool)
    await watch.until("geophone:detector_transactions:rate5m", bool)
    await stack.services["detector"].until_answer("/metrics", has_emitted)
    await check_metrics(stack, require_tool("promtool"))
    await check_rules(watch)
    for _, expression in panel_expressions():
        await watch.ask(expression)
    # Nothing but what a new broker and services that have just started explain.
    others = f'ALERTS{{alertstate="firing",alertname!="{OF_A_BUSY_MACHINE}"}}'
    await watch.until(others, lambda firing: not firing)
    for name in SERVICES:
        stack.services[name].kill()
        missing = {"alertname": "GeophoneStageMissing", "stage": name}
        told = await watch.receiver.until_told("firing", **missing)
        assert told["labels"] == missing | {"severity": "critical", "installation": "geophone"}
        assert told["annotations"] == {
            "summary": f"No {name} of Geophone runs.",
            "runbook_url": "docs/runbooks/GeophoneStageMissing.md",
        }
        assert await watch.firing() <= {
            "GeophoneStageMissing",
            "GeophoneTargetDown",
            OF_A_BUSY_MACHINE,
        }
        await stack.start(name)
        await watch.receiver.until_told("resolved", **missing)
        await watch.until(WHOLE, bool)


def has_emitted(answer: Any) -> bool:
    return 'geophone_alerts_emitted_total{severity="high"} 4.0' in answer.text


async def check_metrics(stack: Stack, promtool: Path) -> None:
    """What the services serve is as Prometheus wants it, and holds every metric that is used."""
    texts = []
    for service in stack.services.values():
        text = (await (await service.client()).get("/metrics")).text
        check = partial(subprocess.run, capture_output=True, check=False, text=True)
        done = await asyncio.to_thread(check, [promtool, "check", "metrics"], input=text)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        texts.append(text)
    served = set(re.findall(r"^(\w+)", "\n".join(texts), re.MULTILINE))
    for where, expression in all_expressions():
        assert metrics_of(expression) - rules("record").keys() - {"up"} <= served, where


async def check_rules(watch: Monitoring) -> None:
    """Prometheus can evaluate each of them."""
    answer = await watch.client.get("/api/v1/rules")
    evaluated = [rule for group in answer.json()["data"]["groups"] for rule in group["rules"]]
    assert evaluated
    for rule in evaluated:
        assert (rule["health"], rule.get("lastError", "")) == ("ok", ""), rule["name"]
