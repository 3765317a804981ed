"""Rows for tests of the detector, written in the terms that it counts by."""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from geophone_shared.transactions import ROW, Outcome, Transactions
from tests.support.rows import transactions_from, wire_name

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
YEAR_US = 365 * DAY_US

NOON_US = 1_700_006_400_000_000 // HOUR_US * HOUR_US
"""The start of a pane, long after the epoch."""

DOMAIN = "pirate.sea"

FAR_US = 1 << 60
"""Later than any row: nothing is dated too late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A transaction; `name` is wire form, `client` an address, times are µs since the epoch."""

    name: bytes
    domain_offset: int
    completed_us: int
    time_us: int
    client: str = "192.0.2.1"
    outcome: Outcome = Outcome.ANSWERED
    query_type: int = 1
    response_code: int = 0
    bytes_in: int = 40
    bytes_out: int = 100


def name_of(host: str, domain: str) -> tuple[bytes, int]:
    """The wire form of `host` (may be empty) under `domain`, and where the domain starts."""
    labels = [label.encode("ascii") for label in (*host.split("."), *domain.split(".")) if label]
    return wire_name(*labels), len(host) + 1 if host else 0


def row(
    host: str,
    domain: str,
    completed_us: int,
    *,
    time_us: int | None = None,
    client: str = "192.0.2.1",
    outcome: Outcome = Outcome.ANSWERED,
) -> Row:
    """A row of a name under the registered domain `domain`, by default of when it completed."""
    name, domain_offset = name_of(host, domain)
    return Row(
        name=name,
        domain_offset=domain_offset,
        completed_us=completed_us,
        time_us=completed_us if time_us is None else time_us,
        client=client,
        outcome=outcome,
    )


def hosts(numbers: Iterable[int], at_us: int, *, prefix: str = "h") -> list[Row]:
    """A row per host of `DOMAIN`, 1 µs apart; each has three information bytes."""
    return [
        row(f"{prefix}{number:02}", DOMAIN, at_us + index) for index, number in enumerate(numbers)
    ]


def from_clients(addresses: Iterable[str]) -> list[Row]:
    """A row of one and the same name from each of the addresses."""
    return [row("a", DOMAIN, NOON_US, client=address) for address in addresses]


def transactions_of(rows: Sequence[Row]) -> Transactions:
    """The rows as the detector gets them."""
    made = np.zeros(len(rows), ROW)
    for index, one in enumerate(rows):
        address = address_number(one.client)
        made[index]["completed_us"] = one.completed_us
        made[index]["time_us"] = one.time_us
        made[index]["client_high"] = address >> 64
        made[index]["client_low"] = address & (2**64 - 1)
        made[index]["outcome"] = one.outcome
        made[index]["query_type"] = one.query_type
        made[index]["response_flags"] = 0x8180 | one.response_code
        made[index]["bytes_in"] = one.bytes_in
        made[index]["bytes_out"] = one.bytes_out
        made[index]["domain_offset"] = one.domain_offset
    return transactions_from(made, [one.name for one in rows])


def address_number(address: str) -> int:
    """An address as 128 bits, IPv4 as `::ffff:a.b.c.d`."""
    parsed = ipaddress.ip_address(address)
    return int(parsed) | (0xFFFF << 32 if parsed.version == 4 else 0)
