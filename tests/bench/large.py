"""The whole process on a large capture, beside tools in C and C++ that read one, too."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.bench import inputs, peers, pipeline
from tests.bench.timing import Measured, rate_table, ratio_table, say

_TOOLS: dict[str, Callable[[str, Path], None]] = {
    "ndpiReader": peers.ndpi_reader,
    "dnspcap2protobuf": peers.dnspcap2protobuf,
}


def report(folder: Path, packets: int, rounds: int) -> None:
    """Measure and print."""
    capture = inputs.generated(folder / "generated.pcap", packets)
    packets = pipeline.read(capture)
    say(f"{packets:,} packets, {capture.stat().st_size / 1e6:.0f} MB; {rounds} rounds.\n")
    others = []
    for name, work in _TOOLS.items():
        program = shutil.which(name)
        if program is None:
            say(f"Without {name}: it isn't installed.\n")
        else:
            others.append((Measured(f"`{name}`", packets, "packets"), partial(work, program)))
    replay = Measured(peers.WHOLE_PROCESS, packets, "packets")
    peers.whole_process(peers.SMALL_CAPTURE)  # the warm-up
    for _ in range(rounds):
        replay.time(partial(peers.whole_process, capture))
        for other, run in others:
            other.time(partial(run, capture))
    slow = [other for other, _ in others]
    say(rate_table([replay, *slow]) + "\n")
    say(ratio_table([(replay, each) for each in slow]))
