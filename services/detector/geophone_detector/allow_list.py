"""The allow list: domains that are counted and shown, but never notified [core].

An entry covers every name that ends in it, label by label. It is a blind spot, so one that isn't
the published watch's needs a reason: names are ever new by design, and nobody but the service's
operator sees them. What anybody can have names under (dynamic DNS, clouds) doesn't qualify.
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
    # Names that the global DNS doesn't delegate (RFC 6762, RFC 8375).
    "local",
    "home.arpa",
    # Look-ups of files by antivirus software: a name is a hash.
    "avqs.mcafee.com",
    "avts.mcafee.com",
    "e5.sk",
    "sophosxl.net",
    # Block lists that mail servers ask: a name is an address or a domain.
    "barracudacentral.org",
    "spamcop.net",
    "spamhaus.org",
    "surbl.org",
    "uribl.com",
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
