"""Generates a capture, measures every stage on it and what it is compared with, prints Markdown."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from geophone_detector.windows import SlidingWindows
from tests.bench import names, peers, pipeline
from tests.bench.timing import Measured, machine, rate_table, ratio_table, say
from tests.support.generator.arrivals import Mixture
from tests.support.generator.pcap import pcap_chunks
from tests.support.generator.tunnels import every_tool

_ORDINARY_PER_SECOND = 2_000
_PLAIN_LOOP_PACKETS = 50_000
_TSHARK_PACKETS = 200_000
_FEW_NAMES = 20_000


def main() -> int:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--packets", type=int, default=2_100_000, help="about how many to generate")
    parser.add_argument("--rounds", type=int, default=5, help="how often each thing is measured")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="geophone-bench-") as folder:
        _report(Path(folder), given.packets, given.rounds)
    return 0


def _report(folder: Path, packets: int, rounds: int) -> None:
    say(f"Machine: {machine()}.\n")
    capture = _generate(folder / "generated.pcap", packets)
    stages, replays = _stages(folder, capture, rounds)
    window = _window(rounds)
    say("One thread, after warm-up:\n")
    say(rate_table(stages + window) + "\n")
    say("Beside others, in the same rounds:\n")
    say(rate_table(replays) + "\n")
    pairs = [(fast, slow) for slow in replays[1:] for fast in (stages[0], replays[0])]
    say(ratio_table(pairs))


def _generate(capture: Path, packets: int) -> Path:
    mixture = Mixture(
        seed=1,
        seconds=packets / 2 / _ORDINARY_PER_SECOND,
        ordinary_per_second=_ORDINARY_PER_SECOND,
        tunnels=every_tool(),
    )
    with capture.open("wb") as file:
        for chunk in pcap_chunks(mixture):
            file.write(chunk)
    return capture


def _stages(folder: Path, capture: Path, rounds: int) -> tuple[list[Measured], list[Measured]]:
    blocks = pipeline.blocks_of(capture)
    rows = pipeline.rows_of(blocks)
    packets = sum(len(block.packets) for block in blocks)
    row_count = sum(len(transactions.rows) for transactions in rows)
    found, events = pipeline.whole(capture)  # the warm-up: kernels compile
    assert found == packets
    say(
        f"Capture: {packets:,} packets, {capture.stat().st_size / 1e6:.0f} MB, {row_count:,} "
        f"transactions, {events} alert events; {rounds} rounds.\n"
    )
    whole = Measured("read + decode + match + key + window", packets, "packets")
    read = Measured("read alone", packets, "packets")
    decode = Measured("decode + match alone", packets, "packets")
    key = Measured("key alone (registered domain)", row_count, "rows")
    window = Measured("window alone (with rules, evidence, alerts)", row_count, "rows")
    replay = Measured("`geophone replay`, the whole process", packets, "packets")

    some = folder / "some.pcap"
    loop = Measured(
        "a plain loop over dnspython", peers.cut(capture, _PLAIN_LOOP_PACKETS, some), "packets"
    )
    replays = [replay, loop]
    tshark = shutil.which("tshark")
    more = folder / "more.pcap"
    fields = Measured(
        "`tshark -n -T fields`, nine fields", peers.cut(capture, _TSHARK_PACKETS, more), "packets"
    )
    if tshark is not None:
        replays.append(fields)
    for _ in range(rounds):
        whole.time(lambda: pipeline.whole(capture))
        read.time(lambda: pipeline.read(capture))
        decode.time(lambda: pipeline.decode(blocks))
        key.time(lambda: pipeline.key(rows))
        window.time(lambda: pipeline.window(rows))
        replay.time(lambda: peers.whole_process(capture))
        loop.time(lambda: peers.plain_loop(some))
        if tshark is not None:
            fields.time(lambda: peers.tshark_fields(Path(tshark), more))
    return [whole, read, decode, key, window], replays


def _window(rounds: int) -> list[Measured]:
    every = [names.hour_of_names(hour) for hour in range(2)]
    few = [names.hour_of_names(hour, _FEW_NAMES) for hour in range(2)]
    new = Measured("window alone, every name new", names.NAMES, "names")
    known = Measured("window alone, all known for an hour", names.NAMES, "names")
    again = Measured(f"window alone, {_FEW_NAMES:,} names again and again", names.NAMES, "names")

    def measure(windows: SlidingWindows) -> None:
        new.time(lambda: names.observe(windows, every[0]))
        assert names.live_names(windows) == names.NAMES
        known.time(lambda: names.observe(windows, every[1]))
        assert names.live_names(windows) == names.NAMES

    def measure_again(windows: SlidingWindows) -> None:
        names.observe(windows, few[0])
        again.time(lambda: names.observe(windows, few[1]))
        assert names.live_names(windows) == _FEW_NAMES

    names.observe(names.create_windows(), few[0])  # the warm-up
    for _ in range(rounds):
        measure(names.create_windows())
        measure_again(names.create_windows())
    return [new, known, again]


if __name__ == "__main__":
    sys.exit(main())
