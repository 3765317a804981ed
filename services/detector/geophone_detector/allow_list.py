"""The allow list: domains that are counted and shown, but never notified [core].

An entry covers every name that ends in it, label by label.
"""

from collections.abc import Sequence

from geophone_shared.errors import ConfigError
from geophone_shared.names import wire_name

SHIPPED_ENTRIES = (
    # The published watch's nine.
    "akadns.net",
    "amazonaws.com",
    "apple.com",
    "apple-dns.net",
    "cloudfront.net",
    "icloud.com",
    "in-addr.arpa",
    "google.com",
    "yahoo.com",
    # The other reverse zone.
    "ip6.arpa",
)


def wire_entries(entries: Sequence[str]) -> list[bytes]:
    """Entries in wire form.

    Raises:
        ConfigError: an entry is no domain name.
    """
    return [wire_name(entry) for entry in entries]


def parse_allow_list(text: str, source: str) -> list[bytes]:
    """The entries of an allow-list file: one a line; `#` begins a comment; `*.` may come first.

    Args:
        text: the file's contents.
        source: its name, for the message.

    Returns:
        The entries in wire form.

    Raises:
        ConfigError: a line holds no domain name.
    """
    entries = []
    for number, line in enumerate(text.splitlines(), start=1):
        entry = line.partition("#")[0].strip()
        if not entry:
            continue
        try:
            entries.append(wire_name(entry.removeprefix("*").removeprefix(".")))
        except ConfigError as error:
            raise ConfigError(f"{source}, line {number}: {error}") from error
    return entries
