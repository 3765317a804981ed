"""The mail of `geophone alerts test-email`."""

import asyncio
import time
from pathlib import Path

from geophone_alerter.configured import email_channel
from geophone_alerter.mail_sample import sample_parcel
from geophone_shared.errors import ConfigError
from geophone_shared.settings.loading import Flag, load_settings


def send_sample(config: Path | None) -> dict[str, str | None]:
    """Sends a mail as for an alert, once.

    Returns:
        by recipient, why the mail wasn't accepted; None where it was.

    Raises:
        ConfigError: a setting is wrong or missing.
    """
    settings = load_settings([Flag("--config", "config_file", config)])
    channel = email_channel(settings.alerter.email)
    if channel is None:
        raise ConfigError(
            "no mail server is set: give GEOPHONE_ALERTER_EMAIL__HOST, __FROM and __TO"
        )
    now_us = time.time_ns() // 1_000
    outcomes = asyncio.run(channel.deliver(sample_parcel(channel.targets, now_us), now_us))
    return {
        target: None if outcome.kind == "accepted" else outcome.text
        for target, outcome in outcomes.items()
    }
