import asyncio
from collections.abc import Mapping

import pytest

from geophone_alerter.delivery import Delivery
from geophone_alerter.event_queue import EventQueue
from geophone_alerter.notifier import Notifier
from geophone_alerter.parcels import Outcome, Parcel
from geophone_shared.notifications import decode_notification
from tests.support.alert_events import (
    HOUR_US,
    MINUTE_US,
    OPENED_US,
    SECOND_US,
    create_alert,
)
from tests.support.channels import RETRIES, CrashError, FakeChannel, FakeLog, create_notifier

MAIL = "soc@example.com"
LATER = Outcome("temporary", "recipient", 451)
NEVER = Outcome("permanent", "recipient", 550)

TUNNEL = [
    create_alert(rule="burst"),
    create_alert(opened_us=OPENED_US + 3 * SECOND_US),
    create_alert(rule="burst", state="recovered", after_us=HOUR_US),
    create_alert(opened_us=OPENED_US + 3 * SECOND_US, state="recovered", after_us=HOUR_US),
]


@pytest.fixture
def log() -> FakeLog:
    return FakeLog()


@pytest.fixture
def mail() -> FakeChannel:
    return FakeChannel()


@pytest.fixture
def lines() -> FakeChannel:
    return FakeChannel("log", ("file",))


async def settle(notifier: Notifier) -> None:
    """Delivers what is due now."""
    for delivery in notifier.deliveries:
        while await delivery.step():
            pass


async def test_a_tunnel_is_one_mail_and_all_of_its_events_are_logged(
    log: FakeLog, mail: FakeChannel, lines: FakeChannel
) -> None:
    notifier = create_notifier(log, mail, lines)
    for position, alert in enumerate(TUNNEL):
        await notifier.accept(alert, position)
        await settle(notifier)
    assert mail.told() == [("tunnel.example", "burst", "opened", MAIL)]
    assert lines.told() == [(a.registered_domain, a.rule, a.state, "file") for a in TUNNEL]
    assert notifier.low_position() is None


async def test_repeats_of_a_detector_that_started_again_are_ignored(
    log: FakeLog, mail: FakeChannel, lines: FakeChannel
) -> None:
    notifier = create_notifier(log, mail, lines)
    for position, alert in enumerate(TUNNEL + TUNNEL):
        await notifier.accept(alert, position)
        await settle(notifier)
        log.now_us += 5 * HOUR_US
    assert notifier.repeats == len(TUNNEL)
    assert len(lines.told()) == len(TUNNEL)
    assert len(mail.delivered) == 2  # the second rule opened after the window


async def test_an_allowed_domain_is_logged_and_not_mailed(
    log: FakeLog, mail: FakeChannel, lines: FakeChannel
) -> None:
    notifier = create_notifier(log, mail, lines)
    await notifier.accept(create_alert(allowed=True), 0)
    await settle(notifier)
    assert (len(mail.delivered), len(lines.delivered)) == (0, 1)


async def test_channels_do_not_wait_for_each_other(
    log: FakeLog, mail: FakeChannel, lines: FakeChannel
) -> None:
    mail.script.extend([{MAIL: LATER}] * 3)
    notifier = create_notifier(log, mail, lines)
    await notifier.accept(create_alert(), 4)
    await settle(notifier)
    assert (len(mail.delivered), len(lines.delivered)) == (0, 1)
    assert notifier.low_position() == 4
    assert notifier.deliveries[0].counts == {"failed": 1}


async def test_a_refusal_is_a_dead_letter_with_the_event_and_its_position(
    log: FakeLog, mail: FakeChannel, lines: FakeChannel
) -> None:
    mail.script.append({MAIL: NEVER})
    notifier = create_notifier(log, mail, lines)
    await notifier.accept(create_alert(), 9)
    await settle(notifier)
    [refusal] = log.refusals
    assert (refusal.held.alert, refusal.held.position) == (create_alert(), 9)
    assert (refusal.notification.channel, refusal.notification.reason) == ("email", "recipient 550")
    assert notifier.low_position() is None
    assert notifier.deliveries[0].counts == {"refused": 1}


async def test_a_log_that_is_away_delays_the_record_and_repeats_no_mail(
    log: FakeLog, mail: FakeChannel, lines: FakeChannel
) -> None:
    log.failures = 3
    notifier = create_notifier(log, mail, lines)
    await notifier.accept(create_alert(), 0)
    await settle(notifier)
    assert len(mail.delivered) == 1
    channels = [decode_notification(record).channel for record in log.records]
    assert channels == ["email", "log"]


