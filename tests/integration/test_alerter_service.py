"""The alerter over a log: alerts in, mail and lines out, and what REST shows of it."""

import asyncio
import email.parser
import email.policy
import errno
import json
import time
from collections.abc import AsyncIterator
from functools import partial, partialmethod
from pathlib import Path

import pytest

from geophone_alerter import acting, configured, feeds
from geophone_alerter.channels import log
from geophone_alerter.event_queue import EventQueue
from geophone_shared.alerts import decode_alert
from geophone_shared.batch_headers import BatchHeaders
from geophone_shared.bus.local import LocalBus, LocalReader
from geophone_shared.bus.memory import open_memory_bus
from geophone_shared.bus.reading import read_range
from geophone_shared.bus.records import Record, StoredRecord, TopicPartition
from geophone_shared.bus.topics import DEAD_LETTERS, NOTIFICATIONS, TRANSACTIONS
from geophone_shared.dead_letters import DeadLetter, decode_dead_letter
from geophone_shared.errors import ConfigError, TransientError
from geophone_shared.notifications import Notification, decode_notification
from geophone_shared.stand_still import StandStill
from geophone_shared.timestamps import rfc3339
from tests.support.alert_events import HOUR_US, OPENED_US, SECOND_US, create_alert
from tests.support.buses import read_values
from tests.support.mail_server import MailServer, open_mail_server
from tests.support.running_alerter import (
    ALERTS_PARTITION,
    RECIPIENT,
    alerter_settings,
    create_declared_topics,
    publish,
    publish_top,
    running_alerter,
)
from tests.support.top_lists import top_list

TUNNEL = [
    create_alert(rule="burst"),
    create_alert(opened_us=OPENED_US + 3 * SECOND_US),
    create_alert(rule="burst", state="recovered", after_us=HOUR_US),
    create_alert(opened_us=OPENED_US + 3 * SECOND_US, state="recovered", after_us=HOUR_US),
]


@pytest.fixture
async def bus() -> AsyncIterator[LocalBus]:
    async with open_memory_bus() as opened:
        await create_declared_topics(opened)
        yield opened


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    async with open_mail_server() as server:
        yield server


async def notifications(bus: LocalBus) -> list[Notification]:
    values = await read_values(bus, TopicPartition(NOTIFICATIONS, 0))
    return [decode_notification(value) for value in values]


async def dead_letters(bus: LocalBus) -> list[DeadLetter]:
    letters: list[DeadLetter] = []

    async def take(stored: StoredRecord) -> None:
        letters.append(decode_dead_letter(stored))

    await read_range(bus, TopicPartition(DEAD_LETTERS, 0), take)
    return letters


def logged(lines: Path) -> list[tuple[str, str]]:
    events = [json.loads(line) for line in lines.read_bytes().splitlines()]
    return [(event["rule"]["name"], event["event"]["action"]) for event in events]


async def test_alerts_become_one_mail_and_a_line_each(
    bus: LocalBus, mail: MailServer, tmp_path: Path
) -> None:
    lines = tmp_path / "events"
    async with running_alerter(bus, alerter_settings(mail.port, lines)) as alerter:
        await publish(bus, *TUNNEL)
        await alerter.until_acting()
        alerter.finish.set()
    [received] = mail.received
    message = email.parser.BytesParser(policy=email.policy.default).parsebytes(received.content)
    assert message["Subject"] == "Suspected DNS Tunnel Alert"
    assert received.recipients == (RECIPIENT,)
    assert logged(lines) == [(alert.rule, alert.state) for alert in TUNNEL]
    told = await notifications(bus)
    assert sorted(each.channel for each in told) == ["email", *["log"] * len(TUNNEL)]
    assert alerter.metric('geophone_alerter_alerts_total{state="opened"}') == 2
    assert alerter.metric("geophone_alerter_lag_records") == 0
    accepted = 'geophone_alerter_notifications_total{channel="%s",result="accepted"}'
    assert alerter.metric(accepted % "email") == 1
    assert alerter.metric(accepted % "log") == len(TUNNEL)


