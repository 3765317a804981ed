"""`geophone topics` on a real broker; `geophone dead-letters` on it and on the embedded log."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from geophone.cli import app
from geophone.opened_log import EMBEDDED_FILE
from geophone_shared.bus.contract import Bus
from geophone_shared.bus.embedded import open_embedded_bus
from geophone_shared.bus.reading import read_range
from geophone_shared.bus.records import Record, StoredRecord, TopicPartition
from geophone_shared.bus.topics import ALERTS, DEAD_LETTERS, NOTIFICATIONS, TRANSACTIONS
from geophone_shared.dead_letters import dead_letter
from tests.support.kafka.broker import KafkaBroker
from tests.support.running_alerter import create_declared_topics
from tests.support.settings import set_environment

BATCH = TopicPartition(TRANSACTIONS, 0)
ALERT = TopicPartition(ALERTS, 0)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, {})


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """The commands silence the log's client, for as long as their process lives: here, the test."""
    client = logging.getLogger("aiokafka")
    level = client.level
    yield
    client.setLevel(level)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), prog_name="geophone", catch_exceptions=False)


def test_topics_are_created_once_and_verified(fresh_kafka_broker: KafkaBroker) -> None:
    broker = ("--bootstrap-servers", fresh_kafka_broker.bootstrap_servers, "--partitions", "3")
    missing = run("topics", "verify", *broker)
    assert missing.exit_code == 2
    assert missing.stderr.count("does not exist: run `geophone topics create`\n") == 6

    dry = run("topics", "create", "--dry-run", *broker)
    assert dry.exit_code == 0
    assert dry.stdout.splitlines()[0] == (
        "would create dns.transactions: 3 partitions, kept for 26 h"
    )
    assert run("topics", "verify", *broker).exit_code == 2

    made = run("topics", "create", *broker)
    assert (made.exit_code, made.stdout.count("created dns.")) == (0, 6)
    again = run("topics", "create", *broker)
    assert (again.exit_code, again.stdout) == (0, "All topics exist.\n")
    right = run("topics", "verify", *broker)
    assert (right.exit_code, right.stdout) == (0, "The topics are right.\n")

    other = run("topics", "verify", *broker[:2])
    assert other.exit_code == 2
    assert "dns.transactions has 3 partitions instead of 12" in other.stderr

    letters = run("dead-letters", "list", *broker[:2])
    assert (letters.exit_code, letters.stdout) == (0, "There are no dead letters.\n")


def test_a_broker_that_is_away_and_no_broker_at_all_are_sentences() -> None:
    away = run("topics", "verify", "--bootstrap-servers", "127.0.0.1:1")
    assert away.exit_code == 75
    assert away.stderr.startswith("geophone: no Kafka broker answers at 127.0.0.1:1")
    assert away.stderr.count("\n") == 1
    none = run("topics", "create")
    assert none.exit_code == 2
    assert "--bootstrap-servers" in none.stderr


def on_embedded(folder: Path, work: Callable[[Bus], Awaitable[None]]) -> None:
    async def run_work() -> None:
        async with open_embedded_bus(folder / EMBEDDED_FILE) as bus:
            await work(bus)

    asyncio.run(run_work())


async def bury(bus: Bus) -> None:
    """Five dead letters: two that can be put back, and three that can't."""
    await create_declared_topics(bus)
    headers = (("schema", b"9"), ("producer", b"p"), ("sequence", b"7"))
    letters = [
        dead_letter(BATCH, StoredRecord(4, 1, b"batch", None, headers), "newer_schema"),
        dead_letter(ALERT, StoredRecord(5, 1, b"alert", b"key", ()), "json"),
        dead_letter(ALERT, StoredRecord(6, 1, b"refused", b"key", ()), "recipient 550"),
        dead_letter(
            TopicPartition(NOTIFICATIONS, 0), StoredRecord(6, 1, b"forged", None, ()), "json"
        ),
        Record(b"\x1b[31m", headers=(("topic", b"\x1b[31m"),)),
    ]
    for letter in letters:
        await bus.append(TopicPartition(DEAD_LETTERS, 0), letter)


def read(folder: Path, partition: TopicPartition) -> list[StoredRecord]:
    found: list[StoredRecord] = []

    async def take(stored: StoredRecord) -> None:
        found.append(stored)

    on_embedded(folder, lambda bus: read_range(bus, partition, take))
    return found


def test_dead_letters_are_listed(tmp_path: Path) -> None:
    on_embedded(tmp_path, bury)
    listed = run("dead-letters", "list", "--data-dir", str(tmp_path))
    assert listed.exit_code == 0
    columns = [line.split("\t") for line in listed.stdout.splitlines()]
    assert [(row[0], *row[2:]) for row in columns] == [
        ("0", "dns.transactions/0@4", "newer_schema", "5 B"),
        ("1", "dns.alerts/0@5", "json", "5 B"),
        ("2", "dns.alerts/0@6", "recipient 550", "7 B"),
        ("3", "dns.notifications/0@6", "json", "6 B"),
        ("4", "unreadable", "-", "5 B"),
    ]
    as_json = json.loads(run("dead-letters", "list", "--json", "--data-dir", str(tmp_path)).stdout)
    assert as_json[1] | {"published": ""} == {
        "offset": 1,
        "published": "",
        "place": "dns.alerts/0",
        "record_offset": 5,
        "reason": "json",
        "bytes": 5,
    }


def test_what_can_be_used_again_is_put_back_as_it_was(tmp_path: Path) -> None:
    on_embedded(tmp_path, bury)
    folder = ("--data-dir", str(tmp_path))
    dry = run("dead-letters", "replay", "--dry-run", *folder)
    assert dry.stdout.splitlines() == [
        "would be: 2 put back",
        "would be: 1 left, since a receiver had refused to be told",
        "would be: 2 left, since they don't say where a record was that somebody reads",
    ]
    assert read(tmp_path, BATCH) == []
    one = run("dead-letters", "replay", "--offset", "1", *folder)
    assert one.stdout == "1 put back\n"
    [alert] = read(tmp_path, ALERT)
    assert (alert.value, alert.key, alert.headers) == (b"alert", b"key", ())
    run("dead-letters", "replay", "--offset", "0", *folder)
    [batch] = read(tmp_path, BATCH)
    assert batch.value == b"batch"
    own = (("schema", b"9"), ("producer", b"dead-letter-0"), ("sequence", b"0"))
    assert batch.headers == own
    none = run("dead-letters", "replay", "--offset", "99", *folder)
    assert none.stdout == "There are no such dead letters.\n"


def test_no_log_is_begun_only_to_look(tmp_path: Path) -> None:
    result = run("dead-letters", "list", "--data-dir", str(tmp_path / "none"))
    assert result.exit_code == 2
    assert "there is no log in" in result.stderr
    assert list(tmp_path.iterdir()) == []
