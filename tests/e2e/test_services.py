"""The services as processes, over the embedded log and a real broker: they say what replay says."""

import email.parser
import email.policy
import random
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.capture_writer import pcap
from tests.support.dns_messages import message, name, question
from tests.support.kafka.broker import KafkaBroker
from tests.support.mail_server import ReceivedMail, open_mail_server
from tests.support.outside import PROJECT
from tests.support.packets import ethernet, ipv4, udp
from tests.support.service_processes import (
    ANY_PORT,
    RECIPIENT,
    SENDER,
    ServiceProcess,
    alert_ids,
    create_topics,
    mail_environment,
    on,
    opened_ids,
    replayed,
    shows,
    started,
)

RANDOM_DOMAINS = 100_000
BEGIN_US = 1_767_254_400_000_000
EMAIL_ACCEPTED = 'geophone_alerter_notifications_total{channel="email",result="accepted"}'


@pytest.fixture(params=["iodine-null.pcap", "dns-tunnel-iodine.pcap"])
def capture(request: pytest.FixtureRequest, captures: Callable[[str], Path]) -> Path:
    """The shipped capture and the published one."""
    shipped = PROJECT / "tests" / "data" / request.param
    return shipped if shipped.exists() else captures(request.param)


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

    async def test_random_domains_are_no_series(self, demo_capture: Path, tmp_path: Path) -> None:
        flood = tmp_path / "flood.pcap"
        flood.write_bytes(pcap(random_queries(RANDOM_DOMAINS)))

        async def series(capture: Path, domains: int) -> set[str]:
            folder = str(tmp_path / capture.stem)
            usual = ("run", "--http", ANY_PORT, "--data-dir", folder, "--file", str(capture))
            async with started(*usual) as service:
                tracked = f"geophone_detector_tracked_domains {float(domains)}\n"
                await service.until_answer("/metrics", lambda answer: tracked in answer.text)
                await service.until_answer(
                    "/api/v1/domains/top", lambda answer: bool(answer.json()["domains"])
                )
                lines = (await (await service.client()).get("/metrics")).text.splitlines()
            return {line.rpartition(" ")[0] for line in lines if not line.startswith("#")}

        assert await series(flood, RANDOM_DOMAINS) == await series(demo_capture, 1)


def random_queries(domains: int) -> Iterator[tuple[int, bytes]]:
    """A query for each of so many registered domains, and when, µs."""
    chance = random.Random(1)  # noqa: S311 - nobody has to be surprised
    for number in range(domains):
        asked = name(b"www", chance.randbytes(8).hex().encode(), b"com")
        query = message((question(asked),), dns_id=number & 0xFFFF)
        packet = ethernet(ipv4(udp(query, source_port=40_000 + (number >> 16))))
        yield BEGIN_US + 100 * number, packet


class TestKafka:
    async def test_three_processes(
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

    async def test_all_in_one_process(
        self, demo_capture: Path, fresh_kafka_broker: KafkaBroker, tmp_path: Path
    ) -> None:
        report = replayed(demo_capture)
        await create_topics(fresh_kafka_broker)
        arguments = (
            *("run", *on(fresh_kafka_broker), "--http", ANY_PORT, "--data-dir", str(tmp_path)),
            *("--file", str(demo_capture), "--exit-at-end"),
        )
        async with open_mail_server() as server:
            for ids in (alert_ids(report), []):  # what it has read and told, it tells once
                environment = mail_environment(server.port)
                async with started(*arguments, environment=environment) as service:
                    assert await service.ended() == 0
                assert service.sentences == []
                assert opened_ids(service) == ids
            check_mail(server.received, report)
