"""A file stolen by DNSExfiltrator at six request sizes: at which name the rules notice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from geophone.replay import ReplayOptions, replay
from tests.support.generator.arrivals import Mixture
from tests.support.generator.pcap import pcap_chunks
from tests.support.generator.shapes import ordinary_shapes
from tests.support.generator.tunnels import dns_exfiltrator

FILE_BYTES = 28_657
REQUEST_BYTES = (255, 225, 185, 145, 105, 65)


@dataclass(frozen=True)
class Theft:
    """What a replay said of one.

    Attributes:
        request_bytes: the longest name that the tool may send.
        names: distinct hostnames that it took.
        information_bytes: what those carried.
        burst_at_name: the name at which the rule `burst` opened; None where it didn't.
        burst_after_seconds: the same in time since the first of the names.
        is_seen_by_published_rule: whether `unique-hostnames` opened.
    """

    request_bytes: int
    names: int
    information_bytes: int
    burst_at_name: int | None
    burst_after_seconds: float | None
    is_seen_by_published_rule: bool


def thefts(folder: Path) -> Iterator[Theft]:
    """Each theft in a capture of its own, amid ordinary traffic, from packets to alerts."""
    for request_bytes in REQUEST_BYTES:
        tunnel = dns_exfiltrator(request_bytes, FILE_BYTES)
        assert tunnel.names is not None
        mixture = Mixture(
            seed=request_bytes,
            seconds=tunnel.names / tunnel.names_per_second + 60,
            ordinary_per_second=20,
            tunnels=(tunnel,),
            shapes=ordinary_shapes(5_000),
        )
        capture = folder / f"{request_bytes}.pcap"
        with capture.open("wb") as file:
            file.writelines(pcap_chunks(mixture))
        report = replay(ReplayOptions(files=(str(capture),), top=100_000), None)
        yield _theft(request_bytes, tunnel.domain, report)


def theft_table(found: Sequence[Theft]) -> str:
    """The thefts in Markdown."""
    lines = [
        "| longest name | hostnames | information | `burst` opens | after | `unique-hostnames` |",
        "|---:|---:|---:|---:|---:|---|",
    ]
    for theft in found:
        burst = ("missed", "")
        if theft.burst_at_name is not None:
            burst = (f"at name {theft.burst_at_name}", f"{theft.burst_after_seconds:.1f} s")
        lines.append(
            f"| {theft.request_bytes} B | {theft.names} | {theft.information_bytes:,} B |"
            f" {burst[0]} | {burst[1]} |"
            f" {'opens' if theft.is_seen_by_published_rule else '**missed**'} |"
        )
    return "\n".join(lines)


def _theft(request_bytes: int, domain: str, report: Any) -> Theft:
    (top,) = [row for row in report["top_domains"] if row["registered_domain"] == domain]
    alerts = {
        alert["rule"]: alert for alert in report["alerts"] if alert["registered_domain"] == domain
    }
    burst = alerts.get("burst")
    return Theft(
        request_bytes=request_bytes,
        names=top["unique_hostnames"],
        information_bytes=top["information_bytes"],
        burst_at_name=burst["evidence"]["unique_hostnames"] if burst else None,
        burst_after_seconds=_seconds(top["first_seen"], burst["opened_at"]) if burst else None,
        is_seen_by_published_rule="unique-hostnames" in alerts,
    )


def _seconds(first: str, last: str) -> float:
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()
