"""The rights that the manifests give to Strimzi's users are what the services need."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest

from tests.support import outside
from tests.support.deployment import of_kind, rendered
from tests.support.kafka.broker import PASSWORD, KafkaBroker
from tests.support.kafka.jars import KafkaMissingError
from tests.support.service_processes import (
    ANY_PORT,
    create_topics,
    geophone,
    replayed,
    shows,
    started,
)

_RESOURCES = {"topic": 2, "group": 3}
_OPERATIONS = {"Read": 3, "Write": 4, "Describe": 8, "DescribeConfigs": 10}
_LITERAL = _ALLOW = 3
"""As Kafka's protocol numbers them (org.apache.kafka.common.acl and .resource)."""


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[KafkaBroker]:
    """One with authorization, and with the users of the manifests."""
    users = of_kind(rendered("prod"), "KafkaUser")
    names = [user["metadata"]["name"] for user in users]
    try:
        broker = KafkaBroker(tmp_path / "kafka", principals=names)
    except KafkaMissingError as error:
        outside.report_missing(str(error))
    broker.start()
    try:
        await _grant(broker, users)
        yield broker
    finally:
        broker.close()


async def _grant(broker: KafkaBroker, users: list[dict[str, Any]]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    await admin.start()
    try:
        for user in users:
            for right in user["spec"]["authorization"]["acls"]:
                assert right["resource"]["patternType"] == "literal"
                for operation in right["operations"]:
                    request = CreateAclsRequest(
                        _RESOURCES[right["resource"]["type"]],
                        right["resource"]["name"],
                        _LITERAL,
                        f"User:{user['metadata']['name']}",
                        right["host"],
                        _OPERATIONS[operation],
                        _ALLOW,
                    )
                    answer = await admin._send_request(request)
                    assert [code for code, _ in answer.creation_responses] == [0]
    finally:
        await admin.close()


def _signing_on(broker: KafkaBroker, service: str) -> dict[str, str]:
    return {
        "GEOPHONE_BOOTSTRAP_SERVERS": f"127.0.0.1:{broker.ports.secure}",
        "GEOPHONE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "GEOPHONE_KAFKA_SSL_CAFILE": str(broker.folder / "ca.pem"),
        "GEOPHONE_KAFKA_SASL_PLAIN_USERNAME": f"geophone-{service}",
        "GEOPHONE_KAFKA_SASL_PLAIN_PASSWORD": PASSWORD,
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