class TestRestart:
    async def test_nothing_is_told_again(
        self, log: FakeLog, mail: FakeChannel, lines: FakeChannel
    ) -> None:
        for _ in range(3):
            # No offset was ever committed, and the window is over each time.
            notifier = create_notifier(log, mail, lines)
            for position, alert in enumerate(TUNNEL[:1]):
                await notifier.accept(alert, position)
                await settle(notifier)
            log.now_us += 5 * HOUR_US
        assert (len(mail.delivered), len(lines.delivered)) == (1, 1)

    async def test_a_crash_between_acceptance_and_record_repeats_the_same_message(
        self, log: FakeLog, mail: FakeChannel, lines: FakeChannel
    ) -> None:
        notifier = create_notifier(log, mail, lines)
        await notifier.accept(create_alert(), 0)
        log.crashes = True
        with pytest.raises(CrashError):
            await notifier.deliveries[0].step()
        log.crashes = False
        again = create_notifier(log, mail, lines)
        await again.accept(create_alert(), 0)
        await settle(again)
        first, second = (parcel.message for parcel, _ in mail.delivered)
        assert first == second

    async def test_what_waited_is_told(
        self, log: FakeLog, mail: FakeChannel, lines: FakeChannel
    ) -> None:
        mail.script.append({MAIL: LATER})
        notifier = create_notifier(log, mail, lines)
        await notifier.accept(create_alert(), 0)
        await settle(notifier)
        again = create_notifier(log, mail, lines)
        await again.accept(create_alert(), 0)
        await settle(again)
        assert (len(mail.delivered), len(lines.delivered)) == (1, 1)

    async def test_alerts_below_the_committed_offset_are_known(
        self, log: FakeLog, mail: FakeChannel, lines: FakeChannel
    ) -> None:
        notifier = create_notifier(log, mail, lines)
        for alert in TUNNEL[:2]:
            notifier.remember(alert)
        for position, alert in enumerate(TUNNEL):
            await notifier.accept(alert, position)
        await settle(notifier)
        assert notifier.repeats == 2
        assert mail.delivered == []
        assert [state for _, _, state, _ in lines.told()] == ["recovered", "recovered"]


class TestRunning:
    async def test_it_delivers_what_comes_and_retries_until_it_is_stopped(
        self, log: FakeLog, mail: FakeChannel, lines: FakeChannel
    ) -> None:
        mail.script.extend([{MAIL: LATER}] * 3)

        async def moving_clock() -> None:
            while not mail.delivered:
                log.now_us += MINUTE_US
                await asyncio.sleep(0.001)

        notifier = create_notifier(log, mail, lines)
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            tasks.create_task(notifier.run())
            await notifier.accept(create_alert(), 0)
            await moving_clock()
            notifier.stop()
        assert (len(mail.delivered), len(lines.delivered)) == (1, 1)
        assert notifier.deliveries[0].counts == {"failed": 3, "delivered": 1}

    async def test_an_attempt_that_is_under_way_is_finished_and_recorded(
        self, log: FakeLog, lines: FakeChannel
    ) -> None:
        started, may_end = asyncio.Event(), asyncio.Event()

        class SlowChannel(FakeChannel):
            async def deliver(self, parcel: Parcel, now_us: int) -> Mapping[str, Outcome]:
                started.set()
                await may_end.wait()
                return await super().deliver(parcel, now_us)

        slow = SlowChannel()
        notifier = create_notifier(log, slow, lines)
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            tasks.create_task(notifier.run())
            await notifier.accept(create_alert(), 0)
            await started.wait()
            notifier.stop()
            may_end.set()
        assert len(slow.delivered) == 1
        assert len(log.records) == 2

    async def test_a_stop_does_not_wait_for_a_log_that_is_away(
        self, log: FakeLog, lines: FakeChannel
    ) -> None:
        told = asyncio.Event()

        class TellingChannel(FakeChannel):
            async def deliver(self, parcel: Parcel, now_us: int) -> Mapping[str, Outcome]:
                told.set()
                return await super().deliver(parcel, now_us)

        log.failures = 1_000_000
        notifier = create_notifier(log, TellingChannel(), lines)
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            tasks.create_task(notifier.run())
            await notifier.accept(create_alert(), 7)
            await told.wait()
            notifier.stop()
        assert log.records == []
        assert notifier.low_position() == 7  # so nothing is committed beyond it

    async def test_a_full_queue_makes_the_next_alert_wait(
        self, log: FakeLog, lines: FakeChannel
    ) -> None:
        queue = EventQueue(lines.targets, RETRIES, most_waiting=1)
        notifier = Notifier([Delivery(lines, queue, log.around())])
        await notifier.accept(create_alert("a.example"), 0)
        waiting = asyncio.ensure_future(notifier.accept(create_alert("b.example"), 1))
        await asyncio.sleep(0)
        assert not waiting.done()
        async with asyncio.timeout(30):
            await settle(notifier)
            await waiting
            await settle(notifier)
        assert [domain for domain, *_ in lines.told()] == ["a.example", "b.example"]
