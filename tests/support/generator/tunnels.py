"""Tunnelling tools, as data: what their names and answers look like on the wire.

Sizes follow recordings of the tools (types, bytes a name, mean response) and their sources.
"""

from dataclasses import dataclass

from tests.support.generator.names import (
    BASE32,
    BASE64_URL,
    BASE128,
    HEXADECIMAL,
    Code,
    Count,
    Text,
)
from tests.support.generator.shapes import CNAME, KEY, MX, NULL, TXT, A, Question


@dataclass(frozen=True)
class Tunnel:
    """A tunnel in use.

    Attributes:
        tool: what it is called in the truth.
        domain: the registered domain that it hides under.
        questions: what it asks.
        names_per_second: its rate; the names come evenly, but for some jitter.
        names: how many it sends in all; None for as long as the traffic lasts.
        first_second: when it starts, counted from the start of the traffic.
        clients: how many machines share the tunnel.
        has_edns: whether it announces room for large answers.
    """

    tool: str
    domain: str
    questions: tuple[Question, ...]
    names_per_second: float
    names: int | None = None
    first_second: float = 0
    clients: int = 1
    has_edns: bool = False


def iodine(domain: str = "pirate.sea", names_per_second: float = 9) -> Tunnel:
    """Upstream data in base128 after a five-character header; pings in between (NULL records)."""
    data = Code(BASE32, 4, 4), Code(BASE128, 4, 90, split=57)
    ping = Text(b"p"), Code(BASE32, 7, 7)
    questions = (
        Question((Text(b"0"), *data), NULL, (20, 300), 2),
        Question(ping, NULL, (2, 120), 1),
    )
    return Tunnel("iodine", domain, questions, names_per_second, has_edns=True)


def dnscat2(domain: str = "skullseclabs.org", names_per_second: float = 4) -> Tunnel:
    """Hexadecimal in labels of 60, over TXT, CNAME and MX by turns."""
    name = (Code(HEXADECIMAL, 100, 232, split=60),)
    questions = (
        Question(name, TXT, (60, 240)),
        Question(name, CNAME, (2, 2)),
        Question(name, MX, (4, 4)),
    )
    return Tunnel("dnscat2", domain, questions, names_per_second)


def dns2tcp(domain: str = "tcp-relay.net", names_per_second: float = 5) -> Tunnel:
    """Short names in base64; the data is in KEY records."""
    questions = (Question((Code(BASE64_URL, 10, 18),), KEY, (20, 480)),)
    return Tunnel("dns2tcp", domain, questions, names_per_second, has_edns=True)


def ozymandns(domain: str = "ozyman.org", names_per_second: float = 4) -> Tunnel:
    """`<nonce>-<sum>.id-<session>.down` to fetch, base32 before `.up` to send; TXT."""
    session = Text(b".id-"), Code(b"0123456789", 5, 5)
    down = (Count(), Text(b"-0"), *session, Text(b".down"))
    up = (Code(BASE32, 20, 60), Text(b"."), Count(), Text(b"-0"), *session, Text(b".up"))
    questions = (Question(down, TXT, (120, 255), 1), Question(up, TXT, (4, 60), 1))
    return Tunnel("OzymanDNS", domain, questions, names_per_second)


def dns_exfiltrator(
    request_bytes: int,
    file_bytes: int,
    domain: str = "exfil-test.net",
    names_per_second: float = 2,
) -> Tunnel:
    """A file sent by DNSExfiltrator: `<number>.<base64url in labels of 63>`, over TXT.

    Args:
        request_bytes: the longest name that the tool may send (its option `r=`).
        file_bytes: the file, which the tool compresses (to 78 % in the recordings).
        domain: where to.
        names_per_second: the tool's throttle.
    """
    # As in its source: 10 characters for the number, then whole labels, then the rest.
    room = request_bytes - 10 - (len(domain) + 2)
    whole, rest = divmod(room, 64)
    characters = 63 * whole + max(rest - 1, 0)
    names = -(-int(file_bytes * 0.78 * 4 / 3) // characters)
    data = Count(), Text(b"."), Code(BASE64_URL, characters, characters, split=63)
    return Tunnel("DNSExfiltrator", domain, (Question(data, TXT, (4, 8)),), names_per_second, names)


def slow_beacon(domain: str = "weather-cache.com", seconds_apart: float = 65) -> Tunnel:
    """One short name every now and then, for days."""
    questions = (Question((Code(BASE32, 16, 16),), A, (4, 4)),)
    return Tunnel("beacon", domain, questions, 1 / seconds_apart)


def a_record(domain: str = "a-record-c2.net", names_per_second: float = 1) -> Tunnel:
    """Base32 in two labels, over plain address queries."""
    questions = (Question((Code(BASE32, 36, 44, split=22),), A, (4, 4)),)
    return Tunnel("A-record", domain, questions, names_per_second)


def every_tool() -> tuple[Tunnel, ...]:
    """One tunnel of each tool."""
    return (
        iodine(),
        dnscat2(),
        dns2tcp(),
        ozymandns(),
        dns_exfiltrator(255, 28_657),
        slow_beacon(),
        a_record(),
    )
