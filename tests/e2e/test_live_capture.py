"""`geophone run --interface` beside tcpdump on the same cable: it says what replay says of that.

The tunnels are real, and in network namespaces of the test's own.
"""

import json
import socket
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support import outside
from tests.support.mail_server import MailServer, ReceivedMail, open_mail_server
from tests.support.namespaces import VethPair, require_namespaces, veth_pair
from tests.support.service_processes import (
    ANY_PORT,
    COMMAND,
    ServiceProcess,
    alert_ids,
    mail_environment,
    opened_ids,
    replayed,
    started,
)
from tests.support.tunnels import dns2tcp, iodine, running, until
from tests.support.watching import watch

SMALL_MTU_BYTES = 576
_SO_TIMESTAMP = 29  # socket(7); Python's module has no name for it


@pytest.fixture
def _one_date_a_packet() -> Iterator[None]:
    """While somebody wants times the kernel dates a packet when it comes, for all who read it.

    Otherwise each of them dates it anew, some µs later, and alerts have other ids.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as somebody:
        somebody.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMP, 1)
        yield


@pytest.fixture
def pair(_one_date_a_packet: None) -> Iterator[VethPair]:
    require_namespaces()
    for tool in ("iodine", "iodined", "dns2tcpc", "dns2tcpd", "tcpdump"):
        outside.require_tool(tool)
    if not Path("/dev/net/tun").exists():
        outside.report_missing("/dev/net/tun is missing: modprobe tun")
    with veth_pair() as made:
        yield made


async def test_real_tunnels_are_counted_as_in_tcpdumps_file(pair: VethPair, tmp_path: Path) -> None:
    capture = tmp_path / "seen.pcap"
    tcpdump = ("tcpdump", "-i", pair.interface, "-U", "-s", 0, "-B", 16_384, "-Z", "root")
    bound = pair.far.socket()
    bound.bind(("127.0.0.1", 0))
    async with (
        open_mail_server(bound=bound) as mails,
        started(
            *("run", "--interface", pair.interface, "--http", ANY_PORT),
            *("--data-dir", str(tmp_path)),
            environment=mail_environment(mails.port),
            command=pair.far.command(*COMMAND),
        ) as service,
        running(pair.far, *tcpdump, "-w", capture) as recorder,
    ):
        await service.until_said("capturing")
        watching = await watch(service, pair.far)
        await until(lambda: capture.exists() and capture.stat().st_size > 0, "the start of tcpdump")
        for record_type, fragment_bytes in (("NULL", 1_000), ("TXT", 300), ("CNAME", 100)):
            domain = f"t.{record_type.lower()}-tunnel.example"
            await iodine(pair, domain, record_type, fragment_bytes)
            await mails_of(mails, service, domain)
        await dns2tcp(pair, "t.dns2tcp-tunnel.example", 10_240)
        await mails_of(mails, service, "t.dns2tcp-tunnel.example")
        for space in (pair.near, pair.far):
            space.ip("link", "set", pair.interface, "mtu", SMALL_MTU_BYTES)
        await iodine(pair, "t.pieces-tunnel.example", "NULL", 1_000, is_forwarded=True)
        await mails_of(mails, service, "t.pieces-tunnel.example")
        await until(lambda: watching.metric("geophone_capture_pending_queries") == 0, "timeouts")
        recorder.terminate()
        await recorder.wait()
        report = replayed(capture)
        await until(lambda: watching.shows(report), "the same as in the file")
        packets = f'geophone_capture_packets_total{{interface="{pair.interface}"}}'
        assert watching.metric(packets) >= report["transactions"]["total"]
        assert watching.metric(packets.replace("packets", "kernel_drops")) == 0
        assert watching.metric("geophone_detector_transactions_total") == sum(
            domain["queries"] for domain in report["top_domains"]
        )
        assert await service.stop() == 0
    assert opened_ids(service) == alert_ids(report)
    assert _fragments(capture) > 0


async def test_an_interface_that_is_down_is_told_and_comes_back(tmp_path: Path) -> None:
    with veth_pair() as pair:
        arguments = ("run", "--interface", pair.interface, "--http", ANY_PORT)
        data = ("--data-dir", str(tmp_path))
        command = pair.far.command(*COMMAND)
        async with started(*arguments, *data, command=command) as service:
            await service.until_said("capturing")
            watching = await watch(service, pair.far)

            def interface_check() -> dict[str, Any]:
                checks = json.loads(watching.answer("/readyz"))
                [check] = [each for each in checks if each["name"] == "capture_interfaces"]
                return dict(check)

            await until(lambda: interface_check()["ok"], "readiness")
            pair.near.ip("link", "set", pair.interface, "down")
            await until(lambda: not interface_check()["ok"], "the news that it is down")
            assert interface_check()["detail"] == f"down: {pair.interface}"
            label = f'{{interface="{pair.interface}"}}'
            assert watching.metric(f"geophone_capture_interface_downs_total{label}") == 1
            assert watching.metric(f"geophone_capture_interface_up{label}") == 0
            pair.near.ip("link", "set", pair.interface, "up")
            await until(lambda: interface_check()["ok"], "the news that it is up")
            assert await service.stop() == 0


async def mails_of(mails: MailServer, service: ServiceProcess, domain: str) -> None:
    """Wait for the mail of a tunnel; print when it came after the packet that completed it."""
    registered = domain.partition(".")[2]
    subject = registered.replace(".", "[.]").encode()

    def mail() -> ReceivedMail | None:
        return next((each for each in mails.received if subject in each.content), None)

    await until(lambda: mail() is not None, f"the mail of {domain}")
    events = [json.loads(line) for line in service.lines]
    opened = min(
        datetime.fromisoformat(event["event"]["start"]).timestamp()
        for event in events
        if event["dns"]["question"]["registered_domain"] == registered
    )
    found = mail()
    assert found is not None
    print(f"\n{registered}: the mail came {found.arrived_seconds - opened:.2f} s after the packet")  # noqa: T201


def _fragments(capture: Path) -> int:
    done = subprocess.run(
        ["tcpdump", "-nr", str(capture), "ip[6:2] & 0x1fff != 0"],
        capture_output=True,
        check=True,
        text=True,
    )
    return len(done.stdout.splitlines())
