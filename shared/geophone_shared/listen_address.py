"""The address that a server listens on [core]."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Self

_TEXT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%a-z]+\]|[^\[\]:\s]+):(?P<port>[0-9]{1,5})", re.ASCII)
_LARGEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where a server listens.

    Attributes:
        host: an IPv4 or IPv6 address, or a name of this machine.
        port: 0 lets the system choose one.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The address in `127.0.0.1:8053`, `[::1]:8053` or `localhost:8053`.

        Raises:
            ValueError: it is something else; the message says what to write.
        """
        match = _TEXT.fullmatch(text)
        if match is None or int(match["port"]) > _LARGEST_PORT:
            raise ValueError(
                "write ADDRESS:PORT, such as 127.0.0.1:8053, [::1]:8053 or, for everyone,"
                " 0.0.0.0:8053"
            )
        return cls(match["host"].strip("[]"), int(match["port"]))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"

    def __str__(self) -> str:
        """As `parse` takes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"
