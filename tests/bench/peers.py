"""Geophone's whole process, and what it is compared with: a plain Python loop, tools in C."""

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import dns.exception
import dns.flags
import dns.message

from tests.support.outside import SHIPPED_CAPTURES

WHOLE_PROCESS = "`geophone replay`, the whole process"

SMALL_CAPTURE = SHIPPED_CAPTURES / "iodine-null.pcap"
"""So small that a whole process on it is all start."""

_NINE_FIELDS = (
    "frame.time_epoch",
    "ip.src",
    "ip.dst",
    "udp.srcport",
    "udp.dstport",
    "dns.id",
    "dns.flags.response",
    "dns.qry.name",
    "dns.qry.type",
)


def plain_loop(capture: Path) -> int:
    """Distinct names by domain, with slices of bytes and dnspython; how many packets.

    It does less than Geophone: no windows, no public suffixes (the last two labels instead), no
    timeouts, and only this one kind of file and of frame.
    """
    data = capture.read_bytes()
    pending: dict[tuple[bytes, int], bytes] = {}
    names: dict[bytes, set[bytes]] = defaultdict(set)
    matched = packets = 0
    at = 24
    while at < len(data):
        end = at + 16 + int.from_bytes(data[at + 8 : at + 12], "little")
        ip, udp = at + 30, at + 50
        try:
            message = dns.message.from_wire(data[udp + 8 : end])
        except dns.exception.DNSException:
            message = None
        if message is not None and message.question:
            if message.flags & dns.flags.QR:
                client = data[ip + 16 : ip + 20] + data[udp + 2 : udp + 4]
                matched += pending.pop((client, message.id), None) is not None
            else:
                name = message.question[0].name.to_digestable()
                client = data[ip + 12 : ip + 16] + data[udp : udp + 2]
                pending[client, message.id] = name
                labels = message.question[0].name.labels
                names[b".".join(labels[-3:]).lower()].add(name)
        packets += 1
        at = end
    return packets


def tshark_fields(tshark: str, capture: Path) -> None:
    """`tshark -n -T fields` with nine fields; what it prints is thrown away."""
    fields = [word for each in _NINE_FIELDS for word in ("-e", each)]
    _run(tshark, "-n", "-r", capture, "-T", "fields", *fields)


def ndpi_reader(program: str, capture: Path) -> None:
    """nDPI's `ndpiReader`: names the protocol of each flow, prints a summary."""
    _run(program, "-q", "-i", capture)


def dnspcap2protobuf(program: str, capture: Path) -> None:
    """PowerDNS's `dnspcap2protobuf`: writes each message as a protobuf; here to nowhere."""
    _run(program, capture, os.devnull)


def whole_process(capture: Path) -> None:
    """`geophone replay --json` from its start to its end."""
    _run(sys.executable, "-m", "geophone", "replay", "--json", capture)


def _run(*command: str | Path) -> None:
    # Python may keep what it compiles, as it does where packages are installed.
    environment = {
        name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    }
    subprocess.run(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
        env=environment,
    )


def cut(capture: Path, packets: int, target: Path) -> int:
    """Write the first packets of a capture to a file of their own; how many there were."""
    data = memoryview(capture.read_bytes())
    at, taken = 24, 0
    while taken < packets and at < len(data):
        at += 16 + int.from_bytes(data[at + 8 : at + 12], "little")
        taken += 1
    target.write_bytes(data[:at])
    return taken
