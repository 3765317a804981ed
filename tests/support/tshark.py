"""What tshark sees in a capture: an oracle for decoding and for counting.

Only DNS over port 53 is asked for: tshark's heuristics also find DNS on other ports, and an ICMP
error quotes the DNS message that caused it. UDP and TCP are asked for apart.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_FILTER = "dns && udp.port == 53 && !icmp && !icmpv6"
_FIELDS = (
    "frame.time_epoch",
    "ip.src",
    "ipv6.src",
    "udp.srcport",
    "ip.dst",
    "ipv6.dst",
    "udp.dstport",
    "dns.flags.response",
    "udp.payload",
)
_HEADER_BYTES = 12


class Endpoint(NamedTuple):
    """An address as text, and a UDP port."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class DnsMessage:
    """A DNS message that tshark dissected.

    Attributes:
        time_us: time of the packet, µs since the epoch.
        source: who sent it.
        destination: to whom.
        is_response: the QR bit.
        payload: the whole message.
    """

    time_us: int
    source: Endpoint
    destination: Endpoint
    is_response: bool
    payload: bytes

    @property
    def dns_id(self) -> int:
        """The message's id (RFC 1035 §4.1.1)."""
        return int.from_bytes(self.payload[:2])

    @property
    def name(self) -> bytes:
        """First question's name: wire form, original case, without the root label.

        Taken from the payload, because tshark prints bytes outside of ASCII as U+FFFD.

        Raises:
            ValueError: the name is compressed (no sender does that in a first question) or cut.
        """
        end = _HEADER_BYTES
        while end < len(self.payload) and (length := self.payload[end]) != 0:
            if length > 63:
                raise ValueError(f"not a plain label at byte {end} of {self.payload.hex()}")
            end += 1 + length
        if end >= len(self.payload):
            raise ValueError(f"name is cut in {self.payload.hex()}")
        return self.payload[_HEADER_BYTES:end]


@dataclass(frozen=True, slots=True)
class DnsCount:
    """Messages of a capture; `names` are those of queries, lower-cased, in wire form."""

    queries: int
    responses: int
    names: frozenset[bytes]


def dns_messages(tshark: Path, capture: Path) -> Iterator[DnsMessage]:
    """The DNS messages over UDP port 53 in `capture`, in the file's order.

    Raises:
        subprocess.CalledProcessError: tshark can't read the file to its end.
    """
    # The first occurrence of a field is the outermost header's.
    options = ["-n", "-Y", _FILTER, "-T", "fields", "-E", "occurrence=f"]
    for field in _FIELDS:
        options += ["-e", field]
    finished = subprocess.run(
        [tshark, "-r", capture, *options], check=True, capture_output=True, encoding="ascii"
    )
    for line in finished.stdout.splitlines():
        time, v4_from, v6_from, port_from, v4_to, v6_to, port_to, response, payload = line.split(
            "\t"
        )
        yield DnsMessage(
            time_us=_microseconds(time),
            source=Endpoint(v4_from or v6_from, int(port_from)),
            destination=Endpoint(v4_to or v6_to, int(port_to)),
            is_response=response in {"1", "True"},  # "True" since Wireshark 4.2
            payload=bytes.fromhex(payload),
        )


class StreamMessage(NamedTuple):
    """A DNS message over TCP; `wire_bytes` with the two bytes of its length, the name as text."""

    is_response: bool
    dns_id: int
    name: str
    wire_bytes: int


def stream_messages(tshark: Path, capture: Path) -> Iterator[StreamMessage]:
    """The DNS messages over TCP port 53 in `capture`, where tshark has them whole.

    All have one question, and names of plain letters. What is sent again is found again.

    Raises:
        subprocess.CalledProcessError: tshark can't read the file to its end.
    """
    options = ["-n", "-2", "-Y", "dns && tcp.port == 53", "-T", "fields", "-E", "occurrence=a"]
    options += ["-o", "tcp.reassemble_out_of_order:TRUE"]
    for field in ("dns.flags.response", "dns.id", "dns.qry.name", "dns.length"):
        options += ["-e", field]
    finished = subprocess.run(
        [tshark, "-r", capture, *options], check=True, capture_output=True, encoding="ascii"
    )
    for line in finished.stdout.splitlines():
        columns = [column.split(",") for column in line.split("\t")]
        for response, dns_id, name, length in zip(*columns, strict=True):
            is_response = response in {"1", "True"}
            yield StreamMessage(is_response, int(dns_id, 16), name, int(length) + 2)


class Answers(NamedTuple):
    """What tshark finds in the sections of a response: addresses, targets, and how many records."""

    dns_id: int
    addresses: tuple[str, ...]
    targets: tuple[str, ...]
    counts: tuple[int, int, int]


def answers(tshark: Path, capture: Path) -> Iterator[Answers]:
    """The responses over UDP port 53 in `capture`, in the file's order.

    Addresses and targets are those of A, AAAA and CNAME records in any section.

    Raises:
        subprocess.CalledProcessError: tshark can't read the file to its end.
    """
    counted = ("dns.count.answers", "dns.count.auth_rr", "dns.count.add_rr")
    fields = ("dns.id", "dns.a", "dns.aaaa", "dns.cname", *counted)
    options = ["-n", "-Y", f"{_FILTER} && dns.flags.response == 1", "-T", "fields"]
    for field in fields:
        options += ["-e", field]
    finished = subprocess.run(
        [tshark, "-r", capture, *options], check=True, capture_output=True, encoding="ascii"
    )
    for line in finished.stdout.splitlines():
        dns_id, v4, v6, targets, *counts = line.split("\t")
        addresses = (address for column in (v4, v6) for address in column.split(",") if address)
        found = tuple(target for target in targets.split(",") if target)
        answered, authorities, additionals = map(int, counts)
        yield Answers(
            int(dns_id, 16), tuple(addresses), found, (answered, authorities, additionals)
        )


def count_dns(tshark: Path, capture: Path) -> DnsCount:
    """Queries, responses and the queries' distinct names over UDP port 53 in `capture`."""
    queries = responses = 0
    names = set()
    for message in dns_messages(tshark, capture):
        if message.is_response:
            responses += 1
        else:
            queries += 1
            names.add(message.name.lower())
    return DnsCount(queries, responses, frozenset(names))


def _microseconds(epoch: str) -> int:
    """From tshark's seconds with nine decimals, by digits: a float holds only 53 bits."""
    seconds, _, fraction = epoch.partition(".")
    return int(seconds) * 1_000_000 + int(fraction.ljust(6, "0")[:6])
