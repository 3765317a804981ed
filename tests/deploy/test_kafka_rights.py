"""The rights that the manifests give to Strimzi's users are what the services need."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support import outside
from tests.support.deployment import of_kind, rendered
from tests.support.kafka.broker import KafkaBroker
from tests.support.kafka.jars import KafkaMissingError
from tests.support.service_processes import (
    ANY_PORT,
    create_topics,
    geophone,
    replayed,
    shows,
    started,
)

_AUTHORIZED = """
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""
"""Who comes by the plaintext listener may do everything, and makes the others."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[KafkaBroker]:
    """One with authorization, and with the users of the manifests."""
    try:
        broker = KafkaBroker(tmp_path)
    except KafkaMissingError as error:
        outside.report_missing(str(error))
    with (tmp_path / "server.properties").open("a") as properties:
        properties.write(_AUTHORIZED)
    broker.start()
    try:
        for user in of_kind(rendered("prod"), "KafkaUser"):
            _add(broker, user)
        yield broker
    finally:
        broker.close()


def _add(broker: KafkaBroker, user: dict[str, Any]) -> None:
    name = user["metadata"]["name"]
    broker.run_tool(
        "kafka.admin.ConfigCommand",
        *("--alter", "--add-config", f"SCRAM-SHA-512=[password={_password(name)}]"),
        *("--entity-type", "users", "--entity-name", name),
    )
    by_rights: dict[tuple[str, ...], list[str]] = {}
    for right in user["spec"]["authorization"]["acls"]:
        resource = right["resource"]
        assert resource["patternType"] == "literal"
        options = by_rights.setdefault(tuple(right["operations"]), [])
        options += [f"--{resource['type']}", resource["name"]]
    for operations, resources in by_rights.items():
        options = [each for operation in operations for each in ("--operation", operation)]
        broker.run_tool(
            "AclCommand", "--add", "--allow-principal", f"User:{name}", *options, *resources
        )


def _password(name: str) -> str:
    return f"of-{name}"


def _signing_on(broker: KafkaBroker, service: str) -> dict[str, str]:
    name = f"geophone-{service}"
    return {
        "GEOPHONE_BOOTSTRAP_SERVERS": f"127.0.0.1:{broker.ports.scram}",
        "GEOPHONE_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "GEOPHONE_KAFKA_SASL_PLAIN_USERNAME": name,
        "GEOPHONE_KAFKA_SASL_PLAIN_PASSWORD": _password(name),
    }


async def test_services_work_with_these_rights_and_no_other(
    broker: KafkaBroker, demo_capture: Path, tmp_path: Path
) -> None:
    await create_topics(broker)
    keys = {"GEOPHONE_DATA_DIR": str(tmp_path / "detector")}
    reading = ("capture", "--file", str(demo_capture), "--ops", ANY_PORT)
    async with AsyncExitStack() as stack:
        alerter, detector, capture = [
            await stack.enter_async_context(started(*arguments, environment=environment))
            for arguments, environment in (
                (("alerter", "--http", ANY_PORT), _signing_on(broker, "alerter")),
                (("detector", "--ops", ANY_PORT), _signing_on(broker, "detector") | keys),
                (reading, _signing_on(broker, "capture")),
            )
        ]
        for service in (alerter, detector, capture):
            await service.until_ready()
        await shows(alerter, replayed(demo_capture))
        # The state of each partition is written at the stop, and read at the next start.
        assert [await each.stop() for each in (capture, detector, alerter)] == [0, 0, 0]
        again = await stack.enter_async_context(
            started(
                *("detector", "--ops", ANY_PORT),
                environment=_signing_on(broker, "detector") | keys,
            )
        )
        await again.until_ready()
    refused = await asyncio.to_thread(
        lambda: geophone("dead-letters", "list", **_signing_on(broker, "capture"))
    )
    assert refused.returncode != 0
