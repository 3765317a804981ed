"""Services as people start them: processes of the command line, and what they say and answer."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from geophone_detector.top_list import MOST_WITH_EVIDENCE
from tests.support.kafka.broker import KafkaBroker
from tests.support.outside import PROJECT
from tests.support.process_times import cpu_seconds_of

ANY_PORT = "127.0.0.1:0"
RECIPIENT = "soc@example.com"
SENDER = "geophone@example.com"
COMMAND = (sys.executable, "-m", "geophone")

_EVIDENCE = ("top_clients", "query_types", "response_codes", "sample_names")
_WAIT_SECONDS = 60
"""For what has to happen."""


class ServiceProcess:
    """A process of `geophone`.

    Attributes:
        said: the messages of its log, on standard error.
        sentences: other lines of standard error.
        lines: of standard output.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.said: list[dict[str, Any]] = []
        self.sentences: list[str] = []
        self.lines: list[str] = []
        self._process = process
        self._changed = asyncio.Event()
        self._client: httpx.AsyncClient | None = None

    @property
    def pid(self) -> int:
        """Its number among the processes of this machine."""
        return self._process.pid

    async def read(self) -> None:
        """Takes what it writes, until it closes both streams."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._take(self._process.stdout, self.lines.append))
            tasks.create_task(self._take(self._process.stderr, self._take_error))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits until something holds that its lines decide."""
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                while not holds():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"it said {self.sentences} {self.said}") from None

    async def until_said(self, message: str, times: int = 1) -> dict[str, Any]:
        """The message of its log, when it has said it so many times."""

        def found() -> list[dict[str, Any]]:
            return [each for each in self.said if each["message"] == message]

        await self.until(lambda: len(found()) >= times)
        return found()[times - 1]

    async def client(self) -> httpx.AsyncClient:
        """A client of what it serves first."""
        address = (await self.until_said("serving"))["geophone.address"]
        if self._client is None:
            self._client = httpx.AsyncClient(base_url=f"http://{address}", trust_env=False)
        return self._client

    async def until_answer(self, path: str, holds: Callable[[httpx.Response], bool]) -> Any:
        """The JSON that it answers once it is right."""
        client = await self.client()
        answer = await client.get(path)
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                # Over HTTP nothing can be awaited but the next answer.
                while not holds(answer):
                    await asyncio.sleep(0.05)
                    answer = await client.get(path)
        except TimeoutError:
            raise AssertionError(f"{path}: {answer.text[:2_000]}; it said {self.said}") from None
        return answer.json() if "json" in answer.headers["content-type"] else answer.text

    async def until_ready(self) -> None:
        """Waits until its probe says so."""
        await self.until_answer("/readyz", lambda answer: answer.is_success)

    async def metric(self, series: str) -> float:
        """A series by its name and labels."""
        text = (await (await self.client()).get("/metrics")).text
        return next(
            float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{series} ")
        )

    async def feed(self, data: bytes) -> None:
        """Writes to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        await self._process.stdin.drain()

    async def end_input(self) -> None:
        """Closes its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.stdin.wait_closed()

    async def ended(self, most_seconds: float = _WAIT_SECONDS) -> int:
        """Its exit code, once it has ended by itself."""
        async with asyncio.timeout(most_seconds):
            return await self._process.wait()

    async def stop(self) -> int:
        """Asks it to end; its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return await self.ended()

    @property
    def number(self) -> int:
        """Its process id."""
        return self._process.pid

    def kill(self) -> None:
        """Ends it where it stands."""
        if self._process.returncode is None:
            self._process.kill()

    def most_memory_bytes(self) -> int:
        """The most that it ever had in memory."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def cpu_seconds(self) -> float:
        """What it has used so far."""
        return cpu_seconds_of(self._process.pid)

    def freeze(self) -> None:
        """Lets it stand still until `thaw` (SIGSTOP)."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets it go on (SIGCONT)."""
        self._process.send_signal(signal.SIGCONT)

    async def close(self) -> None:
        """Closes the client."""
        if self._client is not None:
            await self._client.aclose()

    async def _take(self, stream: asyncio.StreamReader, take: Callable[[str], None]) -> None:
        async for line in stream:
            take(line.decode().rstrip("\n"))
            self._changed.set()

    def _take_error(self, line: str) -> None:
        if line.startswith("{"):
            self.said.append(json.loads(line))
        else:
            self.sentences.append(line)


@asynccontextmanager
async def started(
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    command: Sequence[str] = COMMAND,
) -> AsyncIterator[ServiceProcess]:
    """Starts `geophone` with these arguments, and kills it in the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *command,
        *arguments,
        cwd=PROJECT,
        env=clean_environment() | dict(environment or {}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=1 << 22,
    )
    service = ServiceProcess(process)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(service.read())
        try:
            yield service
        finally:
            service.kill()
            await process.wait()
            await service.close()


def clean_environment() -> dict[str, str]:
    """That of the tests, but for what Geophone looks at."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GEOPHONE_")}


def mail_environment(port: int) -> dict[str, str]:
    """Settings for mail over a server on that port of this machine."""
    return {
        "GEOPHONE_ALERTER_EMAIL__HOST": "127.0.0.1",
        "GEOPHONE_ALERTER_EMAIL__PORT": str(port),
        "GEOPHONE_ALERTER_EMAIL__FROM": SENDER,
        "GEOPHONE_ALERTER_EMAIL__TO": RECIPIENT,
        "GEOPHONE_ALERTER_EMAIL__STARTTLS": "off",
    }


@cache
def replayed(path: Path) -> dict[str, Any]:
    """What `geophone replay --json` says of a capture."""
    done = subprocess.run(
        [*COMMAND, "replay", "--json", "--top", "100", str(path)],
        cwd=PROJECT,
        env=clean_environment(),
        check=True,
        capture_output=True,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def by_id(alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(alerts, key=lambda alert: str(alert["id"]))


async def shows(service: ServiceProcess, report: dict[str, Any]) -> None:
    """Waits until REST shows what a replay says: alerts, and the domains with all their counts."""
    expected = by_id(report["alerts"])
    path = "/api/v1/alerts?state=all&limit=200"
    await service.until_answer(path, lambda answer: by_id(answer.json()["alerts"]) == expected)
    domains = _published(report["top_domains"])
    path = "/api/v1/domains/top?limit=100&exclude_allowed=false"
    await service.until_answer(path, lambda answer: _published(answer.json()["domains"]) == domains)


def _published(domains: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All counts, and the evidence of those that surely have it on `dns.top-domains`."""
    return domains[:MOST_WITH_EVIDENCE] + [
        {name: each[name] for name in each if name not in _EVIDENCE}
        for each in domains[MOST_WITH_EVIDENCE:]
    ]


def opened_ids(service: ServiceProcess) -> list[str]:
    """Of the alerts that its event log tells, each as often as it does."""
    events = [json.loads(line)["event"] for line in service.lines]
    return sorted(event["id"] for event in events if event["action"] == "opened")


def alert_ids(report: dict[str, Any]) -> list[str]:
    return sorted(alert["id"] for alert in report["alerts"])


def geophone(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=PROJECT,
        env=clean_environment() | environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def on(broker: KafkaBroker) -> tuple[str, str]:
    return "--bootstrap-servers", broker.bootstrap_servers


async def create_topics(broker: KafkaBroker) -> None:
    done = await asyncio.to_thread(geophone, "topics", "create", *on(broker))
    assert done.returncode == 0
