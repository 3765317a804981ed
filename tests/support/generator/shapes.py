"""Ordinary DNS traffic, as data: who asks whom for what.

Shares and sizes are round figures for a resolver of a company, not measurements; that nearly all
registered domains have one or two hostnames is (Cloudflare's top million: 94.8 % have one,
99.98 % at most five). Antivirus look-ups and block lists of mail servers ask for ever new names, as
tunnels do; nothing else here does.
"""

from dataclasses import dataclass

from tests.support.generator.names import (
    BASE32,
    HEXADECIMAL,
    Code,
    Count,
    Octets,
    Template,
    Text,
    Word,
)

A, NS, CNAME, PTR, MX, TXT, AAAA, HTTPS, NULL, KEY = 1, 2, 5, 12, 15, 16, 28, 65, 10, 25


@dataclass(frozen=True)
class Question:
    """A kind of name and the type that it is asked for.

    Attributes:
        template: how the part before the registered domain is put together.
        query_type: its number.
        answer_bytes: of the answer's RDATA, from the least to the most.
        weight: how often, beside the shape's other questions.
    """

    template: Template
    query_type: int = A
    answer_bytes: tuple[int, int] = (4, 4)
    weight: float = 1


@dataclass(frozen=True)
class Shape:
    """Ordinary traffic of one kind.

    Attributes:
        name: what it is called in the truth.
        share: of all ordinary queries.
        domains: registered domains; the first are asked for most (Zipf).
        questions: what is asked.
        hosts: most hostnames of a domain; the first are asked for most (Zipf).
        few_hosts: whether most domains have one host, as web sites do.
        client_share: of all clients ask such things, such as the one mail server.
        nxdomain_share: of the answers say that there is no such name.
    """

    name: str
    share: float
    domains: tuple[str, ...]
    questions: tuple[Question, ...]
    hosts: int
    few_hosts: bool = False
    client_share: float = 1
    nxdomain_share: float = 0.01


_SUFFIXES = ("com", "net", "org", "de", "co.uk", "com.au", "io", "info")
_SYLLABLES = ("ba", "do", "fi", "ga", "ke", "lo", "mi", "nu", "pa", "ro", "si", "ta", "vo", "ze")
_WEB_WORDS = (b"www", b"api", b"static", b"img", b"login", b"m", b"news", b"shop")
_WEB = Word(_WEB_WORDS)


def site(number: int) -> str:
    """A web site's registered domain: syllables that spell its number."""
    text, rest = "", number
    while rest or len(text) < 6:
        rest, syllable = divmod(rest, len(_SYLLABLES))
        text += _SYLLABLES[syllable]
    return f"{text}.{_SUFFIXES[number % len(_SUFFIXES)]}"


def ordinary_shapes(sites: int) -> tuple[Shape, ...]:
    """All shapes, with so many web sites."""
    web_sites = tuple(site(number) for number in range(sites))
    return (
        Shape(
            "web",
            0.62,
            web_sites,
            (
                Question((_WEB,), A, (4, 4), 6),
                Question((_WEB,), AAAA, (16, 16), 3),
                Question((_WEB,), HTTPS, (3, 3), 1),
                Question((), A, (4, 4), 1),
            ),
            hosts=100,
            few_hosts=True,
        ),
        Shape(
            "cdn",
            0.12,
            ("edge-delivery.net", "static-cache.com", "media-pull.net", "img-host.org"),
            (Question((Text(b"e"), Count(), Text(b".dsc"), Code(b"abcdefgx", 1, 1))),),
            hosts=150,
        ),
        Shape(
            "antivirus",
            0.03,
            ("e5.sk", "sophosxl.net"),
            (Question((Text(b"0-0-"), Code(HEXADECIMAL, 32, 40), Text(b".c")), TXT, (30, 90)),),
            hosts=1_000_000,
        ),
        Shape(
            "dnsbl",
            0.03,
            ("spamhaus.org", "spamcop.net"),
            (Question((Octets(4), Text(b".zen"))),),
            hosts=1_000_000,
            client_share=0.001,
            nxdomain_share=0.85,
        ),
        Shape(
            "telemetry",
            0.05,
            ("vendor-metrics.com", "app-insight.net", "phone-home.io"),
            (Question((Text(b"v10.events-"), Code(HEXADECIMAL, 8, 8))),),
            hosts=150,
        ),
        Shape(
            "ptr",
            0.05,
            tuple(f"{octet}.in-addr.arpa" for octet in range(1, 224)),
            (Question((Octets(3),), PTR, (2, 2)),),
            hosts=5_000,
            client_share=0.01,
            nxdomain_share=0.3,
        ),
        Shape(
            "mail",
            0.05,
            web_sites,
            (
                Question((), MX, (4, 4), 3),
                Question((), TXT, (40, 250), 2),
                Question((Text(b"_dmarc"),), TXT, (30, 120), 2),
                Question((Word((b"selector", b"s", b"k")), Text(b"._domainkey")), TXT, (200, 400)),
            ),
            hosts=2,
            client_share=0.001,
            nxdomain_share=0.1,
        ),
        Shape(
            "search-domain",
            0.05,
            ("example.com",),
            (
                Question((Word(_WEB_WORDS), Text(b"."), Code(BASE32, 6, 6), Text(b".com.corp"))),
                Question((Word((b"wpad", b"isatap", b"printer")), Text(b".corp"))),
            ),
            hosts=120,
            nxdomain_share=1,
        ),
    )
