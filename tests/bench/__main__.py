"""Measures every stage of a replay, and what it is compared with; prints Markdown."""

import argparse
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from geophone_capture.packets import PacketBlock
from geophone_detector.windows import SlidingWindows
from tests.bench import inputs, large, names, peers, pipeline, slow_path
from tests.bench.timing import Measured, machine, rate_table, ratio_table, say, shares
from tests.support.outside import captures_folder

if TYPE_CHECKING:
    from collections.abc import Callable

_PLAIN_LOOP_PACKETS = 50_000
_TSHARK_PACKETS = 200_000
_FEW_NAMES = 20_000
_EXCHANGES = 50_000


def main() -> int:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--packets", type=int, help="about how many  [default: 2.1 or 20 million]")
    parser.add_argument("--rounds", type=int, help="how often to measure  [default: 5 or 3]")
    parser.add_argument(
        "--large", action="store_true", help="only the whole process beside tools in C; long"
    )
    given = parser.parse_args()
    say(f"Machine: {machine()}.\n")
    with tempfile.TemporaryDirectory(prefix="geophone-bench-") as folder:
        if given.large:
            large.report(Path(folder), given.packets or 20_000_000, given.rounds or 3)
        else:
            _report(Path(folder), given.packets or 2_100_000, given.rounds or 5)
    return 0


def _report(folder: Path, packets: int, rounds: int) -> None:
    say("### A generated capture\n")
    _report_capture(folder, inputs.generated(folder / "generated.pcap", packets), rounds)
    captures = sorted(captures_folder().glob("*.pcap"))
    if captures:
        say("### Recorded captures, one after the other, again and again\n")
        _report_capture(
            folder, inputs.recorded(folder / "recorded.pcap", captures, packets), rounds
        )
    else:
        say(f"No recorded captures: there are none in {captures_folder()}.\n")
    say("### The slow path: decode + match alone\n")
    say(rate_table(_slow_path(rounds)) + "\n")
    say("### The window stage\n")
    say(rate_table(_window(rounds)) + "\n")
    start = Measured("start", 1, "process")
    for _ in range(rounds):
        start.time(lambda: peers.whole_process(peers.SMALL_CAPTURE))
    say(
        f"The whole process takes {min(start.seconds):.2f} s for 438 packets, "
        f"{min(start.cpu_seconds):.2f} s of CPU time: that is its start."
    )


def _report_capture(folder: Path, capture: Path, rounds: int) -> None:
    blocks = pipeline.blocks_of(capture)
    rows = pipeline.rows_of(blocks)
    packets = sum(len(block.packets) for block in blocks)
    row_count = sum(len(transactions.rows) for transactions in rows)
    # The warm-up: kernels compile, and Python keeps what it compiles.
    found = pipeline.whole(capture)
    assert found == pipeline.whole_on_two_threads(capture)
    peers.whole_process(peers.SMALL_CAPTURE)
    say(
        f"{packets:,} packets, {capture.stat().st_size / 1e6:.0f} MB, {row_count:,} "
        f"transactions, {found[1]} alert events; {rounds} rounds.\n"
    )
    whole = Measured("read + decode + match + key + window", packets, "packets")
    two = Measured("the same on two threads", packets, "packets")
    read = Measured("read alone", packets, "packets")
    decode = Measured("decode + match alone", packets, "packets")
    key = Measured("key alone (registered domain)", row_count, "rows")
    window = Measured("window alone (with rules, evidence, alerts)", row_count, "rows")
    replay = Measured(peers.WHOLE_PROCESS, packets, "packets")

    some, more = folder / "some.pcap", folder / "more.pcap"
    loop_packets = peers.cut(capture, _PLAIN_LOOP_PACKETS, some)
    loop = Measured("a plain loop over dnspython", loop_packets, "packets")
    others: list[tuple[Measured, Callable[[], object]]] = [(loop, partial(peers.plain_loop, some))]
    tshark = shutil.which("tshark")
    if tshark is not None:
        tshark_packets = peers.cut(capture, _TSHARK_PACKETS, more)
        fields = Measured("`tshark -n -T fields`, nine fields", tshark_packets, "packets")
        others.append((fields, partial(peers.tshark_fields, tshark, more)))
    inside = []
    for _ in range(rounds):
        whole.time(lambda: pipeline.whole(capture))
        inside.append(pipeline.seconds_inside(capture))
        two.time(lambda: pipeline.whole_on_two_threads(capture))
        read.time(lambda: pipeline.read(capture))
        decode.time(lambda: pipeline.decode(blocks))
        key.time(lambda: pipeline.key(rows))
        window.time(lambda: pipeline.window(rows))
        replay.time(lambda: peers.whole_process(capture))
        for other, work in others:
            other.time(work)
    slow = [other for other, _ in others]
    say(rate_table([whole, two, read, decode, key, window, replay, *slow]) + "\n")
    say(f"Inside of the loop, by CPU time: {shares(inside)}.\n")
    say(ratio_table([(fast, each) for each in slow for fast in (whole, two, replay)]) + "\n")


def _slow_path(rounds: int) -> list[Measured]:
    measured = []
    for name, blocks in (
        ("DNS over TCP, five exchanges to a connection", slow_path.connections(_EXCHANGES)),
        ("DNS over TCP, segments of 16 bytes, reordered", slow_path.small_segments(_EXCHANGES)),
        ("DNS over UDP, replies in three fragments", slow_path.fragments(_EXCHANGES)),
    ):
        each = Measured(name, sum(len(block.packets) for block in blocks), "packets")
        for _ in range(rounds):
            each.time(partial(_assert_decoded, blocks))
        measured.append(each)
    return measured


def _assert_decoded(blocks: list[PacketBlock]) -> None:
    assert pipeline.decode(blocks) == _EXCHANGES


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
