"""Alerts through a real mail server and a real file: one mail an incident, nothing lost."""

import asyncio
import email.parser
import email.policy
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from geophone_alerter.channels.email import open_email_channel
from geophone_alerter.channels.log import open_log_channel
from geophone_alerter.delivery import Delivery, Surroundings
from geophone_alerter.email_settings import EmailSettings
from geophone_alerter.event_queue import EventQueue
from geophone_alerter.notifier import Notifier
from geophone_alerter.outbox import Outbox, ThrottleSettings
from geophone_shared.alerts import Alert
from geophone_shared.notifications import Notification, decode_notification
from tests.support.alert_events import HOUR_US, OPENED_US, SECOND_US, create_alert, incident_of
from tests.support.channels import RETRIES, FakeLog
from tests.support.mail_server import DROP, HOST, STALL, MailServer, open_mail_server

TUNNEL = [
    create_alert(rule="burst"),
    create_alert(opened_us=OPENED_US + 3 * SECOND_US),
    create_alert(rule="burst", state="recovered", after_us=HOUR_US),
    create_alert(opened_us=OPENED_US + 3 * SECOND_US, state="recovered", after_us=HOUR_US),
]
RECIPIENT = "soc@example.com"


class Running:
    """An alerter without its log: what it was told, and what came of it."""

    def __init__(self, server: MailServer, lines: Path, log: FakeLog) -> None:
        self.server = server
        self.lines = lines
        self.log = log
        settings = EmailSettings(
            host=HOST,
            port=server.port,
            sender="geophone@example.com",
            recipients=(RECIPIENT,),
            starttls="off",
            timeout_seconds=0.5,
        )
        around = Surroundings(
            record=log.record,
            refuse=log.refuse,
            now_us=lambda: time.time_ns() // 1_000,
            random=lambda: 0.5,
            retries=RETRIES,
        )
        mail = open_email_channel(settings)
        self.file = open_log_channel(lines)
        outbox = Outbox(mail.targets, ThrottleSettings(burst=2, interval_seconds=0.2), RETRIES)
        queue = EventQueue(self.file.targets, RETRIES)
        self.notifier = Notifier(
            [Delivery(mail, outbox, around), Delivery(self.file, queue, around)]
        )
        for record in log.records:
            self.notifier.restore(decode_notification(record))

    async def tell(self, alerts: list[Alert]) -> None:
        """Alerts from the beginning of the log, until all of them are dealt with."""
        for position, alert in enumerate(alerts):
            await self.notifier.accept(alert, position)
        await self.notifier.drained()

    def logged(self) -> list[tuple[str, str]]:
        """Rule and action of each line."""
        lines = [json.loads(line) for line in self.lines.read_bytes().splitlines()]
        return [(line["rule"]["name"], line["event"]["action"]) for line in lines]

    def records(self, channel: str) -> list[Notification]:
        decoded = [decode_notification(record) for record in self.log.records]
        return [record for record in decoded if record.channel == channel]


@asynccontextmanager
async def running(server: MailServer, lines: Path, log: FakeLog) -> AsyncIterator[Running]:
    alerter = Running(server, lines, log)
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(alerter.notifier.run())
        yield alerter
        alerter.notifier.stop()
    alerter.file.close()


def header(content: bytes, name: str) -> Any:
    return email.parser.BytesParser(policy=email.policy.default).parsebytes(content)[name]


async def test_a_tunnel_is_one_mail_and_a_restart_repeats_nothing(tmp_path: Path) -> None:
    log = FakeLog()
    async with open_mail_server() as server:
        for _ in range(2):
            async with running(server, tmp_path / "lines", log) as alerter:
                await alerter.tell(TUNNEL)
    [mail] = server.received
    alert = TUNNEL[0]
    assert header(mail.content, "References") == f"<{incident_of(alert).id}@example.com>"
    # It names the rule that was crossed first, whether or not the second one made it into the mail.
    assert header(mail.content, "Message-ID").startswith(f"<{alert.id}.")
    assert alerter.logged() == [(a.rule, a.state) for a in TUNNEL]
    assert [record.result for record in alerter.records("email")] == ["delivered"]
    assert len(alerter.records("log")) == len(TUNNEL)


@pytest.mark.parametrize(
    ("command", "cues"),
    [
        ("RCPT", ["451 4.7.1 greylisted"] * 3),
        ("MAIL", ["421 4.3.2 shutting down", DROP]),
        ("354", [DROP]),
        ("RCPT", [STALL]),
    ],
)
async def test_what_fails_for_now_arrives_once_in_the_end(
    tmp_path: Path, command: str, cues: list[str]
) -> None:
    async with open_mail_server() as server:
        server.script[command].extend(cues)
        async with running(server, tmp_path / "lines", FakeLog()) as alerter:
            await alerter.tell(TUNNEL[:1])
    assert len(server.received) == 1
    assert alerter.notifier.deliveries[0].counts == {"failed": len(cues), "delivered": 1}
    assert alerter.log.refusals == []


async def test_what_is_refused_for_good_is_a_dead_letter_and_logged_all_the_same(
    tmp_path: Path,
) -> None:
    async with open_mail_server() as server:
        server.script["RCPT"].append("550 5.1.1 no such user")
        async with running(server, tmp_path / "lines", FakeLog()) as alerter:
            await alerter.tell(TUNNEL[:1])
    assert server.received == []
    [refusal] = alerter.log.refusals
    assert refusal.held.alert == TUNNEL[0]
    assert refusal.notification.reason == "recipient 550"
    assert refusal.notification.targets == (RECIPIENT,)
    assert len(alerter.logged()) == 1


async def test_a_flood_is_a_few_mails_and_a_digest_of_the_rest(tmp_path: Path) -> None:
    alerts = [create_alert(f"{number}.example") for number in range(300)]
    async with (
        open_mail_server() as server,
        running(server, tmp_path / "lines", FakeLog()) as alerter,
    ):
        await alerter.tell(alerts)
    assert len(server.received) <= 6
    assert {record.registered_domain for record in alerter.records("email")} == {
        alert.registered_domain for alert in alerts
    }
    assert len(alerter.logged()) == 300
