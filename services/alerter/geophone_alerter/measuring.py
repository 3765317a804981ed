"""What a notifier did since the last look, as metrics [shell]."""

from collections import Counter
from collections.abc import Mapping, Sequence

from geophone_alerter import metrics as families
from geophone_alerter.delivery import Delivery, Result
from geophone_alerter.notifier import Notifier
from geophone_shared.metrics.registry import Metrics
from geophone_shared.notifications import Notification

_RESULTS: Mapping[Result, str] = {
    "delivered": "accepted",
    "failed": "temporary",
    "refused": "permanent",
}
_DIGEST = "digest."
"""What the name of a digest starts with (`parcels.digest_key`)."""


class NotifierMeasures:
    """The counts of one notifier, which begin at 0 while the metrics go on.

    Args:
        notifier: which.
        metrics: where they are added.
    """

    def __init__(self, notifier: Notifier, metrics: Metrics) -> None:
        self._notifier = notifier
        self._metrics = metrics
        self._before: Counter[tuple[str, str]] = Counter()

    def update(self) -> Counter[str]:
        """Adds what is new; returns how much of it was dropped, by reason."""
        now = self._counts()
        new, self._before = now - self._before, now
        add = self._metrics.add
        for (what, label), number in new.items():
            match what:
                case "result":
                    channel, _, result = label.partition(":")
                    add(families.NOTIFICATIONS, number, channel=channel, result=result)
                case "throttled":
                    add(families.THROTTLED, number)
                case "overflowed":
                    add(families.OVERFLOWED, number, channel=label)
                case "repeats":
                    add(families.REPEATED_ALERTS, number)
        for delivery in self._notifier.deliveries:
            name = delivery.channel.name
            self._metrics.set(families.WAITING, len(delivery.waiting), channel=name)
        drops: Counter[str] = Counter()
        for (what, label), number in new.items():
            if what == "overflowed":
                drops["overflowed"] += number
            elif label.endswith(":permanent"):
                drops["refused"] += number
        return drops

    def _counts(self) -> Counter[tuple[str, str]]:
        counts = Counter({("repeats", ""): self._notifier.repeats})
        for delivery in self._notifier.deliveries:
            counts.update(_delivery_counts(delivery))
        return counts


def _delivery_counts(delivery: Delivery) -> dict[tuple[str, str], int]:
    name = delivery.channel.name
    admissions = delivery.waiting.counts
    return {
        ("throttled", ""): admissions["throttled"],
        ("overflowed", name): admissions["overflowed"],
        **{
            ("result", f"{name}:{label}"): delivery.counts[result]
            for result, label in _RESULTS.items()
        },
    }


def measure_delivered(metrics: Metrics, notifications: Sequence[Notification]) -> None:
    """Counts what people were told, and how long after the crossing."""
    for notification in notifications:
        if notification.result != "delivered":
            continue
        if (notification.message or "").startswith(_DIGEST):
            metrics.add(families.DIGESTED, len(notification.events))
        for event in notification.events:
            if event.state == "opened":  # then it was updated at its opening
                metrics.observe(
                    families.NOTIFICATION_LATENCY_SECONDS,
                    max(notification.at_us - event.updated_at_us, 0) / 1_000_000,
                    channel=notification.channel,
                )
