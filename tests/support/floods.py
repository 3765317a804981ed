"""A flood of domains that are asked for once, as an attacker sends it to hide a tunnel.

Made as arrays, a million rows in a tenth of a second.
"""

from collections.abc import Callable, Iterator

import numpy as np

from geophone_detector.detector import Detector
from geophone_shared.alerts import Alert
from geophone_shared.jit import Array
from geophone_shared.transactions import ROW, Outcome, Transactions
from tests.support.detector_rows import FAR_US, NOON_US, SECOND_US

_ALPHABET = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", np.uint8)
_LABEL = 10
_SUFFIX = np.frombuffer(b"\x03com", np.uint8)
_HOST = np.frombuffer(b"\x03www", np.uint8)
_BLOCK = 1 << 17

TUNNEL = "tunnel.example"
_TUNNEL_WIRE = b"\x06tunnel\x07example"


def flood(
    domains: int,
    start_us: int,
    duration_us: int,
    names_each: Callable[[Array], Array] = np.ones_like,
) -> Iterator[Transactions]:
    """Rows of ever new registered domains, evenly over a time.

    Args:
        domains: how many.
        start_us: time of the first.
        duration_us: until the last.
        names_each: numbers of domains → how many names each has (by default one): int64 arrays.
    """
    for first in range(0, domains, _BLOCK):
        block = np.arange(first, min(first + _BLOCK, domains))
        each = names_each(block)
        numbers = np.repeat(block, each)
        hosts = np.arange(numbers.size) - np.repeat(np.cumsum(each) - each, each)
        yield _rows(numbers, hosts, start_us + numbers * duration_us // domains)


def crawled_names(numbers: Array) -> Array:
    """How many names the domains of a crawl of the web have: of 1,000, 948 have one."""
    return np.select(
        [numbers % 1000 < 948, numbers % 1000 < 998, numbers % 10_000 < 9_999],
        [1, 2, 3],
        5,
    )


def with_tunnel(
    blocks: Iterator[Transactions], start_us: int, interval_us: int
) -> Iterator[tuple[Transactions, int]]:
    """The blocks, and between them a tunnel's names, one every `interval_us`, from `start_us` on.

    Yields:
        (rows, how many names of the tunnel are among them: 0 or 1)
    """
    sent = 0
    for block in blocks:
        first = 0
        times_us = block.rows["time_us"]
        while first < times_us.size:
            due_us = start_us + sent * interval_us
            last = first + int(np.searchsorted(times_us[first:], due_us))
            if last > first:
                yield Transactions(block.rows[first:last], block.names), 0
            if last < times_us.size:
                yield _tunnel_row(sent, due_us), 1
                sent += 1
            first = last


def opened_in_flood(
    detector: Detector, domains: int, duration_us: int, interval_us: int
) -> list[tuple[Alert, int]]:
    """What a detector opens in a flood of so many domains, with a name of the tunnel at intervals.

    Returns:
        The alerts, each with how many names the tunnel had sent until then.
    """
    sent = 0
    opened: list[tuple[Alert, int]] = []
    for rows, of_tunnel in with_tunnel(
        flood(domains, NOON_US, duration_us), NOON_US + SECOND_US, interval_us
    ):
        sent += of_tunnel
        events = detector.observe(rows, FAR_US)
        opened += [(event, sent) for event in events if event.state == "opened"]
    return opened


def _rows(numbers: Array, hosts: Array, times_us: Array) -> Transactions:
    digits = (numbers[:, np.newaxis] >> (5 * np.arange(_LABEL))) & 31
    # The host's number is the last letter of its label: www, wwx, ...
    host = np.tile(_HOST, (numbers.size, 1))
    host[:, -1] += hosts.astype(np.uint8)
    names = np.concatenate(
        [
            host,
            np.full((numbers.size, 1), _LABEL, np.uint8),
            _ALPHABET[digits],
            np.tile(_SUFFIX, (numbers.size, 1)),
        ],
        axis=1,
    )
    rows = np.zeros(numbers.size, ROW)
    rows["time_us"] = times_us
    rows["completed_us"] = times_us
    rows["name_offset"] = np.arange(numbers.size) * names.shape[1]
    rows["name_length"] = names.shape[1]
    rows["domain_offset"] = _HOST.size
    rows["client_low"] = 0xFFFF_C000_0201
    rows["outcome"] = Outcome.ANSWERED
    rows["query_type"] = 1
    rows["bytes_in"] = 40
    rows["bytes_out"] = 56
    return Transactions(rows, names.reshape(-1))


def _tunnel_row(number: int, time_us: int) -> Transactions:
    name = b"\x08%08d" % number + _TUNNEL_WIRE
    rows = np.zeros(1, ROW)
    rows["time_us"] = time_us
    rows["completed_us"] = time_us
    rows["name_length"] = len(name)
    rows["domain_offset"] = 9
    rows["client_low"] = 0xFFFF_C000_0202
    rows["outcome"] = Outcome.ANSWERED
    rows["query_type"] = 16
    rows["bytes_in"] = 60
    rows["bytes_out"] = 120
    return Transactions(rows, np.frombuffer(name, np.uint8).copy())