async def test_a_restart_tells_nothing_twice_and_what_is_new_all_the_same(
    bus: LocalBus, mail: MailServer, tmp_path: Path
) -> None:
    settings = alerter_settings(mail.port, tmp_path / "events")
    await publish(bus, *TUNNEL[:2])
    for _ in range(2):
        async with running_alerter(bus, settings) as alerter:
            alerter.finish.set()
    await publish(bus, *TUNNEL[2:], create_alert("other.example"))
    async with running_alerter(bus, settings) as alerter:
        alerter.finish.set()
    assert len(mail.received) == 2
    assert logged(tmp_path / "events") == [
        *[(alert.rule, alert.state) for alert in TUNNEL],
        ("unique-hostnames", "opened"),
    ]


async def test_without_committed_offsets_what_was_told_is_known_from_the_notifications(
    bus: LocalBus, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing_committed(_reader: LocalReader) -> dict[TopicPartition, int]:
        return {}

    await publish(bus, *TUNNEL[:2])
    async with running_alerter(bus, alerter_settings(mail.port)) as alerter:
        alerter.finish.set()
    monkeypatch.setattr(LocalReader, "committed", nothing_committed)
    async with running_alerter(bus, alerter_settings(mail.port)) as alerter:
        alerter.finish.set()
    assert len(mail.received) == 1


async def test_a_new_alerter_tells_no_old_alerts(mail: MailServer) -> None:
    now_us = time.time_ns() // 1_000
    clock = [now_us - 5 * HOUR_US]
    async with open_memory_bus(lambda: clock[0]) as bus:
        await create_declared_topics(bus)
        await publish(bus, create_alert("old.example"))
        clock[0] = now_us - HOUR_US
        await publish(bus, create_alert("new.example"), create_alert("old.example", rule="slow"))
        async with running_alerter(bus, alerter_settings(mail.port)) as alerter:
            listed = await alerter.until(
                "/api/v1/alerts", lambda answer: len(answer.json()["alerts"]) == 3
            )
            alerter.finish.set()
        assert listed.json()["next"] is None
        told = await notifications(bus)
    # What is new of a domain is told, also where an older alert of it wasn't.
    assert {(each.registered_domain, each.events[0].rule) for each in told} == {
        ("new.example", "unique-hostnames"),
        ("old.example", "slow"),
    }


async def test_a_record_that_is_no_alert_is_a_dead_letter_and_the_next_one_is_told(
    bus: LocalBus, mail: MailServer
) -> None:
    stray = Record(b"{}\xff", b"key", (("a", b"1"), ("a", b"2")))
    await bus.append(ALERTS_PARTITION, stray)
    await publish(bus, *TUNNEL[:1])
    async with running_alerter(bus, alerter_settings(mail.port)) as alerter:
        alerter.finish.set()
    assert len(mail.received) == 1
    [letter] = await dead_letters(bus)
    assert letter == DeadLetter(ALERTS_PARTITION, 0, "json", stray)
    assert alerter.metric('geophone_dead_letters_total{reason="json"}') == 1


async def test_what_is_refused_for_good_is_a_dead_letter_with_its_bytes(
    bus: LocalBus, mail: MailServer
) -> None:
    mail.script["RCPT"].append("550 5.1.1 no such user")
    await publish(bus, *TUNNEL[:1])
    async with running_alerter(bus, alerter_settings(mail.port)) as alerter:
        alerter.finish.set()
    [letter] = await dead_letters(bus)
    assert letter.reason == "recipient 550"
    assert decode_alert(letter.record.value) == TUNNEL[0]
    assert [each.result for each in await notifications(bus)] == ["refused"]


async def test_a_mail_server_that_is_away_keeps_the_offset_and_the_next_start_tells(
    bus: LocalBus, mail: MailServer
) -> None:
    mail.script["MAIL"].extend(["451 4.3.0 later"] * 1_000)
    await publish(bus, *TUNNEL[:1])
    waits = 'geophone_alerter_notifications_total{channel="email",result="temporary"} 0.0'
    async with running_alerter(bus, alerter_settings(mail.port)) as alerter:
        await alerter.until("/metrics", lambda answer: waits not in answer.text)
        status = (await alerter.client.get("/api/v1/status")).json()
        assert status["stages"]["alerter"]["position"] == 0
        assert status["stages"]["alerter"]["lag"] == 1
    assert mail.received == []
    mail.script["MAIL"].clear()
    async with running_alerter(bus, alerter_settings(mail.port)) as alerter:
        alerter.finish.set()
    assert len(mail.received) == 1


async def test_a_revocation_hands_over_without_a_repeat(bus: LocalBus, mail: MailServer) -> None:
    async with running_alerter(bus, alerter_settings(mail.port)) as alerter:
        assert alerter.metric("geophone_alerter_acting") == 0
        await publish(bus, *TUNNEL[:2])
        await alerter.until_acting()
        assert alerter.metric("geophone_alerter_acting") == 1
        for number in range(3):
            bus.rebalance("geophone-alerter")
            await publish(bus, create_alert(f"{number}.example"))
        alerter.finish.set()
    assert alerter.metric("geophone_alerter_acting") == 0
    assert alerter.metric("geophone_alerter_lag_records") == 0
    assert len(mail.received) == 4
    told = await notifications(bus)
    assert len(told) == len({each.incident_id for each in told}) == 4


async def test_a_log_that_does_not_answer_is_waited_for(
    bus: LocalBus, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = bus.append
    failures = [TransientError("away")] * 3

    async def fails(partition: TopicPartition, record: Record) -> int:
        if partition.topic == NOTIFICATIONS and failures:
            raise failures.pop()
        return await append(partition, record)

    await publish(bus, *TUNNEL[:1])
    monkeypatch.setattr(bus, "append", fails)
    async with running_alerter(bus, alerter_settings(mail.port)) as alerter:
        alerter.finish.set()
    assert failures == []
    assert len(mail.received) == 1
    assert [each.channel for each in await notifications(bus)] == ["email"]


async def test_channels_without_room_give_the_next_member_a_chance_and_lose_nothing(
    bus: LocalBus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_full = asyncio.Event()
    is_full.set()
    append = log._append

    def full(descriptor: int, data: bytes) -> None:
        if is_full.is_set():
            raise OSError(errno.ENOSPC, "no space")
        append(descriptor, data)

    monkeypatch.setattr(log, "_append", full)
    monkeypatch.setattr(configured, "EventQueue", partial(EventQueue, most_waiting=1))
    monkeypatch.setattr(acting, "_STUCK_SECONDS", 0.1)
    alerts = [create_alert(f"{number}.example") for number in range(4)]
    await publish(bus, *alerts)
    lines = tmp_path / "events"
    async with running_alerter(bus, alerter_settings(lines=lines)) as alerter:
        rejoins = "geophone_reader_rebuilds_total"
        await alerter.until("/metrics", lambda _: alerter.metric(rejoins) > 0)
        assert lines.read_bytes() == b""
        is_full.clear()
        alerter.finish.set()
    logged_names = [
        json.loads(line)["dns"]["question"]["registered_domain"]
        for line in lines.read_bytes().splitlines()
    ]
    assert logged_names == [alert.registered_domain for alert in alerts]


async def test_a_reader_that_stands_still_is_replaced(
    bus: LocalBus, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll = LocalReader.poll
    deaf: list[LocalReader] = []

    async def poll_or_not(
        reader: LocalReader, timeout_seconds: float, max_records: int
    ) -> dict[TopicPartition, list[StoredRecord]]:
        if reader in deaf:
            await asyncio.sleep(0.02)
            return {}
        polled = await poll(reader, min(timeout_seconds, 0.02), max_records)
        if not polled and len(deaf) < 2 and reader.partitions == (ALERTS_PARTITION,):
            deaf.append(reader)  # the one that acts and the one of REST, when they have begun
        return polled

    monkeypatch.setattr(LocalReader, "poll", poll_or_not)
    monkeypatch.setattr(StandStill, "__init__", partialmethod(StandStill.__init__, 0.1))
    for module in (acting, feeds):
        monkeypatch.setattr(module, "_CHECK_SECONDS", 0.05)
    async with running_alerter(bus, alerter_settings(mail.port)) as alerter:
        await alerter.until("/version", lambda _: len(deaf) == 2)
        await publish(bus, *TUNNEL[:1])
        await alerter.until(f"/api/v1/alerts/{TUNNEL[0].id}", lambda answer: answer.is_success)
        alerter.finish.set()
    assert alerter.metric("geophone_reader_rebuilds_total") == 2
    assert len(mail.received) == 1


async def test_rest_shows_who_was_told(bus: LocalBus, mail: MailServer) -> None:
    await publish(bus, *TUNNEL[:1])
    async with running_alerter(bus, alerter_settings(mail.port)) as alerter:
        answer = await alerter.until(
            f"/api/v1/alerts/{TUNNEL[0].id}",
            lambda answer: bool(answer.json().get("notifications")),
        )
    notification = answer.json().pop("notifications")[0]
    del notification["at"]
    assert notification == {
        "channel": "email",
        "result": "delivered",
        "targets": [RECIPIENT],
        "reason": None,
        "state": "opened",
    }


async def test_probes_and_metrics_are_on_the_same_port(bus: LocalBus) -> None:
    async with running_alerter(bus, alerter_settings()) as alerter:
        await alerter.until("/readyz", lambda answer: answer.status_code == 200)
        assert (await alerter.client.get("/livez")).status_code == 200
        assert "geophone_alerter_waiting" in (await alerter.client.get("/metrics")).text
    async with running_alerter(bus, alerter_settings(ops="127.0.0.1:1")) as alerter:
        assert (await alerter.client.get("/version")).status_code == 200
        assert (await alerter.client.get("/metrics")).status_code == 404


async def test_the_status_says_how_far_each_stage_is(bus: LocalBus) -> None:
    headers = BatchHeaders(
        rows=0,
        raw_bytes=0,
        first_time_us=OPENED_US,
        last_time_us=OPENED_US + SECOND_US,
        sensor="s",
        producer="p",
        sequence=0,
        position=0,
    )
    partition = TopicPartition(TRANSACTIONS, 0)
    for _ in range(2):
        await bus.append(partition, Record(b"", headers=tuple(headers.to_headers())))
    await publish(bus, *TUNNEL)
    await publish_top(bus, top_list(0, OPENED_US, {14_400: (TUNNEL[0].evidence,)}))
    async with running_alerter(bus, alerter_settings()) as alerter:
        answer = await alerter.until(
            "/api/v1/status",
            lambda answer: (
                answer.json()["stages"]["alerter"]["position"] == len(TUNNEL)
                and answer.json()["stages"]["detector"]["watermark"] is not None
                and answer.json()["stages"]["capture"]["watermark"] is not None
            ),
        )
        assert alerter.metric('geophone_top_domain_unique_hostnames{rank="1"}') == 201
    stages = answer.json()["stages"]
    assert stages["capture"]["position"] == 2
    assert stages["capture"]["watermark"] == rfc3339(OPENED_US + SECOND_US)
    assert stages["detector"]["watermark"] == rfc3339(OPENED_US)
    assert stages["alerter"]["lag"] == 0
    assert stages["alerter"]["watermark"] == rfc3339(TUNNEL[-1].updated_at_us)
    assert stages["alerter"]["drops"] == {"undecodable": 0, "overflowed": 0, "refused": 0}


async def test_a_missing_topic_is_a_sentence() -> None:
    async with open_memory_bus() as bus:
        with pytest.raises(ExceptionGroup) as raised:
            async with running_alerter(bus, alerter_settings()):
                await asyncio.Event().wait()
    assert raised.group_contains(ConfigError, match="dns.alerts does not exist: run `geophone")
