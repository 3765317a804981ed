"""What the email channel has to know, checked once [core]."""

import ipaddress
import re
from dataclasses import dataclass, field
from email.headerregistry import Address
from pathlib import Path
from typing import Literal, get_args

from geophone_shared.errors import ConfigError

StartTls = Literal["required", "implicit", "off"]
"""Encrypted after STARTTLS, which the server must offer; from the first byte; or not at all."""

MOST_RECIPIENTS = 100
"""What every server takes for one message (RFC 5321 §4.5.3.1.8)."""

_MOST_ADDRESS_CHARACTERS = 254
_MAILBOX = re.compile(
    r"(?:(?P<name>[A-Za-z0-9 ._'-]{1,64}?) ?)?<(?P<bracketed>[^<>]+)>|(?P<address>[^<>]+)", re.ASCII
)
_ADDRESS = re.compile(
    r"(?P<user>[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*)"
    r"@(?P<domain>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)",
    re.ASCII,
)
_HOST = re.compile(r"[A-Za-z0-9._:-]+", re.ASCII)
_LARGEST_PORT = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailSettings:
    """Where mail goes and how it gets there.

    Attributes:
        host: the mail server.
        sender: of the mail, `geophone@example.com` or `Geophone <geophone@example.com>`.
        recipients: addresses that get every mail.
        port: of the server: 587 for submission, 465 for implicit TLS, 25 for a relay.
        starttls: `off` sends mail in the clear, which is for a relay on this machine.
        username: for AUTH; None where the server wants none.
        password: for AUTH.
        ca_file: certificates to trust, PEM; None for those of the system.
        timeout_seconds: for each answer of the server.
    """

    host: str
    sender: str
    recipients: tuple[str, ...]
    port: int = 587
    starttls: StartTls = "required"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    timeout_seconds: float = 30

    def __post_init__(self) -> None:
        """Checks what a server would refuse, and what would harm.

        Raises:
            ConfigError: the message says which setting to change; it holds no secret.
        """
        if _HOST.fullmatch(self.host) is None:
            raise ConfigError("email: host has to be a name or an address of a mail server")
        if not 1 <= self.port <= _LARGEST_PORT:
            raise ConfigError("email: port has to be 1 to 65535")
        if self.timeout_seconds <= 0:
            raise ConfigError("email: timeout_seconds has to be above 0")
        if self.starttls not in get_args(StartTls):
            raise ConfigError("email: starttls has to be required, implicit or off")
        if not 1 <= len(set(self.recipients)) == len(self.recipients) <= MOST_RECIPIENTS:
            raise ConfigError(
                f"email: give 1 to {MOST_RECIPIENTS} different recipients, separated by commas"
            )
        for text in (self.sender, *self.recipients):
            mailbox(text)
        if (self.username is None) != (self.password is None):
            raise ConfigError("email: a username and a password only go together; set both")
        if self.username is not None and self.starttls == "off" and not _is_this_machine(self.host):
            raise ConfigError(
                "email: a password would cross the network unencrypted;"
                " set starttls to required or implicit"
            )


def mailbox(text: str) -> Address:
    """A mail address that someone configured, with or without a name before it.

    Only what needs no quoting and no encoding is taken: it ends up in headers and in commands.

    Raises:
        ConfigError: it is not one.
    """
    parts = _MAILBOX.fullmatch(text.strip())
    address = None
    if parts is not None and len(text) <= _MOST_ADDRESS_CHARACTERS:
        address = _ADDRESS.fullmatch(parts["bracketed"] or parts["address"])
    if parts is None or address is None:
        raise ConfigError(
            f"email: {text[:80]!a} is no address such as soc@example.com; correct or remove it"
        )
    return Address(parts["name"] or "", address["user"], address["domain"])


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
