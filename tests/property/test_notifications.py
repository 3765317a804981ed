"""Who is told what and when, against a simple model; and restarts at any moment."""

import asyncio
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from geophone_alerter.outbox import Outbox, ThrottleSettings
from geophone_alerter.parcels import ACCEPTED, Outcome, Parcel, notifications_of
from geophone_shared.alerts import SEVERITIES, STATES, Alert
from tests.support.alert_events import (
    HOUR_US,
    MINUTE_US,
    NOW_US,
    OPENED_US,
    create_alert,
    incident_of,
)
from tests.support.channels import RETRIES, FakeChannel, FakeLog, create_notifier

WINDOW_US = 4 * HOUR_US
TARGETS = ("a@example.com", "b@example.com")
PLENTY = ThrottleSettings(burst=1_000_000)

_events = st.builds(
    create_alert,
    st.sampled_from(["one.example", "ONE.example", "two.example"]),
    rule=st.sampled_from(["burst", "slow"]),
    state=st.sampled_from(STATES),
    severity=st.sampled_from(SEVERITIES),
    value=st.integers(1, 30),
    allowed=st.integers(0, 9).map(lambda n: n == 0),
)
_waits_us = st.sampled_from([0, 1, MINUTE_US, HOUR_US, WINDOW_US - 1, WINDOW_US])


def numbered(alerts: list[Alert]) -> list[Alert]:
    """The same events, later and later, so that none repeats another."""
    return [
        create_alert(
            alert.registered_domain,
            rule=alert.rule,
            state=alert.state,
            severity=alert.severity,
            value=alert.value,
            allowed=alert.allowed,
            after_us=number,
        )
        for number, alert in enumerate(alerts)
    ]


def accept(outbox: Outbox, parcel: Parcel, now_us: int) -> None:
    outcomes = dict.fromkeys(parcel.targets, ACCEPTED)
    for _, notification in notifications_of(parcel, "email", outcomes, now_us, RETRIES):
        outbox.apply(notification)
    outbox.settle(parcel, now_us, 0.0)


@dataclass(frozen=True)
class Mail:
    domain: str
    rule: str
    severity: int
    value: int
    at_us: int


def is_due(alert: Alert, mails: list[Mail], now_us: int) -> bool:
    """The rule as it is told to people: every mail that was ever sent is looked at."""
    if alert.allowed or alert.state == "recovered":
        return False
    earlier = [mail for mail in mails if mail.domain == alert.registered_domain.lower()]
    recent = [mail for mail in earlier if now_us - mail.at_us < WINDOW_US]
    of_the_rule = [mail for mail in earlier if mail.rule == alert.rule]
    return (
        not recent
        or SEVERITIES.index(alert.severity) > max(mail.severity for mail in recent)
        or (bool(of_the_rule) and alert.value >= 2 * of_the_rule[-1].value)
    )


@given(st.lists(st.tuples(_events, _waits_us), max_size=30))
def test_one_mail_per_domain_and_window_unless_it_gets_worse(
    steps: list[tuple[Alert, int]],
) -> None:
    outbox = Outbox(TARGETS, PLENTY, RETRIES)
    mails: list[Mail] = []
    now_us = NOW_US
    alerts = numbered([alert for alert, _ in steps])
    for position, (alert, (_, wait_us)) in enumerate(zip(alerts, steps, strict=True)):
        now_us += wait_us
        outbox.add(incident_of(alert), alert, position, now_us)
        parcel = outbox.take(now_us)
        assert (parcel is not None) == is_due(alert, mails, now_us)
        if parcel is not None:
            assert [notice.alerts for notice in parcel.notices] == [(alert,)]
            accept(outbox, parcel, now_us)
            severity = SEVERITIES.index(alert.severity)
            domain = alert.registered_domain.lower()
            mails.append(Mail(domain, alert.rule, severity, alert.value, now_us))
        assert outbox.take(now_us) is None


