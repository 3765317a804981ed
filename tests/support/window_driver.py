"""Small windows and detectors for tests, and what drives them."""

from collections.abc import Sequence

import pytest

from geophone_detector import allocation
from geophone_detector.capacities import Capacities
from geophone_detector.detector import Detector
from geophone_detector.kernels.layout import NEVER, PANE_US
from geophone_detector.kernels.tables import Tables
from geophone_detector.rules import SHIPPED_RULES, Measure, Rule
from geophone_detector.windows import SlidingWindows, Stop
from geophone_shared.alerts import Alert, Severity
from geophone_shared.hashing import SecretKey
from geophone_shared.names import wire_name
from geophone_shared.suffixes import compile_suffix_set
from tests.support.detector_rows import FAR_US, NOON_US, Row, transactions_of

PLENTY = 1_000
SECRET = SecretKey.derived_from(b"tests")


def create_rule(
    name: str = "names",
    measure: Measure = "unique_hostnames",
    *,
    window_seconds: int = 14_400,
    threshold: int = 3,
    must_exceed: bool = False,
    severity: Severity = "high",
    max_clients: int | None = None,
) -> Rule:
    """A rule with thresholds that a few rows cross."""
    return Rule(
        name=name,
        measure=measure,
        window_seconds=window_seconds,
        threshold=threshold,
        must_exceed=must_exceed,
        severity=severity,
        reason="a test",
        max_clients=max_clients,
    )


def create_windows(
    rules: Sequence[Rule] = SHIPPED_RULES,
    *,
    allow_list: Sequence[str] = (),
    secret: SecretKey = SECRET,
    exact_cap_names: int = PLENTY,
    pair_capacity: int = PLENTY,
    domain_capacity: int = PLENTY,
    domain_name_bytes: int = 255 * PLENTY,
    evidence_capacity: int = PLENTY,
    sketches: int = 2,
) -> SlidingWindows:
    """Windows whose indexes have to grow from two slots."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(allocation, "_FIRST_SLOTS", 2)
        return SlidingWindows(
            rules,
            compile_suffix_set([wire_name(entry) for entry in allow_list]),
            secret,
            exact_cap_names,
            Capacities(
                pairs=pair_capacity,
                domains=domain_capacity,
                domain_name_bytes=domain_name_bytes,
                evidence=evidence_capacity,
                sketches=sketches,
            ),
        )


def create_detector(
    rules: Sequence[Rule] = SHIPPED_RULES,
    *,
    allow_list: Sequence[str] = (),
    secret: SecretKey = SECRET,
    evidence_capacity: int = PLENTY,
) -> Detector:
    """A detector with small windows."""
    detector = Detector(rules, compile_suffix_set([]), secret)
    detector.windows = create_windows(
        rules, allow_list=allow_list, secret=secret, evidence_capacity=evidence_capacity
    )
    return detector


def feed(windows: SlidingWindows, rows: Sequence[Row], latest_us: int = FAR_US) -> None:
    """Count a batch of rows; nobody decides anything."""
    transactions = transactions_of(rows)
    following = 0
    stop = None
    while stop is not Stop.EXHAUSTED:
        following, stop = windows.observe(transactions, following, latest_us)
        if stop is Stop.PANE_AHEAD:
            windows.advance(windows.ahead_pane)


def mark(windows: SlidingWindows, clock_us: int) -> None:
    """A minute mark, as the detector takes it."""
    pane = clock_us // PANE_US
    if windows.now_pane is None or pane > windows.now_pane:
        windows.advance(pane)


def keys(tables: Tables) -> dict[bytes, int]:
    """The domains' wire names and where their records are."""
    found = {}
    for domain in range(int(tables.heads[0]["unused_domain"])):
        record = tables.domains[domain]
        if record["first_us"] == NEVER:
            continue
        start = int(record["name_offset"])
        name = tables.domain_names[start : start + int(record["name_length"])].tobytes()
        found[name] = domain
    return found


def observe(detector: Detector, rows: list[Row], latest_us: int = FAR_US) -> list[Alert]:
    """What the detector says of the rows."""
    return detector.observe(transactions_of(rows), latest_us)


def brief(events: list[Alert]) -> list[tuple[str, str, int, int]]:
    """(rule, state, when, value): when in µs after noon."""
    return [
        (event.rule, event.state, event.updated_at_us - NOON_US, event.value) for event in events
    ]
