"""Three processes share an interface: each flow in one of them, each packet once, none missing."""

from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import chain
from pathlib import Path

import pytest

from geophone_shared.bus.embedded import open_embedded_bus
from geophone_shared.transactions import ROW, Outcome
from tests.support.dns_messages import QUERY, RESPONSE, message
from tests.support.namespaces import VethPair, frame_sender, veth_pair
from tests.support.packets import CLIENT, SERVER, ethernet, ipv4, udp
from tests.support.published import published, rows_in
from tests.support.service_processes import ANY_PORT, COMMAND, started
from tests.support.tunnels import until
from tests.support.watching import Watching, watch

FLOWS = 90
EXCHANGES = 4 * FLOWS
_COLUMNS = [list(ROW.fields or ()).index(name) for name in ("client_port", "dns_id", "outcome")]


@pytest.fixture
def pair() -> Iterator[VethPair]:
    with veth_pair(has_ipv6=False) as made:
        yield made


async def test_three_processes_share_flows(pair: VethPair, tmp_path: Path) -> None:
    folders = [tmp_path / f"member-{place}" for place in range(3)]
    async with AsyncExitStack() as stack:
        members = []
        for folder in folders:  # one after the other, as the first may have to compile kernels
            run = started(
                *("run", "--interface", pair.interface, "--fanout-group", "4711"),
                *("--http", ANY_PORT, "--data-dir", str(folder)),
                command=pair.far.command(*COMMAND),
            )
            members.append(await stack.enter_async_context(run))
            await members[-1].until_said("capturing")
        watched = [await watch(member, pair.far) for member in members]
        exchange_messages(pair)
        await until(lambda: sum(map(packets, watched)) >= 2 * EXCHANGES, "every packet")
        assert [await member.stop() for member in members] == [0, 0, 0]
    rows = [await rows_on(folder) for folder in folders]
    # A packet twice, or a query without its response, would be a row too many or another outcome.
    assert sorted(chain.from_iterable(rows)) == sorted(
        (port_of(number), number, Outcome.ANSWERED) for number in range(EXCHANGES)
    )
    ports = [{port for port, _, _ in each} for each in rows]
    assert Counter(chain.from_iterable(ports)).most_common(1)[0][1] == 1
    assert sum(bool(each) for each in ports) > 1


def packets(member: Watching) -> float:
    """How many the kernel gave it."""
    return member.metric('geophone_capture_packets_total{interface="wire"}')


def port_of(number: int) -> int:
    return 40_000 + number % FLOWS


def exchange_messages(pair: VethPair) -> None:
    """Queries from one side, each with its response from the other: the far side sees both."""
    with frame_sender(pair.near) as near, frame_sender(pair.far) as far:
        for number in range(EXCHANGES):
            port = port_of(number)
            query = udp(message(dns_id=number, flags=QUERY), port, 53)
            response = udp(message(dns_id=number, flags=RESPONSE), 53, port)
            near.send(ethernet(ipv4(query)))
            far.send(ethernet(ipv4(response, source=SERVER, destination=CLIENT)))


async def rows_on(folder: Path) -> list[tuple[object, ...]]:
    """(client's port, id, outcome) of each transaction on a log."""
    async with open_embedded_bus(folder / "log.sqlite") as bus:
        rows = rows_in(await published(bus))
    return [tuple(row[column] for column in _COLUMNS) for row, _ in rows]
