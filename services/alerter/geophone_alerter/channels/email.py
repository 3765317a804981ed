"""The email channel: a mail per incident, or a digest, to an SMTP server [shell].

The one module that imports aiosmtplib. Every await on the server is bounded by a timeout.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import ClassVar

import aiosmtplib

from geophone_alerter.email_settings import EmailSettings, mailbox
from geophone_alerter.mail_message import mail_bytes
from geophone_alerter.parcels import ACCEPTED, Outcome, Parcel
from geophone_alerter.smtp_outcomes import SmtpReason, mail_outcome, server_outcome
from geophone_shared.errors import ConfigError

_QUIT_SECONDS = 5
"""The mail is accepted by then, so this only is politeness."""

_NOT_IN_HOST_NAMES = re.compile(r"[^A-Za-z0-9.-]", re.ASCII)


class EmailChannel:
    """Mails to one server, each over a connection of its own.

    Args:
        settings: of the server, the sender and the recipients.
        tls: what to trust; None where nothing is encrypted.
    """

    name: ClassVar[str] = "email"

    def __init__(self, settings: EmailSettings, tls: ssl.SSLContext | None) -> None:
        self.targets = settings.recipients
        self._settings = settings
        self._tls = tls
        # Not `getfqdn`, which asks the DNS.
        self._own_name = _NOT_IN_HOST_NAMES.sub("", socket.gethostname()) or "localhost"

    async def deliver(self, parcel: Parcel, now_us: int) -> Mapping[str, Outcome]:
        """Sends the mail of a parcel; never raises for what a server can do.

        Returns:
            the outcome by recipient.
        """
        # A digest takes 80 ms to compose, in which the event loop has other things to do.
        message = await asyncio.to_thread(mail_bytes, self._settings, parcel, now_us)
        client = aiosmtplib.SMTP(
            hostname=self._settings.host,
            port=self._settings.port,
            local_hostname=self._own_name,
            timeout=self._settings.timeout_seconds,
            use_tls=self._settings.starttls == "implicit",
            start_tls=False,
            tls_context=self._tls,
        )
        try:
            failed = await self._open(client)
            if failed is not None:
                return dict.fromkeys(parcel.targets, failed)
            return await self._send(client, parcel.targets, message)
        except (aiosmtplib.SMTPException, OSError) as error:
            return dict.fromkeys(parcel.targets, _outcome_of(error))
        finally:
            client.close()

    async def _open(self, client: aiosmtplib.SMTP) -> Outcome | None:
        """Connects, encrypts, logs in, as configured; what failed without an error."""
        await client.connect()
        if self._settings.starttls == "required":
            await client.ehlo()
            if not client.supports_extension("starttls"):
                return server_outcome("starttls_missing")
            await client.starttls()
        if self._settings.username is not None and self._settings.password is not None:
            await client.ehlo()
            if not {"plain", "login"} & set(client.server_auth_methods):
                return server_outcome("authentication")
            # What remains of the methods is safe under TLS; CRAM-MD5 is not worth its MD5.
            login = (
                client.auth_plain if "plain" in client.server_auth_methods else client.auth_login
            )
            await login(self._settings.username, self._settings.password)
        return None

    async def _send(
        self, client: aiosmtplib.SMTP, recipients: tuple[str, ...], message: bytes
    ) -> dict[str, Outcome]:
        addresses = {mailbox(recipient).addr_spec: recipient for recipient in recipients}
        outcomes = dict.fromkeys(recipients, ACCEPTED)
        try:
            sender = mailbox(self._settings.sender).addr_spec
            responses, _ = await client.sendmail(sender, list(addresses), message)
            refused = {address: response.code for address, response in responses.items()}
        except aiosmtplib.SMTPRecipientsRefused as error:
            refused = {each.recipient: each.code for each in error.recipients}
        for address, code in refused.items():
            outcomes[addresses[address]] = mail_outcome("recipient", code)
        with suppress(aiosmtplib.SMTPException, OSError):
            await client.quit(timeout=min(_QUIT_SECONDS, self._settings.timeout_seconds))
        return outcomes


def open_email_channel(settings: EmailSettings) -> EmailChannel:
    """The channel, its certificates loaded.

    Raises:
        ConfigError: `ca_file` can't be read.
    """
    if settings.starttls == "off":
        return EmailChannel(settings, None)
    try:
        return EmailChannel(settings, ssl.create_default_context(cafile=settings.ca_file))
    except OSError as error:
        raise ConfigError(
            f"email: ca_file {str(settings.ca_file)!a} holds no readable certificates (PEM);"
            " correct it"
        ) from error


def _outcome_of(error: BaseException) -> Outcome:
    """The outcome of a mail that an error of the client stopped."""
    match error:
        case aiosmtplib.SMTPSenderRefused():
            return mail_outcome("sender", error.code)
        case aiosmtplib.SMTPDataError():
            return mail_outcome("content", error.code)
        case aiosmtplib.SMTPAuthenticationError():
            return server_outcome("authentication", error.code)
        case aiosmtplib.SMTPResponseException():
            return server_outcome("server", error.code)
        case _:
            return server_outcome(_reason_of(error))


def _reason_of(error: BaseException) -> SmtpReason:
    cause: BaseException | None = error
    while cause is not None:
        match cause:
            case ssl.SSLCertVerificationError():
                return "certificate"
            case ssl.SSLError():
                return "tls"
            case TimeoutError():
                return "timeout"
        cause = cause.__cause__
    return "connection"
