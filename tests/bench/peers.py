"""What Geophone is compared with: a plain Python loop, tshark, and its own whole process."""

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import dns.exception
import dns.flags
import dns.message

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


def tshark_fields(tshark: Path, capture: Path) -> None:
    """`tshark -n -T fields` with nine fields; what it prints is thrown away."""
    fields = [word for each in _NINE_FIELDS for word in ("-e", each)]
    subprocess.run(
        [tshark, "-n", "-r", capture, "-T", "fields", *fields],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )


def whole_process(capture: Path) -> None:
    """`geophone replay --json` from its start to its end."""
    subprocess.run(
        [sys.executable, "-m", "geophone", "replay", "--json", capture],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
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
