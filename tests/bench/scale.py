"""`python -m tests.bench.scale`: memory per domain, and floods of one-shot domains.

Prints Markdown. The floods take some minutes.
"""

import argparse
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from geophone_detector.budgets import EXACT_CAP_NAMES
from geophone_detector.capacities import capacities_within
from geophone_detector.detector import Detector
from geophone_detector.rules import SHIPPED_RULES
from geophone_shared.alerts import Alert
from geophone_shared.hashing import SecretKey
from geophone_shared.jit import Array
from geophone_shared.suffixes import compile_suffix_set
from tests.bench.timing import say
from tests.support.detector_rows import FAR_US, HOUR_US, NOON_US, SECOND_US
from tests.support.floods import crawled_names, flood, opened_in_flood

MIB = 1 << 20
SKETCH_BUDGET_BYTES = 64 * MIB
SMALL_BUDGET_BYTES = 32 * MIB
"""A flood fills it in a twentieth of the time; what counts is the flood in relation to it."""
NAMES_SENT = 280
NAMES_IN_FOUR_HOURS = 260


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    parser.add_argument("--domains", type=int, default=20_000_000, help="of the large flood")
    options = parser.parse_args()
    # Before anything else: what others have freed would count as in memory.
    _print_memory(1_000_000)
    _print_large_flood(options.domains)
    _print_limits()
    return 0


def create_detector(budget_bytes: int) -> Detector:
    """A detector with the shipped rules and no allow list."""
    return Detector(
        SHIPPED_RULES,
        compile_suffix_set([]),
        SecretKey.derived_from(b"benchmark"),
        EXACT_CAP_NAMES,
        capacities_within(budget_bytes, SKETCH_BUDGET_BYTES),
    )


def _print_memory(domains: int) -> None:
    detector = create_detector(512 * MIB)
    rows_count = 0
    for rows in flood(domains, NOON_US, 23 * HOUR_US, crawled_names):
        detector.observe(rows, FAR_US)
        rows_count += rows.rows.size
    tables = detector.windows.tables
    used = sum(_resident_bytes(part) for part in tables if isinstance(part, np.ndarray))
    live = int(tables.heads[0]["live_domains"])
    say(f"{live:,} live domains with {rows_count:,} names: {used / live:.0f} bytes a domain\n")


def _print_large_flood(domains: int) -> None:
    detector = create_detector(512 * MIB)
    started_seconds = time.process_time()
    opened = opened_in_flood(detector, domains, 4 * HOUR_US, 65 * SECOND_US)
    seconds = time.process_time() - started_seconds
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    say(
        f"{domains:,} one-shot domains in 4 h, a name of the tunnel every 65 s: {_told(opened)};"
        f" swept {detector.windows.swept_domains:,}; {domains / seconds / 1e6:.2f} M/s with making"
        f" them; peak of the process {peak_bytes / MIB:.0f} MiB\n"
    )


def _print_limits() -> None:
    capacities = capacities_within(SMALL_BUDGET_BYTES, SKETCH_BUDGET_BYTES)
    say(f"Budget {SMALL_BUDGET_BYTES // MIB} MiB, {capacities.domains:,} domains:\n")
    say("| one-shot domains between two names, of all that fit | opened |")
    say("|---:|---|")
    for share in (0.25, 0.5, 0.75, 0.9, 1.0, 1.1):
        domains = int(share * capacities.domains) * NAMES_SENT
        opened = opened_in_flood(
            create_detector(SMALL_BUDGET_BYTES),
            domains,
            4 * HOUR_US * NAMES_SENT // NAMES_IN_FOUR_HOURS,
            4 * HOUR_US // NAMES_IN_FOUR_HOURS,
        )
        say(f"| {share:.2f} | {_told(opened)} |")


def _told(opened: Sequence[tuple[Alert, int]]) -> str:
    return (
        "; ".join(
            f"{alert.rule} of {alert.registered_domain} at its name {sent}"
            for alert, sent in opened
        )
        or "nothing opened"
    )


def _resident_bytes(part: Array) -> int:
    """How much of an array is in memory: untouched pages aren't (pagemap, proc(5))."""
    page_bytes = resource.getpagesize()
    first = part.__array_interface__["data"][0] // page_bytes
    last = -(-(part.__array_interface__["data"][0] + part.nbytes) // page_bytes)
    with Path("/proc/self/pagemap").open("rb") as pagemap:
        pagemap.seek(8 * first)
        entries = np.frombuffer(pagemap.read(8 * (last - first)), np.uint64)
    return int(np.count_nonzero(entries >> np.uint64(63))) * page_bytes


if __name__ == "__main__":
    sys.exit(main())
