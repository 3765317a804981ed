"""The services as processes, over the embedded log and a real broker: they say what replay says."""

import asyncio
import email.parser
import email.policy
import json
import subprocess
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.kafka.broker import USERNAME, KafkaBroker
from tests.support.mail_server import ReceivedMail, open_mail_server
from tests.support.outside import PROJECT
from tests.support.service_processes import (
    COMMAND,
    RECIPIENT,
    SENDER,
    ServiceProcess,
    clean_environment,
    mail_environment,
    replayed,
    started,
)

ANY_PORT = "127.0.0.1:0"
WRONG_PASSWORD = "over-ground"  # noqa: S105 - it is none
EMAIL_ACCEPTED = 'geophone_alerter_notifications_total{channel="email",result="accepted"}'


@pytest.fixture(params=["iodine-null.pcap", "dns-tunnel-iodine.pcap"])
def capture(request: pytest.FixtureRequest, captures: Callable[[str], Path]) -> Path:
    """The shipped capture and the published one."""
    shipped = PROJECT / "tests" / "data" / request.param
    return shipped if shipped.exists() else captures(request.param)


def by_id(alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(alerts, key=lambda alert: str(alert["id"]))


async def shows(service: ServiceProcess, report: dict[str, Any]) -> None:
    """Waits until REST shows what a replay says: alerts, and the domains with all their counts."""
    expected = by_id(report["alerts"])
    path = "/api/v1/alerts?state=all&limit=200"
    await service.until_answer(path, lambda answer: by_id(answer.json()["alerts"]) == expected)
    domains = report["top_domains"]
    path = "/api/v1/domains/top?limit=100&exclude_allowed=false"
    await service.until_answer(path, lambda answer: answer.json()["domains"] == domains)


def opened_ids(service: ServiceProcess) -> list[str]:
    """Of the alerts that its event log tells, each as often as it does."""
    events = [json.loads(line)["event"] for line in service.lines]
    return sorted(event["id"] for event in events if event["action"] == "opened")


def alert_ids(report: dict[str, Any]) -> list[str]:
    return sorted(alert["id"] for alert in report["alerts"])


def check_mail(mails: list[ReceivedMail], report: dict[str, Any]) -> None:
    """One mail, with these headers and no others, of the first alert that was told."""
    [mail] = mails
    assert (mail.sender, mail.recipients) == (SENDER, (RECIPIENT,))
    message = email.parser.BytesParser(policy=email.policy.default).parsebytes(mail.content)
    headers = dict(message.items())
    assert list(headers) == [
        *("From", "To", "Subject", "Date", "Message-ID", "References"),
        *("Auto-Submitted", "MIME-Version", "Content-Type"),
    ]
    assert headers["Subject"] == "Suspected DNS Tunnel Alert"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["Message-ID"].strip("<").partition(".")[0] in alert_ids(report)
    domain = report["top_domains"][0]["registered_domain"]
    body = message.get_body(("plain",))
    assert body is not None
    assert domain.replace(".", "[.]") in body.get_content()
    assert domain.encode() not in mail.content.partition(b"\r\n\r\n")[0]


class TestRun:
    async def test_to_the_end(self, capture: Path, tmp_path: Path) -> None:
        report = replayed(capture)
        async with (
            open_mail_server() as server,
            started(
                *("run", "--file", str(capture), "--exit-at-end", "--http", ANY_PORT),
                *("--data-dir", str(tmp_path / "data")),
                environment=mail_environment(server.port),
            ) as service,
        ):
            assert await service.ended() == 0
        assert service.sentences == []
        assert opened_ids(service) == alert_ids(report)
        check_mail(server.received, report)
        assert (tmp_path / "data" / "hash-key").stat().st_mode & 0o777 == 0o600

    async def test_it_serves_and_goes_on_after_a_restart(
        self, demo_capture: Path, tmp_path: Path
    ) -> None:
        report = replayed(demo_capture)
        arguments = (
            *("run", "--file", str(demo_capture), "--http", ANY_PORT),
            *("--data-dir", str(tmp_path)),
        )
        async with open_mail_server() as server:
            environment = mail_environment(server.port)
            async with started(*arguments, environment=environment) as first:
                await shows(first, report)
                await first.until(lambda: opened_ids(first) == alert_ids(report))
                await first.until_answer(
                    "/metrics", lambda answer: f"{EMAIL_ACCEPTED} 1.0" in answer.text
                )
                await first.until_ready()
                transactions = report["transactions"]["total"]
                assert await first.metric("geophone_detector_transactions_total") == transactions
                status = await (await first.client()).get("/api/v1/status")
                assert set(status.json()["stages"]) == {"capture", "detector", "alerter"}
                assert await first.stop() == 0
            async with started(*arguments, environment=environment) as second:
                await shows(second, report)
                # It has read the capture once more by then, and counted nothing twice.
                repeats = "geophone_detector_repeated_records_total"
                await second.until_answer("/metrics", lambda answer: f"{repeats} 2" in answer.text)
                await shows(second, report)
                assert await second.stop() == 0
            assert second.lines == []
            check_mail(server.received, report)


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


class TestThreeProcesses:
    async def test_they_say_what_replay_says(
        self, capture: Path, fresh_kafka_broker: KafkaBroker, tmp_path: Path
    ) -> None:
        report = replayed(capture)
        broker = on(fresh_kafka_broker)
        await create_topics(fresh_kafka_broker)
        async with open_mail_server() as server, AsyncExitStack() as stack:

            async def start(*arguments: str) -> ServiceProcess:
                environment = mail_environment(server.port)
                return await stack.enter_async_context(started(*arguments, environment=environment))

            alerter = await start("alerter", *broker, "--http", ANY_PORT)
            detector = await start(
                *("detector", *broker, "--ops", ANY_PORT, "--data-dir", str(tmp_path))
            )
            reader = await start("capture", *broker, "--ops", ANY_PORT, "--file", str(capture))
            await shows(alerter, report)
            await alerter.until(lambda: opened_ids(alerter) == alert_ids(report))
            await alerter.until_answer(
                "/metrics", lambda answer: f"{EMAIL_ACCEPTED} 1.0" in answer.text
            )
            check_mail(server.received, report)
            transactions = report["transactions"]["total"]
            assert await detector.metric("geophone_detector_transactions_total") == transactions
            assert (
                await reader.metric('geophone_capture_packets_total{interface="file"}')
                == (report["capture"]["packets"])
            )
            for service in (alerter, detector, reader):
                await service.until_ready()
                assert await service.stop() == 0
                assert service.sentences == []


class TestRefusals:
    """One sentence and the exit code: no traceback, and no secret."""

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            (("--speed", "fast"), "capture.speed = 'fast' (from --speed): write max, or"),
            (("--data-dir", "README.md/data"), "can't be written (Not a directory): make it"),
            (("--http", "0.0.0.0:0"), "there is no token: set GEOPHONE_ALERTER_API_TOKEN_FILE"),
            (("--bootstrap-servers", "here"), "bootstrap_servers has 'here': write HOST:PORT"),
        ],
    )
    def test_settings(
        self, demo_capture: Path, tmp_path: Path, options: tuple[str, ...], told: str
    ) -> None:
        usual = ("--file", str(demo_capture), "--data-dir", str(tmp_path), "--http", ANY_PORT)
        check_refusal(geophone("run", *usual, *options), 2, told)

    def test_a_log_that_is_none(self, demo_capture: Path, tmp_path: Path) -> None:
        (tmp_path / "log.sqlite").write_bytes(b"\x00no log" * 1_000)
        done = geophone("run", "--file", str(demo_capture), "--data-dir", str(tmp_path))
        check_refusal(done, 2, "is damaged or not a log of Geophone: move it away")

    async def test_a_second_process(self, demo_capture: Path, tmp_path: Path) -> None:
        usual = ("run", "--file", str(demo_capture), "--data-dir")
        async with started(*usual, str(tmp_path), "--http", ANY_PORT) as first:
            address = (await first.until_said("serving"))["geophone.address"]
            same_folder = geophone(*usual, str(tmp_path), "--http", ANY_PORT)
            check_refusal(same_folder, 2, "is in use by another Geophone: stop that one")
            same_port = geophone(*usual, str(tmp_path / "own"), "--http", address)
            check_refusal(same_port, 2, "(Address already in use): free it, or choose another")

    def test_kafka(self, fresh_kafka_broker: KafkaBroker, demo_capture: Path) -> None:
        broker = fresh_kafka_broker
        ops = ("--ops", ANY_PORT)
        missing = geophone("capture", *on(broker), *ops, "--file", str(demo_capture))
        check_refusal(missing, 2, "dns.transactions does not exist: run `geophone topics create`")
        wrong = geophone(
            *("detector", "--bootstrap-servers", f"127.0.0.1:{broker.ports.scram}", *ops),
            GEOPHONE_KAFKA_SECURITY_PROTOCOL="SASL_PLAINTEXT",
            GEOPHONE_KAFKA_SASL_PLAIN_USERNAME=USERNAME,
            GEOPHONE_KAFKA_SASL_PLAIN_PASSWORD=WRONG_PASSWORD,
        )
        check_refusal(wrong, 2, "password")
        assert WRONG_PASSWORD not in wrong.stderr
        broker.stop()
        away = geophone("alerter", *on(broker), "--http", ANY_PORT)
        check_refusal(away, 75, f"no Kafka broker answers at {broker.bootstrap_servers}")


def check_refusal(done: "subprocess.CompletedProcess[str]", code: int, told: str) -> None:
    assert done.returncode == code
    [sentence] = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert sentence.startswith("geophone: ")
    assert told in sentence
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
