"""Two alerters on a real broker: one acts, the other answers REST and takes over."""

import asyncio
from collections.abc import Sequence

from geophone_shared.alerts import Alert
from tests.support.alert_events import create_alert
from tests.support.buses import kafka_bus
from tests.support.kafka.broker import KafkaBroker
from tests.support.mail_server import open_mail_server
from tests.support.running_alerter import (
    RunningAlerter,
    alerter_settings,
    create_declared_topics,
    publish,
    running_alerter,
)


async def shows(alerter: RunningAlerter, alerts: Sequence[Alert]) -> None:
    """Waits until REST shows these alerts, the newest first."""
    ids = [alert.id for alert in reversed(alerts)]
    await alerter.until(
        "/api/v1/alerts", lambda answer: [each["id"] for each in answer.json()["alerts"]] == ids
    )


async def acting_ones(*alerters: RunningAlerter) -> int:
    """How many of them say that they act."""
    answers = await asyncio.gather(*(each.client.get("/api/v1/status") for each in alerters))
    return sum(answer.json()["acting"] for answer in answers)


async def test_one_acts_and_the_other_takes_over_without_a_repeat(
    fresh_kafka_broker: KafkaBroker,
) -> None:
    alerts = [create_alert(f"{number}.example") for number in range(4)]
    delivered = 'geophone_alerter_notifications_total{channel="email",result="accepted"}'
    async with (
        open_mail_server() as server,
        kafka_bus(fresh_kafka_broker) as bus,
        kafka_bus(fresh_kafka_broker) as other_bus,
    ):
        await create_declared_topics(bus)
        settings = alerter_settings(server.port)
        async with running_alerter(bus, settings) as first:
            await first.until_acting()
            async with running_alerter(other_bus, settings) as second:
                await publish(bus, *alerts[:2])
                for alerter in (first, second):
                    await shows(alerter, alerts[:2])
                    told = f"/api/v1/alerts/{alerts[1].id}"
                    await alerter.until(told, lambda answer: bool(answer.json()["notifications"]))
                await first.until(
                    "/version", lambda _: first.metric(delivered) + second.metric(delivered) == 2
                )
                # None while the group meets again, and never both.
                while (acting := await acting_ones(first, second)) != 1:
                    assert acting == 0
                    await asyncio.sleep(0.05)
                first.stop.set()
                await second.until_acting()
                await publish(bus, alerts[2])
                told = f"/api/v1/alerts/{alerts[2].id}"
                await second.until(told, lambda answer: bool(answer.json().get("notifications")))
        async with running_alerter(bus, settings) as third:
            await third.until_acting()
            await publish(bus, alerts[3])
            await shows(third, alerts)
            third.finish.set()
    assert len(server.received) == len(alerts)
