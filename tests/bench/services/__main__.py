"""Measures the services as processes, on a real broker and on the embedded log; prints Markdown.

Ratios are of things that were done in the same round, since the machine may be shared.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from tests.bench import inputs
from tests.bench.services import embedded, latency, lists, restoring, throughput
from tests.bench.services.findings import Finding, Pauses, table
from tests.bench.timing import machine, say

_MOST_PAUSE_SECONDS = 0.05

Part = Callable[[Path, Path, int, Pauses], Coroutine[Any, Any, list[Finding]]]

PARTS: dict[str, tuple[str, Part]] = {
    "throughput": ("Through Kafka", throughput.measure),
    "embedded": ("The embedded log", embedded.measure),
    "latency": ("An alert, and REST, at 50,000 transactions/s", latency.measure),
    "restore": ("Coming back", restoring.measure),
    "lists": ("The lists of top domains", lists.measure),
}


def main() -> int:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.services", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="only these  [default: all]")
    parser.add_argument("--packets", type=int, default=4_000_000, help="of the capture, about")
    parser.add_argument("--rounds", type=int, default=3, help="how often to measure")
    given = parser.parse_args()
    say(f"Machine: {machine()}.\n")
    with tempfile.TemporaryDirectory(prefix="geophone-bench-") as folder:
        capture = inputs.benign(Path(folder) / "benign.pcap", given.packets)
        for name in given.parts or PARTS:
            title, measure = PARTS[name]
            say(f"### {title}\n")
            pauses = Pauses()
            findings = asyncio.run(measure(Path(folder), capture, given.rounds, pauses))
            longest = ", ".join(f"{name} {1e3 * it:.0f} ms" for name, it in pauses.longest.items())
            if pauses.longest:
                findings.append(
                    Finding(
                        "longest pause of an event loop",
                        [max(pauses.longest.values())],
                        "s",
                        _MOST_PAUSE_SECONDS,
                        is_least=False,
                        remark=longest,
                    )
                )
            say(table(findings) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