@given(
    st.integers(1, 3),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6)), max_size=20),
)
def test_the_rate_is_kept_and_every_domain_is_told_once(
    burst: int, steps: list[tuple[int, int]]
) -> None:
    """Steps of some seconds and that many new domains; ten seconds bring a token back."""
    outbox = Outbox(TARGETS, ThrottleSettings(burst=burst, interval_seconds=10), RETRIES)
    now_us = NOW_US
    sent_us: list[int] = []
    added: list[str] = []
    told: list[str] = []

    def send_what_is_due() -> None:
        while parcel := outbox.take(now_us):
            accept(outbox, parcel, now_us)
            sent_us.append(now_us)
            told.extend(notice.incident.registered_domain for notice in parcel.notices)

    for seconds, count in steps:
        now_us += seconds * 1_000_000
        for _ in range(count):
            alert = create_alert(f"{len(added)}.example")
            outbox.add(incident_of(alert), alert, len(added), now_us)
            added.append(alert.registered_domain)
        send_what_is_due()
    # Nothing but tokens was lacking, so one interval later all of it is out.
    now_us += 10_000_000
    send_what_is_due()
    assert sorted(told) == sorted(added)
    for first, start_us in enumerate(sent_us):
        for last, end_us in enumerate(sent_us[first:], start=first):
            assert last - first + 1 <= burst + 1 + (end_us - start_us) // 10_000_000


_outcomes = st.sampled_from(
    [
        ACCEPTED,
        ACCEPTED,
        Outcome("temporary", "recipient", 451),
        Outcome("permanent", "recipient", 550),
    ]
)
_attempts = st.lists(st.fixed_dictionaries(dict.fromkeys(TARGETS, _outcomes)), max_size=10)
_actions = st.lists(
    st.sampled_from(["alert", "alert", "mail", "line", "commit", "restart", "hour"]), max_size=60
)


class Alerter:
    """An alerter on a log of alerts, which can end at any moment and start again."""

    def __init__(self, alerts: list[Alert], attempts: list[dict[str, Outcome]]) -> None:
        self.alerts = alerts
        self.log = FakeLog()
        self.mail = FakeChannel(targets=TARGETS)
        self.mail.script.extend(attempts)
        self.lines = FakeChannel("log", ("file",))
        self.committed = 0
        self.start()

    def start(self) -> None:
        """What the last one had in memory is gone."""
        self.notifier = create_notifier(self.log, self.mail, self.lines, PLENTY)
        for alert in self.alerts[: self.committed]:
            self.notifier.remember(alert)
        self.position = self.committed

    async def act(self, action: str) -> None:
        mail, lines = self.notifier.deliveries
        match action:
            case "alert":
                if self.position < len(self.alerts):
                    await self.notifier.accept(self.alerts[self.position], self.position)
                    self.position += 1
            case "mail":
                await mail.step()
            case "line":
                await lines.step()
            case "commit":
                low = self.notifier.low_position()
                self.committed = self.position if low is None else low
            case "restart":
                self.start()
            case "hour":
                self.log.now_us += HOUR_US

    async def finish(self) -> None:
        """Until nothing waits."""
        while self.position < len(self.alerts):
            await self.act("alert")
        while self.notifier.low_position() is not None:
            for action in ("mail", "line", "hour"):
                await self.act(action)


@given(st.lists(_events, max_size=12), _attempts, _actions)
def test_restarts_at_any_moment_lose_nothing_and_repeat_nothing(
    events: list[Alert], attempts: list[dict[str, Outcome]], actions: list[str]
) -> None:
    alerter = Alerter(numbered(events), attempts)

    async def live() -> None:
        for action in actions:
            await alerter.act(action)
        await alerter.finish()

    asyncio.run(live())
    alerts = alerter.alerts
    logged = [(a.registered_domain, a.rule, a.state, "file") for a in alerts]
    assert alerter.lines.told() == logged
    messages = [
        (parcel.message, target) for parcel, targets in alerter.mail.delivered for target in targets
    ]
    assert len(set(messages)) == len(messages)
    refused = {
        (refusal.held.alert.registered_domain.lower(), target)
        for refusal in alerter.log.refusals
        for target in refusal.notification.targets
    }
    told = {(domain.lower(), target) for domain, _, _, target in alerter.mail.told()}
    for alert in alerts:
        if not alert.allowed and alert.state != "recovered":
            for target in TARGETS:
                assert (alert.registered_domain.lower(), target) in told | refused


def test_the_model_has_the_alerts_of_one_opening() -> None:
    """`numbered` keeps an alert's id: its events belong together."""
    first, second = numbered([create_alert(), create_alert(state="updated")])
    assert (first.id, first.opened_at_us) == (second.id, OPENED_US)
