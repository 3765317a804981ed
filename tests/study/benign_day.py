"""A day without a tunnel: which domains alert, with the shipped allow list and without any."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from geophone_detector.allow_list import SHIPPED_ENTRIES, wire_entries
from geophone_detector.detector import Detector
from geophone_detector.rules import SHIPPED_RULES
from geophone_shared.alerts import SEVERITIES, Alert, Severity
from geophone_shared.hashing import SecretKey
from geophone_shared.suffixes import compile_suffix_set
from tests.support.generator.arrivals import Mixture
from tests.support.generator.names import BASE32, Code
from tests.support.generator.rows import row_stream
from tests.support.generator.shapes import Question, Shape, ordinary_shapes

CLIENTS = 1_000
TRANSACTIONS = 2_000_000
SECONDS = 86_400
SITES = 20_000

_FAR_US = 1 << 60
_SECRET = SecretKey.derived_from(b"study")

_LARGE_SERVICES = Shape(
    "large-service",
    0.1,
    ("google.com", "apple.com", "icloud.com", "amazonaws.com", "yahoo.com", "apple-dns.net"),
    (Question((Code(BASE32, 3, 12),)),),
    hosts=1_000,
)
"""The published watch had to allow these: somewhere they have more than 200 hostnames in 4 h."""

_SHAPES = (*ordinary_shapes(SITES), _LARGE_SERVICES)

REASONS: Mapping[str, tuple[str, str]] = {
    "antivirus": (
        "antivirus look-ups",
        "a file's hash is a name, and every file is another; only the vendor sees them",
    ),
    "dnsbl": (
        "block lists",
        "the mail server looks up every address that connects; only the list's operator sees them",
    ),
    "ptr": (
        "reverse look-ups",
        "an address is a name; who runs the zone of an address block could read them",
    ),
    "large-service": (
        "large services",
        "they have so many hosts; that they do is assumed, because the published watch lists them",
    ),
    "search-domain": (
        "the network's own domain",
        "what isn't found is asked for again with this behind it; put yours on your allow list",
    ),
}
"""By shape: what it is, and why it alerts."""


@dataclass
class Outcome:
    """The alerts on one domain over the day.

    Attributes:
        alerts: how many opened.
        rules: which did.
        severity: the worst.
        clients: that had asked when the first opened.
        is_allowed: whether the allow list has the domain.
    """

    alerts: int = 0
    rules: set[str] = field(default_factory=set)
    severity: Severity = "low"
    clients: int = 0
    is_allowed: bool = False

    def add(self, event: Alert) -> None:
        """Count an event."""
        if event.state == "opened":
            self.clients = self.clients or event.evidence.clients
            self.alerts += 1
            self.rules.add(event.rule)
        self.severity = max(self.severity, event.severity, key=SEVERITIES.index)
        self.is_allowed = event.allowed


def benign_day(seed: int = 1, seconds: float = SECONDS) -> Mixture:
    """The traffic; a shorter one is how the day begins."""
    total_share = sum(shape.share for shape in _SHAPES)
    return Mixture(
        seed=seed,
        seconds=seconds,
        ordinary_per_second=TRANSACTIONS / SECONDS / total_share,
        shapes=_SHAPES,
        clients=CLIENTS,
    )


def outcomes(mixture: Mixture) -> tuple[int, dict[str, Outcome], dict[str, Outcome]]:
    """What the shipped rules say of the traffic.

    Returns:
        How many transactions there were; the outcome by registered domain without an allow list,
        and with the shipped one.
    """
    found: list[dict[str, Outcome]] = []
    detectors = []
    for entries in ((), SHIPPED_ENTRIES):
        allow_list = compile_suffix_set(wire_entries(entries))
        detectors.append(Detector(SHIPPED_RULES, allow_list, _SECRET))
        found.append(defaultdict(Outcome))
    rows = 0
    for transactions in row_stream(mixture):
        rows += len(transactions.rows)
        for detector, by_domain in zip(detectors, found, strict=True):
            for event in detector.observe(transactions, _FAR_US):
                by_domain[event.registered_domain].add(event)
    return rows, dict(found[0]), dict(found[1])


def notified(with_list: Mapping[str, Outcome]) -> set[str]:
    """The domains whose alerts somebody gets to see."""
    return {domain for domain, outcome in with_list.items() if not outcome.is_allowed}


def day_table(without: Mapping[str, Outcome], with_list: Mapping[str, Outcome]) -> str:
    """What alerts without an allow list, in Markdown, a row for each shape."""
    heads = ("what", "domains that alert", "rules, on how many", "severity", "clients")
    lines = [f"| {' | '.join((*heads, 'shipped list', 'why'))} |", "|---|---|---|---|---:|---|---|"]
    return "\n".join([*lines, *_day_rows(without, with_list)])


def _day_rows(without: Mapping[str, Outcome], with_list: Mapping[str, Outcome]) -> Iterator[str]:
    for shape in _SHAPES:
        domains = [domain for domain in shape.domains if domain in without]
        if domains:
            alerted = [without[domain] for domain in domains]
            rules = Counter(rule for each in alerted for rule in each.rules)
            severities = sorted({each.severity for each in alerted}, key=SEVERITIES.index)
            clients = sorted({each.clients for each in alerted})
            is_notified = not notified(with_list).isdisjoint(domains)
            what, why = REASONS[shape.name]
            yield (
                f"| {what} | {_listed(domains)} |"
                f" {', '.join(f'`{rule}` {count}' for rule, count in sorted(rules.items()))} |"
                f" {', '.join(severities)} | {_span(clients)} |"
                f" {'**alerts**' if is_notified else 'allowed'} | {why} |"
            )


def _listed(domains: Sequence[str]) -> str:
    zones = [domain.removesuffix(".in-addr.arpa") for domain in domains]
    if len(domains) > 1 and all(zone.isdigit() for zone in zones):
        return f"`N.in-addr.arpa`, N = {', '.join(zones)}"
    return ", ".join(f"`{domain}`" for domain in domains)


def _span(numbers: Sequence[int]) -> str:
    return f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]}–{numbers[-1]}"  # noqa: RUF001
