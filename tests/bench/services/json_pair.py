"""What it is compared with: a record of JSON for each transaction, and sets of Python that count.

As people write it with aiokafka. Two scripts, which say that they are ready, begin at a line of
standard input, and say how many they did.
"""

import asyncio
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.support.detector_service import rows_of

TOPIC = "bench-json"

_FIELDS = (
    "time_us",
    "completed_us",
    "duration_us",
    "outcome",
    "transport",
    "client_port",
    "server_port",
    "dns_id",
    "query_type",
    "query_class",
    "query_flags",
    "response_flags",
    "bytes_in",
    "bytes_out",
    "answers",
    "authorities",
    "additionals",
    "notes",
)


def transactions_of(capture: Path) -> list[dict[str, Any]]:
    """Each transaction as a dictionary. That they need not be made is not counted."""
    transactions = rows_of(capture)
    columns = [transactions.rows[name].tolist() for name in _FIELDS]
    made = []
    for index, values in enumerate(zip(*columns, strict=True)):
        name, offset = transactions.name(index), int(transactions.rows[index]["domain_offset"])
        made.append(
            dict(zip(_FIELDS, values, strict=True))
            | {
                "client_address": _address(transactions.rows[index]["client_low"]),
                "server_address": _address(transactions.rows[index]["server_low"]),
                "name": _presented(name),
                "registered_domain": _presented(name[offset:]).lower(),
            }
        )
    return made


def _address(low: np.uint64) -> str:
    return ".".join(str(int(low) >> shift & 0xFF) for shift in (24, 16, 8, 0))


def _presented(wire: bytes) -> str:
    labels, at = [], 0
    while at < len(wire):
        labels.append(wire[at + 1 : at + 1 + wire[at]].decode("latin-1"))
        at += 1 + wire[at]
    return ".".join(labels)


async def _send(servers: str, capture: Path) -> int:
    transactions = transactions_of(capture)
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all")
    await producer.start()
    try:
        await _begin()
        for each in transactions:
            key = each["registered_domain"].encode("latin-1", "replace")
            await producer.send(TOPIC, json.dumps(each).encode(), key=key)
        await producer.flush()
    finally:
        await producer.stop()
    return len(transactions)


async def _count(servers: str, transactions: int) -> int:
    names: dict[str, set[str]] = defaultdict(set)
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=servers, auto_offset_reset="earliest")
    await consumer.start()
    counted = 0
    try:
        await _begin()
        async for record in consumer:
            each = json.loads(record.value)
            names[each["registered_domain"]].add(each["name"].lower())
            counted += 1
            if counted == transactions:
                break
    finally:
        await consumer.stop()
    return sum(len(each) for each in names.values())


async def _begin() -> None:
    _say("ready")
    await asyncio.to_thread(sys.stdin.readline)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    role, servers, what = sys.argv[1:]
    if role == "send":
        _say(str(asyncio.run(_send(servers, Path(what)))))
    else:
        _say(str(asyncio.run(_count(servers, int(what)))))
