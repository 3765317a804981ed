"""What a channel is given to deliver, and what it says became of it [core]."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from geophone_alerter.incidents import Incident
from geophone_alerter.retries import RetrySchedule
from geophone_shared.alerts import Alert
from geophone_shared.notifications import Notification, event_of

Admission = Literal["waits", "allowed", "recovered", "told", "throttled", "overflowed", "full"]
"""What became of an event: it waits; its domain is on an allow list; it is over, which isn't worth
a message of its own; it was told before; its domain was told about lately; there was no room, so
that a digest counts it; or there is no room yet."""

OutcomeKind = Literal["accepted", "temporary", "permanent"]

EXPIRED = "expired"
"""The reason of what was tried for too long; that of the last failure follows."""

_ALERT_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a channel's target did with a message.

    Attributes:
        kind: accepted; or refused for now, or for good.
        reason: a word of a closed set of the channel's; None where it was accepted.
        code: the target's reply code, where there was one.
    """

    kind: OutcomeKind
    reason: str | None = None
    code: int | None = None

    @property
    def text(self) -> str:
        """The reason with its code; nothing that the target or an attacker worded."""
        return f"{self.reason} {self.code}" if self.code is not None else f"{self.reason}"


ACCEPTED = Outcome("accepted")


@dataclass(frozen=True, slots=True)
class HeldAlert:
    """An alert that waits to be told, and its position on the log."""

    alert: Alert
    position: int


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told about one incident.

    Attributes:
        incident: which.
        held: its events, the most important one first; at least one.
        since_us: since when the first of them waits, µs of wall-clock time.
    """

    incident: Incident
    held: tuple[HeldAlert, ...]
    since_us: int

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Its events, the most important one first."""
        return tuple(held.alert for held in self.held)


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes out at once.

    Attributes:
        notices: one for a message about one incident, several for a digest or lines of a log.
        targets: to whom.
        message: what names the message, the same when it is tried again; None where notices are
            independent lines.
        more: alerts that found no room and that a digest stands for, too.
    """

    notices: tuple[Notice, ...]
    targets: tuple[str, ...]
    message: str | None
    more: int = 0


def event_key(alert: Alert) -> str:
    """What names an event to a receiver: `id.state.time`, of characters that a header may have.

    An id that isn't one of ours could hold anything that prints, so it is hashed.
    """
    alert_id = alert.id
    if _ALERT_ID.fullmatch(alert_id) is None:
        alert_id = hashlib.blake2b(alert_id.encode(), digest_size=16).hexdigest()
    return f"{alert_id}.{alert.state}.{alert.updated_at_us}"


def digest_key(notices: tuple[Notice, ...]) -> str:
    """What names a digest: the same for the same events."""
    keys = sorted(event_key(alert) for notice in notices for alert in notice.alerts)
    return "digest." + hashlib.blake2b("\n".join(keys).encode(), digest_size=16).hexdigest()


def notifications_of(
    parcel: Parcel,
    channel: str,
    outcomes: Mapping[str, Outcome],
    at_us: int,
    retries: RetrySchedule,
) -> list[tuple[Notice, Notification]]:
    """The records of an attempt by notice: none for targets that are to be tried again.

    Args:
        parcel: what was delivered.
        channel: its channel's name.
        outcomes: by target.
        at_us: wall-clock time.
        retries: says what has been tried for too long.
    """
    records = []
    for notice in parcel.notices:
        is_last_try = retries.gives_up(notice.since_us, at_us)
        by_reason: dict[str | None, list[str]] = {}
        for target in parcel.targets:
            outcome = outcomes[target]
            if outcome.kind == "accepted":
                by_reason.setdefault(None, []).append(target)
            elif outcome.kind == "permanent":
                by_reason.setdefault(outcome.text, []).append(target)
            elif is_last_try:
                by_reason.setdefault(f"{EXPIRED}: {outcome.text}", []).append(target)
        records += [
            (
                notice,
                Notification(
                    incident_id=notice.incident.id,
                    registered_domain=notice.incident.registered_domain,
                    channel=channel,
                    result="delivered" if reason is None else "refused",
                    targets=tuple(targets),
                    reason=reason,
                    message=parcel.message,
                    at_us=at_us,
                    events=tuple(event_of(alert) for alert in notice.alerts),
                ),
            )
            for reason, targets in by_reason.items()
        ]
    return records
