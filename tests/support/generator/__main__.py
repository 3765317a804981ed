"""Writes a generated capture file, and the truth about it, for people to try things on."""

import argparse
import json
import sys
from pathlib import Path

from tests.support.generator import tunnels
from tests.support.generator.arrivals import Mixture
from tests.support.generator.pcap import pcap_chunks
from tests.support.generator.shapes import ordinary_shapes
from tests.support.generator.truth import truth_as_json, truth_of

_PACKETS_PER_QUERY = 1.99
_TOOLS = {
    "iodine": tunnels.iodine,
    "dnscat2": tunnels.dnscat2,
    "dns2tcp": tunnels.dns2tcp,
    "ozymandns": tunnels.ozymandns,
    "dns-exfiltrator": lambda: tunnels.dns_exfiltrator(255, 28_657),
    "beacon": tunnels.slow_beacon,
    "a-record": tunnels.a_record,
}


def main() -> int:
    """Write `FILE` and `FILE.truth.json`."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.generator", description=__doc__)
    parser.add_argument("file", type=Path, help="the pcap file to write")
    parser.add_argument("--packets", type=int, default=200_000, help="about how many to write")
    parser.add_argument("--rate", type=float, default=1_000, help="ordinary queries a second")
    parser.add_argument("--sites", type=int, default=20_000, help="web sites that are asked for")
    parser.add_argument("--clients", type=int, default=2_000, help="client addresses that ask")
    parser.add_argument("--seed", type=int, default=1, help="other seeds, other traffic")
    parser.add_argument(
        "--tunnel",
        action="append",
        default=[],
        choices=[*_TOOLS, "all"],
        help="hide a tunnel in it; repeat for several",
    )
    given = parser.parse_args()
    tools = list(_TOOLS) if "all" in given.tunnel else list(dict.fromkeys(given.tunnel))
    hidden = tuple(_TOOLS[tool]() for tool in tools)
    rate = given.rate + sum(tunnel.names_per_second for tunnel in hidden)
    mixture = Mixture(
        seed=given.seed,
        seconds=given.packets / rate / _PACKETS_PER_QUERY,
        ordinary_per_second=given.rate,
        tunnels=hidden,
        shapes=ordinary_shapes(given.sites),
        clients=given.clients,
    )
    with given.file.open("wb") as file:
        for chunk in pcap_chunks(mixture):
            file.write(chunk)
    beside = given.file.with_name(given.file.name + ".truth.json")
    truth = truth_of(mixture)
    beside.write_text(json.dumps(truth_as_json(truth), indent=1) + "\n", encoding="utf-8")
    names = ", ".join(domain for domain, counted in truth.items() if counted.tunnel) or "none"
    print(f"wrote {given.file} and {beside}; tunnels: {names}", file=sys.stderr)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
