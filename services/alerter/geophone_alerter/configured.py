"""The channels and the throttle that the settings of the alerter ask for [shell]."""

from contextlib import ExitStack
from pathlib import Path

from geophone_alerter.channels.email import EmailChannel, open_email_channel
from geophone_alerter.channels.log import open_log_channel
from geophone_alerter.delivery import Channel, Delivery, Surroundings
from geophone_alerter.email_settings import EmailSettings
from geophone_alerter.event_queue import EventQueue
from geophone_alerter.notifier import Notifier
from geophone_alerter.outbox import Outbox, ThrottleSettings
from geophone_shared.settings import sections
from geophone_shared.settings.secret_values import secret

_STANDARD_OUTPUT = "-"


class Channels:
    """The channels that are configured, open; what they know comes with each notifier.

    Args:
        settings: of the alerter.
        closing: closes the channels.

    Raises:
        ConfigError: a channel's settings are wrong, or name a file that can't be used.
    """

    def __init__(self, settings: sections.AlerterSettings, closing: ExitStack) -> None:
        throttle = settings.throttle
        self._throttle = ThrottleSettings(
            window_seconds=throttle.window_seconds,
            burst=throttle.burst,
            interval_seconds=throttle.interval_seconds,
            most_waiting=throttle.most_waiting,
        )
        self._mail = email_channel(settings.email)
        self._lines: Channel | None = None
        if settings.log.enabled:
            file = settings.log.file
            lines = open_log_channel(None if file == _STANDARD_OUTPUT else Path(file))
            closing.callback(lines.close)
            self._lines = lines

    def create_notifier(self, around: Surroundings) -> Notifier:
        """A notifier over the channels that knows nothing yet.

        The log comes last: it may have to wait for room, and nothing waits behind it.
        """
        deliveries = []
        if self._mail is not None:
            outbox = Outbox(self._mail.targets, self._throttle, around.retries)
            deliveries.append(Delivery(self._mail, outbox, around))
        if self._lines is not None:
            queue = EventQueue(self._lines.targets, around.retries)
            deliveries.append(Delivery(self._lines, queue, around))
        return Notifier(deliveries)


def email_channel(settings: sections.EmailSettings) -> EmailChannel | None:
    """The mail channel; None where no host is set.

    Raises:
        ConfigError: the settings are wrong, or name a file that can't be used.
    """
    if settings.host is None:
        return None
    return open_email_channel(
        EmailSettings(
            host=settings.host,
            sender=settings.sender or "",
            recipients=settings.recipients,
            port=settings.port,
            starttls=settings.starttls,
            username=settings.username,
            password=secret(settings, "password"),
            ca_file=settings.ca_file,
            timeout_seconds=settings.timeout_seconds,
        )
    )
