"""Live capture beside others: packets a second, drops, and CPU time a packet.

    python -m tests.bench.live [--seconds S]

A process sends DNS queries and responses over a veth pair (`tests/bench/sender.py`), and the far
side is read. It needs root. With two cores, sender and reader have one each at best, and what the
kernel does to deliver a packet to the reader's ring takes the sender's time.
"""

import argparse
import os
import shutil
import sys

from tests.bench import live_readers, sender
from tests.bench.live_readers import Load, Outcome
from tests.bench.timing import machine, say
from tests.support.namespaces import VethPair, veth_pair

_RATES = (25_000, 400_000, 0)
_UNLIMITED_PACKETS = 1_000_000
"""Sent in a second or so where the rate isn't limited."""
_OTHER_STATION = "02:00:00:00:00:99"
"""Where packets go: the far side's kernel has nothing to do with them but to show them."""
_HOPELESS = 0.8
"""A reader that saw less isn't asked to read faster."""


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.live", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="of sending, for each line")
    given = parser.parse_args()
    if os.geteuid() != 0 or not shutil.which("ethtool"):
        say("Live capture isn't measured: network namespaces need root, the sender ethtool.")
        return 0
    say(f"Machine: {machine()}.\n")
    for name in live_readers.missing():
        say(f"Not compared with {name}, which isn't here.\n")
    with veth_pair(has_ipv6=False) as pair:
        _measure(pair, given.seconds)
        idle = live_readers.idle_share(pair, max(2.0, given.seconds))
        say(f"Idle, `geophone run` takes {idle:.1%} of one core.")
    return 0


def _measure(pair: VethPair, seconds: float) -> None:
    pair.near.run("ethtool", "-K", pair.interface, "tx-udp-segmentation", "off")
    for address in (sender.CLIENT, sender.SERVER):
        pair.near.ip("neigh", "add", address, "lladdr", _OTHER_STATION, "dev", pair.interface)
    live_readers.ring_and_decoder(pair, _load(20_000, 1))  # the warm-up
    readers = live_readers.readers()
    best = dict.fromkeys(readers, 0.0)
    say("| reader | offered a second | sent | seen | dropped by the kernel | CPU time a packet |")
    say("|---|---:|---:|---:|---:|---:|")
    for rate in _RATES:
        for name, reader in list(readers.items()):
            done = reader(pair, _load(rate, seconds))
            say(_row(name, done))
            if done.seen == done.sent:
                best[name] = max(best[name], done.sent / done.seconds)
            elif done.seen < _HOPELESS * done.sent:
                del readers[name]
    say("\nThe highest rate at which everything was seen:\n")
    for name, rate_seen in best.items():
        say(f"* {name}: {f'{rate_seen:,.0f} packets/s' if rate_seen else 'none of these'}")
    say("")


def _load(rate: int, seconds: float) -> Load:
    packets = int((rate or _UNLIMITED_PACKETS) * seconds)
    return Load(packets // sender.AT_ONCE * sender.AT_ONCE, rate)


def _row(name: str, done: Outcome) -> str:
    dropped = "not told" if done.dropped is None else f"{done.dropped:,}"
    each_us = done.cpu_seconds / max(done.seen, 1) * 1e6
    return (
        f"| {name} | {done.sent / done.seconds:,.0f} | {done.sent:,} | {done.seen:,} | {dropped} "
        f"| {each_us:.2f} µs |"
    )


if __name__ == "__main__":
    sys.exit(main())
