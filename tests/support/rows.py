"""Transactions for tests: random rows with names of any bytes, and a plain check of their rules."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from geophone_shared.jit import Array
from geophone_shared.timestamps import LATEST_TIME_US
from geophone_shared.transactions import LONGEST_NAME_BYTES, ROW, Outcome, Transactions

_FIRST_TIME_US = 1_282_356_664_000_000


def wire_name(*labels: bytes) -> bytes:
    """The wire form of a name without the root label."""
    return b"".join(bytes([len(label)]) + label for label in labels)


def borders(name: bytes) -> list[int]:
    """Where labels start in a wire name, and its end."""
    found = [0]
    while found[-1] < len(name):
        found.append(found[-1] + 1 + name[found[-1]])
    return found


def transactions_from(
    rows: Array, names: Sequence[bytes], *, gap: bytes = b"", backwards: bool = False
) -> Transactions:
    """Rows with these names, which lie `gap` apart in the buffer, in order or `backwards`."""
    order = range(len(names))
    buffer = bytearray(gap)
    for i in reversed(order) if backwards else order:
        rows[i]["name_offset"] = len(buffer)
        rows[i]["name_length"] = len(names[i])
        buffer += names[i] + gap
    return Transactions(rows, np.frombuffer(bytes(buffer), np.uint8).copy())


def random_transactions(rows: int, seed: int = 0, *, names: int = 500) -> Transactions:
    """Rows as of a busy resolver: a few clients, many ports and ids, `names` host names."""
    rng = np.random.default_rng(seed)
    made = np.zeros(rows, ROW)
    made["time_us"] = _FIRST_TIME_US + np.cumsum(rng.integers(0, 1_000, rows))
    made["completed_us"] = np.sort(made["time_us"] + rng.integers(0, 100_000, rows))
    made["outcome"] = rng.choice([0, 0, 0, 0, 1, 2], rows)
    made["duration_us"] = np.where(made["outcome"] == 0, rng.integers(0, 90_000, rows), -1)
    for side, hosts in (("client", 200), ("server", 3)):
        made[f"{side}_low"] = 0xFFFF_0A00_0000 + rng.integers(0, hosts, rows)
    made["client_port"] = rng.integers(1_024, 65_536, rows)
    made["server_port"] = 53
    made["dns_id"] = rng.integers(0, 65_536, rows)
    made["query_type"] = rng.choice([1, 28, 65], rows)
    made["query_class"] = 1
    made["query_flags"] = np.where(made["outcome"] == 2, 0, 0x0100)
    made["response_flags"] = np.where(made["outcome"] == 1, 0, 0x8180)
    made["bytes_in"] = rng.integers(30, 60, rows)
    made["bytes_out"] = rng.integers(50, 300, rows)
    made["answers"] = rng.integers(0, 4, rows)
    made["transport"] = 17
    made["domain_offset"] = 9
    pool = [wire_name(b"host%04d" % i, b"example", b"com") for i in range(names)]
    return transactions_from(made, [pool[i] for i in rng.integers(0, names, rows)])


@st.composite
def wire_names(draw: st.DrawFn) -> bytes:
    """Names of any bytes, up to the longest that there is."""
    name = b""
    for label in draw(st.lists(st.binary(min_size=1, max_size=63), max_size=6)):
        if len(name) + 1 + len(label) <= LONGEST_NAME_BYTES:
            name += wire_name(label)
    return name


@st.composite
def transactions(draw: st.DrawFn, most_rows: int = 12) -> Transactions:
    """Rows that hold to every rule of the batch, with any value in every other bit."""
    names = draw(st.lists(wire_names(), max_size=most_rows))
    seed = draw(st.integers(0, 2**32 - 1))
    rows = np.frombuffer(np.random.default_rng(seed).bytes(ROW.itemsize * len(names)), ROW).copy()
    times = st.integers(0, LATEST_TIME_US)
    rows["completed_us"] = sorted(draw(times) for _ in names)
    for i, name in enumerate(names):
        outcome = draw(st.sampled_from(Outcome))
        rows[i]["time_us"] = draw(times)
        rows[i]["outcome"] = outcome
        rows[i]["duration_us"] = -1 if outcome else draw(st.integers(0, 2**31 - 1))
        rows[i]["transport"] = draw(st.sampled_from([6, 17]))
        rows[i]["domain_offset"] = draw(st.sampled_from(borders(name)))
    return transactions_from(
        rows, names, gap=draw(st.binary(max_size=3)), backwards=draw(st.booleans())
    )


def same_transactions(one: Transactions, other: Transactions) -> bool:
    """Whether the rows and their names are the same, wherever the names lie."""
    fields = [field for field in ROW.names or () if field != "name_offset"]
    return (
        len(one.rows) == len(other.rows)
        and all(np.array_equal(one.rows[field], other.rows[field]) for field in fields)
        and all(one.name(i) == other.name(i) for i in range(len(one.rows)))
    )


def broken_rule(transactions: Transactions) -> str | None:
    """The rule that the first bad row breaks, in the words of the records' documentation.

    Plain Python, as the oracle of the kernel that checks rows.
    """
    clock_us = 0
    for i, row in enumerate(transactions.rows):
        name = transactions.name(i)
        labels = list(_labels(name))
        found = {
            "row_time": not all(
                0 <= int(row[field]) <= LATEST_TIME_US for field in ("time_us", "completed_us")
            ),
            "row_order": int(row["completed_us"]) < clock_us,
            "row_outcome": int(row["outcome"]) not in set(Outcome),
            "row_duration": (int(row["duration_us"]) >= 0) != (row["outcome"] == Outcome.ANSWERED)
            or int(row["duration_us"]) < -1,
            "row_transport": int(row["transport"]) not in {6, 17},
            "row_name": len(name) > LONGEST_NAME_BYTES
            or not all(1 <= len(label) <= 63 for label in labels)
            or wire_name(*labels) != name,
        }
        for rule, is_broken in found.items():
            if is_broken:
                return rule
        if int(row["domain_offset"]) not in borders(name):
            return "row_domain_offset"
        clock_us = int(row["completed_us"])
    return None


def _labels(name: bytes) -> list[bytes]:
    labels = []
    while name:
        labels.append(name[1 : 1 + name[0]])
        name = name[1 + name[0] :]
    return labels
