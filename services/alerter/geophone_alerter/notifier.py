"""From alerts to people: gives every alert its incident and every channel its alerts [shell].

What it knows is a function of `dns.alerts` and `dns.notifications`. To start again: `restore` every
notification, `remember` every alert below the committed offset, then `accept` from there on. An
offset may be committed when nothing that waits has a smaller one (`low_position`).
"""

import asyncio
from collections.abc import Sequence

from geophone_alerter.delivery import Delivery
from geophone_alerter.incidents import Incidents
from geophone_shared.alerts import Alert
from geophone_shared.notifications import Notification


class Notifier:
    """Tells alerts through channels that don't wait for each other.

    Attributes:
        deliveries: one per channel; their counts are for metrics.
        incidents: which alerts belong together.
        repeats: alerts that were seen before, and ignored.
    """

    def __init__(self, deliveries: Sequence[Delivery]) -> None:
        self.deliveries = deliveries
        self.incidents = Incidents()
        self.repeats = 0

    def restore(self, notification: Notification) -> None:
        """Takes into account what was told before the start."""
        for delivery in self.deliveries:
            if delivery.channel.name == notification.channel:
                delivery.waiting.apply(notification)

    def remember(self, alert: Alert) -> None:
        """Takes into account an alert that was dealt with before the start."""
        self.incidents.observe(alert)

    async def accept(self, alert: Alert, position: int) -> None:
        """Deals with the next alert of the log.

        Args:
            alert: what the record holds.
            position: its offset.
        """
        incident = self.incidents.observe(alert)
        if incident is None:
            self.repeats += 1
            return
        for delivery in self.deliveries:
            await delivery.add(incident, alert, position)

    async def run(self) -> None:
        """Delivers until `stop`."""
        async with asyncio.TaskGroup() as tasks:
            for delivery in self.deliveries:
                tasks.create_task(delivery.run())

    async def drained(self) -> None:
        """Waits until nothing waits for any channel; the caller says for how long at most."""
        for delivery in self.deliveries:
            await delivery.drained()

    def stop(self) -> None:
        """Lets `run` end once the attempts under way are finished and recorded."""
        for delivery in self.deliveries:
            delivery.stop()

    def low_position(self) -> int | None:
        """The smallest position of what still waits; None while nothing does."""
        positions = [delivery.waiting.low_position() for delivery in self.deliveries]
        return min((position for position in positions if position is not None), default=None)
