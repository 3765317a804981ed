"""Kafka that lets in whom it knows, and lets them do what docs/kafka-access.md says and no more."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme

from tests.support import outside
from tests.support.kafka.broker import PASSWORD, KafkaBroker
from tests.support.kafka.jars import KafkaMissingError
from tests.support.pipeline import Pipeline, kafka_pipeline
from tests.support.service_processes import (
    ANY_PORT,
    create_topics,
    geophone,
    replayed,
)

PAGE = outside.PROJECT / "docs" / "kafka-access.md"
PRINCIPALS = ("geophone-capture", "geophone-detector", "geophone-alerter")
WRONG_PASSWORD = "over-ground"  # noqa: S105 - it is none


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A broker that minds ACLs, with those of the page."""
    try:
        broker = KafkaBroker(tmp_path_factory.mktemp("guarded"), principals=PRINCIPALS)
    except KafkaMissingError as error:
        outside.report_missing(str(error))
    broker.start()
    yield broker
    broker.close()


def commands() -> list[list[str]]:
    """The options of the commands on the page."""
    found = re.findall(r"^kafka-acls\.sh --bootstrap-server BROKER (.+)$", PAGE.read_text(), re.M)
    return [each.split() for each in found]


async def grant(broker: KafkaBroker) -> None:
    await create_topics(broker)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda options: broker.run_tool("AclCommand", *options), commands()))


def scram(broker: KafkaBroker, principal: str, password: str = PASSWORD) -> dict[str, str]:
    return {
        "GEOPHONE_BOOTSTRAP_SERVERS": f"127.0.0.1:{broker.ports.secure}",
        "GEOPHONE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "GEOPHONE_KAFKA_SASL_PLAIN_USERNAME": principal,
        "GEOPHONE_KAFKA_SASL_PLAIN_PASSWORD": password,
        "GEOPHONE_KAFKA_SSL_CAFILE": str(broker.folder / "ca.pem"),
    }


def certificate(broker: KafkaBroker, principal: str) -> dict[str, str]:
    return {
        "GEOPHONE_BOOTSTRAP_SERVERS": f"127.0.0.1:{broker.ports.tls}",
        "GEOPHONE_KAFKA_SECURITY_PROTOCOL": "SSL",
        "GEOPHONE_KAFKA_SSL_CAFILE": str(broker.folder / "ca.pem"),
        "GEOPHONE_KAFKA_SSL_CERTFILE": str(broker.folder / f"{principal}.pem"),
    }


async def test_each_service_needs_no_more_than_the_page_says(
    broker: KafkaBroker, demo_capture: Path, tmp_path: Path
) -> None:
    """Capture and alerter with passwords, the detector with a certificate."""
    await grant(broker)
    source = ("--file", str(demo_capture), "--exit-at-end")
    async with kafka_pipeline("", tmp_path, *source) as pipeline:
        for name, command in pipeline.commands.items():
            pipeline.commands[name] = (command[0], *command[3:])
        usual = pipeline.environment
        for name, sign_on in (
            ("alerter", scram(broker, "geophone-alerter")),
            ("detector", certificate(broker, "geophone-detector")),
            ("capture", scram(broker, "geophone-capture")),
        ):
            pipeline.environment = usual | sign_on
            await pipeline.start(name)
        assert await pipeline["capture"].ended() == 0
        await pipeline.same_answer(replayed(demo_capture), incidents_told=1)
        await same_end(pipeline)


async def same_end(pipeline: Pipeline) -> None:
    for name in ("detector", "alerter"):
        assert await pipeline[name].stop() == 0
        assert pipeline[name].sentences == []


def test_a_missing_acl(broker: KafkaBroker, demo_capture: Path) -> None:
    """A capture as the alerter: it may read the transactions, and not write them."""
    wrong = geophone(
        *("capture", "--file", str(demo_capture), "--ops", ANY_PORT),
        **scram(broker, "geophone-alerter"),
    )
    assert_refused(wrong.returncode, wrong.stderr, "since this user may not (TopicAuthorization")
    unseen = geophone("detector", "--ops", ANY_PORT, **certificate(broker, "geophone-capture"))
    assert_refused(unseen.returncode, unseen.stderr, "since this user may not (TopicAuthorization")


def test_a_wrong_password(broker: KafkaBroker) -> None:
    wrong = geophone(
        "detector", "--ops", ANY_PORT, **scram(broker, "geophone-detector", WRONG_PASSWORD)
    )
    assert_refused(wrong.returncode, wrong.stderr, "does not accept 'geophone-detector' with this")


def test_a_wrong_authority(broker: KafkaBroker, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    wrong = scram(broker, "geophone-alerter") | {"GEOPHONE_KAFKA_SSL_CAFILE": str(other)}
    done = geophone("alerter", "--http", ANY_PORT, **wrong)
    assert_refused(done.returncode, done.stderr, "is not trusted")


def assert_refused(code: int, stderr: str, told: str) -> None:
    assert code == 77, stderr
    [sentence] = [line for line in stderr.splitlines() if not line.startswith("{")]
    assert sentence.startswith("geophone: ")
    assert told in sentence
    assert PASSWORD not in stderr
    assert WRONG_PASSWORD not in stderr
    assert "Traceback" not in stderr
