"""The services over one log, which a test stops, kills and starts again as it likes.

In the end `same_answer` compares what they say with what `geophone replay` says of the capture.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.mail_server import MailServer, open_mail_server
from tests.support.service_processes import (
    ANY_PORT,
    ServiceProcess,
    alert_ids,
    mail_environment,
    opened_ids,
    shows,
    started,
)
from tests.support.twenty_tunnels import EVERY_MAIL_AT_ONCE, TUNNELS, incidents, message_ids

COUNTED = "geophone_detector_transactions_total"
IN_TIME_SECONDS = 60
HASH_KEY = "00112233445566778899aabbccddeeff"

QUICK_KAFKA = {
    "GEOPHONE_KAFKA_DELIVERY_TIMEOUT_SECONDS": "5",
    "GEOPHONE_KAFKA_REQUEST_TIMEOUT_SECONDS": "3",
    "GEOPHONE_KAFKA_SESSION_TIMEOUT_SECONDS": "3",
}
"""For tests: whoever is dead or away is noticed in seconds."""


@dataclass(frozen=True)
class Repeats:
    """What people were told more than once.

    Attributes:
        events: lines of the event log that are there again.
        mails: mails that came again.
    """

    events: int
    mails: int


@dataclass
class Pipeline:
    """Processes by name, in all their lives.

    Attributes:
        commands: by name, how each is started.
        environment: of all of them.
        mail: the server that they send to.
        lives: by name, everyone that was started; the last one is the present one.
    """

    commands: dict[str, tuple[str, ...]]
    environment: dict[str, str]
    mail: MailServer
    stack: AsyncExitStack
    lives: dict[str, list[ServiceProcess]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> ServiceProcess:
        return self.lives[name][-1]

    @property
    def front(self) -> ServiceProcess:
        """The process that answers REST and tells people."""
        return self["run" if "run" in self.lives else "alerter"]

    async def start(self, *names: str) -> None:
        """Starts services, once more if they have run before; by default all of them."""
        for name in names or self.commands:
            life = await self.stack.enter_async_context(
                started(*self.commands[name], environment=self.environment)
            )
            self.lives.setdefault(name, []).append(life)

    async def kill(self, name: str) -> None:
        """Ends one where it stands (kill -9)."""
        self[name].kill()
        await self[name].ended()

    async def counts(self, transactions: int, name: str = "detector") -> None:
        """Waits until a detector has counted so many."""
        await until(lambda: self._has_counted(name, transactions), f"{transactions} are counted")

    async def same_answer(
        self, report: dict[str, Any], *, incidents_told: int = TUNNELS
    ) -> Repeats:
        """Waits until everything is as a replay says, and everybody was told of everything.

        Counts, alerts, their ids and their evidence by REST, the event log over all lives, the
        mailbox. Fails where something is missing, or there that isn't in the replay.
        """
        await shows(self.front, report)
        told = alert_ids(report)
        await until(lambda: sorted(self.events()) == told, "the event log tells of every alert")
        await until(
            lambda: len(incidents(self.mail.received)) >= incidents_told, "a mail of each incident"
        )
        assert len(incidents(self.mail.received)) == incidents_told
        mails = message_ids(self.mail.received)
        assert {each.strip("<").partition(".")[0] for each in mails} <= set(told)
        return Repeats(events=self.events().total() - len(told), mails=mails.total() - len(mails))

    def events(self) -> Counter[str]:
        """How often the event log tells that an alert was opened, by its id."""
        name = "run" if "run" in self.lives else "alerter"
        return sum((Counter(opened_ids(life)) for life in self.lives[name]), Counter())

    async def _has_counted(self, name: str, transactions: int) -> bool:
        return await self[name].metric(COUNTED) >= transactions


async def until(holds: Callable[[], Any], what: str, seconds: float = IN_TIME_SECONDS) -> None:
    """Waits until something holds that nothing tells of by itself.

    Args:
        holds: a condition, or a coroutine function of one.
        what: it is, for who reads that it didn't come.
        seconds: how long it may take.
    """
    try:
        async with asyncio.timeout(seconds):
            while not await _found(holds):  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not in {seconds} s: {what}") from None


async def _found(holds: Callable[[], Any]) -> Any:
    found = holds()
    return await found if asyncio.iscoroutine(found) else found


@asynccontextmanager
async def embedded_pipeline(
    folder: Path, *source: str, **environment: str
) -> AsyncIterator[Pipeline]:
    """`geophone run` with its log in a folder; nothing is started yet."""
    command = ("run", *source, "--http", ANY_PORT, "--data-dir", str(folder))
    async with _pipeline({"run": command}, environment) as pipeline:
        yield pipeline


@asynccontextmanager
async def kafka_pipeline(
    bootstrap_servers: str, folder: Path, *source: str, **environment: str
) -> AsyncIterator[Pipeline]:
    """The three services over Kafka, which has the topics; nothing is started yet."""
    key = folder / "hash-key"
    key.write_text(f"{HASH_KEY}\n")
    key.chmod(0o600)
    on = ("--bootstrap-servers", bootstrap_servers)
    commands = {
        "alerter": ("alerter", *on, "--http", ANY_PORT),
        "detector": ("detector", *on, "--ops", ANY_PORT),
        "capture": ("capture", *on, "--ops", ANY_PORT, *source),
    }
    settings = QUICK_KAFKA | {"GEOPHONE_DETECTOR_HASH_KEY_FILE": str(key)} | environment
    async with _pipeline(commands, settings) as pipeline:
        yield pipeline


@asynccontextmanager
async def _pipeline(
    commands: dict[str, tuple[str, ...]], environment: Mapping[str, str]
) -> AsyncIterator[Pipeline]:
    async with open_mail_server() as mail, AsyncExitStack() as stack:
        settings = mail_environment(mail.port) | EVERY_MAIL_AT_ONCE | dict(environment)
        yield Pipeline(commands, settings, mail, stack)
