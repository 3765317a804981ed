"""Golden records: what each version wrote, and what every later version must read from it.

`python -m tests.support.golden`, run in the project's root, writes the files of the current
versions where there are none yet. A file that exists is never written again: it stands for
records that are on somebody's log.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from geophone_shared.alerts import ALERT_SCHEMA_MAJOR, Alert, alert_id, to_json
from geophone_shared.batch import DecodedBatch, decode_batch, encode_batch
from geophone_shared.batch_schema import SCHEMA, SCHEMA_MAJOR
from geophone_shared.notifications import (
    NOTIFICATION_SCHEMA_MAJOR,
    Notification,
    encode_notification,
    event_of,
    incident_id,
)
from geophone_shared.summaries import ClientQueries, DomainSummary, WindowCounts
from geophone_shared.top_domains import (
    TOP_LIST_SCHEMA_MAJOR,
    ListedDomain,
    TopList,
    encode_top_list,
)
from geophone_shared.transactions import ROW, Note, Outcome, Transactions
from tests.support.rows import transactions_from, wire_name

FOLDER = Path(__file__).resolve().parents[1] / "data" / "golden"

_START_US = 1_700_000_000_000_000

RESPONSES = [b"\x12\x34\x81\x80 an answer", None, b"", None]

ALERT = Alert(
    id=alert_id("unique-hostnames", "tunnel.example", _START_US + 20_500_000),
    state="updated",
    rule="unique-hostnames",
    severity="high",
    registered_domain="tunnel.example",
    opened_at_us=_START_US + 20_500_000,
    updated_at_us=_START_US + 80_500_000,
    recovered_at_us=None,
    window_seconds=14_400,
    measure="unique_hostnames",
    value=402,
    threshold=200,
    allowed=False,
    evidence=DomainSummary(
        registered_domain="tunnel.example",
        window_seconds=14_400,
        unique_hostnames=201,
        unique_hostnames_lower=201,
        unique_hostnames_upper=201,
        exact=True,
        information_bytes=6_432,
        queries=201,
        unanswered=7,
        bytes_in=14_070,
        bytes_out=31_155,
        clients=2,
        clients_exact=True,
        top_clients=(ClientQueries("192.0.2.30", 150), ClientQueries("2001:db8::1e", 51)),
        query_types={"NULL": 190, "TXT": 10, "TYPE65399": 1},
        response_codes={"NOERROR": 180, "NXDOMAIN": 14},
        first_seen_us=_START_US,
        last_seen_us=_START_US + 20_499_250,
        sample_names=(
            "vaaaakat2v2.tunnel.example",
            "yrbeew.tunnel.example",
            "zi2aA-Aaahhh-Drink\\195\\156mal.tunnel.example",
        ),
        allowed=False,
        evidence_since_us=None,
    ),
)

NOTIFICATION = Notification(
    incident_id=incident_id("tunnel.example", ALERT.opened_at_us),
    registered_domain="tunnel.example",
    channel="email",
    result="delivered",
    targets=("soc@example.com", "admin@example.com"),
    reason=None,
    message=f"{ALERT.id}.updated.{ALERT.updated_at_us}",
    at_us=_START_US + 82_250_000,
    events=(event_of(ALERT),),
)

_IN_A_DAY = replace(
    ALERT.evidence,
    window_seconds=86_400,
    unique_hostnames=5_020,
    unique_hostnames_lower=4_890,
    unique_hostnames_upper=5_150,
    exact=False,
    information_bytes=160_640,
    queries=5_100,
    clients=18,
    clients_exact=False,
    evidence_since_us=_START_US + 1,
)

TOP_LIST = TopList(
    partition=7,
    as_of_us=_START_US + 90_000_000,
    position=1_234,
    windows=(600, 14_400, 86_400),
    domains=(
        ListedDomain(
            _IN_A_DAY,
            (
                WindowCounts(600, 3, 3, 3, exact=True, information_bytes=96),
                WindowCounts(14_400, 201, 201, 201, exact=True, information_bytes=6_432),
                WindowCounts(86_400, 5_020, 4_890, 5_150, exact=False, information_bytes=160_640),
            ),
        ),
        ListedDomain(
            replace(
                ALERT.evidence,
                registered_domain="wpad",
                window_seconds=86_400,
                unique_hostnames=1,
                unique_hostnames_lower=1,
                unique_hostnames_upper=1,
                information_bytes=0,
                queries=12,
                top_clients=(),
                query_types={},
                response_codes={},
                sample_names=(),
                allowed=True,
            ),
            (WindowCounts(86_400, 1, 1, 1, exact=True, information_bytes=0),),
        ),
    ),
)


def golden_transactions() -> Transactions:
    """Four rows that between them use every kind of value."""
    names = [
        wire_name(b"WWW", b"example", b"co", b"uk"),
        wire_name(b"\x00\xff.\\", b"tunnel", b"example"),
        b"",
        wire_name(b"a" * 63, b"b" * 63, b"c" * 63, b"d" * 61),
    ]
    rows = np.zeros(4, ROW)
    rows["time_us"] = _START_US + np.array([0, 5, 12_000_000, 9_000_000])
    rows["completed_us"] = _START_US + np.array([40_000, 10_000_005, 12_000_000, 19_000_000])
    rows["outcome"] = [
        Outcome.ANSWERED,
        Outcome.UNANSWERED,
        Outcome.UNSOLICITED,
        Outcome.UNANSWERED,
    ]
    rows["duration_us"] = [40_000, -1, -1, -1]
    rows["transport"] = [17, 17, 6, 17]
    rows["client_high"] = [0, 0, 0x20010DB8_00000000, 2**64 - 1]
    rows["client_low"] = [0xFFFF_C000_021E, 0xFFFF_C000_021F, 1, 2**64 - 1]
    rows["server_low"] = [0xFFFF_C000_0235, 0xFFFF_C000_0235, 0x35, 0]
    rows["client_port"] = [40_000, 65_535, 1_024, 0]
    rows["server_port"] = 53
    rows["dns_id"] = [0x1234, 0, 65_535, 1]
    rows["domain_offset"] = [4, 5, 0, 192]
    rows["query_type"] = [1, 10, 65_399, 255]
    rows["query_class"] = [1, 1, 3, 65_535]
    rows["query_flags"] = [0x0100, 0x0110, 0, 0x7FFF]
    rows["response_flags"] = [0x8180, 0, 0x8183, 0]
    rows["bytes_in"] = [35, 47, 0, 300]
    rows["bytes_out"] = [120, 0, 2**32 - 1, 0]
    rows["answers"] = [2, 0, 65_535, 0]
    rows["authorities"] = [1, 0, 0, 0]
    rows["additionals"] = [1, 0, 0, 0]
    rows["notes"] = [
        0,
        Note.NO_RESPONSE,
        Note.NO_QUERY | Note.TRAILING_BYTES,
        Note.NO_RESPONSE | Note.INPUT_ENDED,
    ]
    return transactions_from(rows, names)


def rows_as_json(batch: DecodedBatch) -> list[dict[str, object]]:
    """The rows by column, in the order of the schema; bytes in hexadecimal."""
    transactions = batch.transactions
    described = []
    for i, row in enumerate(transactions.rows):
        fields: dict[str, object] = {}
        for name in SCHEMA.names:
            if name == "name":
                fields[name] = transactions.name(i).hex()
            elif name.endswith("_address"):
                side = name.removesuffix("_address")
                fields[name] = f"{int(row[f'{side}_high']):016x}{int(row[f'{side}_low']):016x}"
            else:
                fields[name] = int(row[name])
        response = batch.response(i)
        described.append(fields | {"response": None if response is None else response.hex()})
    return described


def _write(name: str, data: bytes) -> None:
    path = FOLDER / name
    if not path.exists():
        path.write_bytes(data)


def _to_text(value: object) -> bytes:
    return json.dumps(value, indent=2).encode("ascii") + b"\n"


if __name__ == "__main__":
    batch = encode_batch(golden_transactions(), RESPONSES)
    FOLDER.mkdir(exist_ok=True)
    _write(f"batch-{SCHEMA_MAJOR}.bin", batch)
    _write(f"batch-{SCHEMA_MAJOR}.json", _to_text(rows_as_json(decode_batch(batch))))
    _write(f"alert-{ALERT_SCHEMA_MAJOR}.json", _to_text(to_json(ALERT)))
    _write(f"top-domains-{TOP_LIST_SCHEMA_MAJOR}.bin", encode_top_list(TOP_LIST))
    notification = json.loads(encode_notification(NOTIFICATION))
    _write(f"notification-{NOTIFICATION_SCHEMA_MAJOR}.json", _to_text(notification))
