"""A transaction as a document: the names of the Elastic Common Schema, as Packetbeat fills them.

Core. Names are escaped (`geophone_shared.names`), so that a document is printable ASCII.
"""

import base64
import hashlib
import ipaddress
import json
import struct
from collections.abc import Mapping
from typing import Any

from geophone.resource_records import Contents, decode_response
from geophone_shared.jit import Record
from geophone_shared.mnemonics import (
    opcode_name,
    query_class_name,
    query_type_name,
    response_code_name,
)
from geophone_shared.names import presentation
from geophone_shared.timestamps import rfc3339
from geophone_shared.transactions import NOTE_TEXTS, ROW, Note, Outcome, Transactions

ECS_VERSION = "8.17.0"

Fields = dict[str, object]
Row = Mapping[str, int]

_COLUMNS = ROW.names or ()

_HEADER_FLAGS = {"AA": 0x0400, "TC": 0x0200, "RD": 0x0100, "RA": 0x0080, "AD": 0x0020, "CD": 0x0010}
_FLAGS = {
    "authoritative": "AA",
    "truncated_response": "TC",
    "recursion_desired": "RD",
    "recursion_available": "RA",
    "authentic_data": "AD",
    "checking_disabled": "CD",
}
_TCP = 6
_MAPPED = 0xFFFF
"""The upper 32 bits of the lower half of an IPv4 address (`::ffff:a.b.c.d`, RFC 4291 §2.5.5.2)."""


def document_line(transactions: Transactions, row: int) -> str:
    """The document of a row as a line of JSON, in ASCII, with its line break.

    Answers are in it where the rows come with their raw responses.
    """
    responses = transactions.responses
    response = None if responses is None else responses.response(row)
    document = transaction_document(transactions.rows[row], transactions.name(row), response)
    return json.dumps(document, separators=(",", ":")) + "\n"


def transaction_document(record: Record, name: bytes, response: bytes | None) -> Fields:
    """The document of a transaction.

    Args:
        record: one `ROW`.
        name: its name in wire form.
        response: the raw response, where there was one and it was kept.
    """
    row: Row = dict(zip(_COLUMNS, record.item(), strict=True))
    has_query = row["outcome"] != Outcome.UNSOLICITED
    has_response = row["outcome"] != Outcome.UNANSWERED
    flags = row["response_flags"] if has_response else row["query_flags"]
    contents = None if response is None else decode_response(response)
    code = flags & 0xF | (0 if contents is None else contents.extended_code << 4)
    is_ok = row["outcome"] == Outcome.ANSWERED and flags & 0xF == 0
    client, server = _address(row, "client"), _address(row, "server")
    source: Fields = {"ip": str(client), "port": row["client_port"]}
    destination: Fields = {"ip": str(server), "port": row["server_port"]}
    if has_query:
        source["bytes"] = row["bytes_in"]
    if has_response:
        destination["bytes"] = row["bytes_out"]
    kind, name_class = (
        query_type_name(row["query_type"]),
        query_class_name(row["query_class"]),
    )
    text = presentation(name)
    document: Fields = {
        "@timestamp": rfc3339(row["time_us"]),
        "ecs": {"version": ECS_VERSION},
        "type": "dns",
        "status": "OK" if is_ok else "Error",
        "method": opcode_name((flags >> 11) & 0xF),
        "query": f"class {name_class}, type {kind}, {text}",
        "resource": text,
        "source": source,
        "destination": destination,
        "client": source,
        "server": destination,
        "network": {
            "type": f"ipv{client.version}",
            "transport": "tcp" if row["transport"] == _TCP else "udp",
            "protocol": "dns",
            "bytes": row["bytes_in"] + row["bytes_out"],
            "community_id": _community_id(row, client, server),
        },
        "event": _event(row, has_query=has_query, has_response=has_response),
        "related": {"ip": _related(client, server, contents)},
        "dns": {
            "id": row["dns_id"],
            "type": "answer" if has_response else "query",
            "op_code": opcode_name((flags >> 11) & 0xF),
            "response_code": response_code_name(code),
            **_flags(flags, contents),
            "question": {"name": text, "type": kind, "class": name_class, **_domain(row, name)},
            **_sections(row, contents),
        },
    }
    notes = _notes(Note(row["notes"]), contents)
    if notes:
        document["error"] = {"message": notes[0] if len(notes) == 1 else notes}
    return document


def _address(row: Row, side: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    high, low = row[f"{side}_high"], row[f"{side}_low"]
    if high == 0 and low >> 32 == _MAPPED:
        return ipaddress.IPv4Address(low & 0xFFFFFFFF)
    return ipaddress.IPv6Address(high << 64 | low)


def _community_id(row: Row, client: Any, server: Any) -> str:
    """Community ID 1.0 of the flow, seed 0 (github.com/corelight/community-id-spec)."""
    ends = sorted([(client.packed, row["client_port"]), (server.packed, row["server_port"])])
    digest = hashlib.sha1(bytes(2), usedforsecurity=False)
    digest.update(ends[0][0] + ends[1][0] + struct.pack("!BB", row["transport"], 0))
    digest.update(struct.pack("!HH", ends[0][1], ends[1][1]))
    return "1:" + base64.b64encode(digest.digest()).decode("ascii")


def _event(row: Row, *, has_query: bool, has_response: bool) -> Fields:
    """Start and end, where there was a query, and a response."""
    time_us, duration_us = row["time_us"], row["duration_us"]
    event: Fields = {
        "kind": "event",
        "category": ["network"],
        "type": ["connection", "protocol"],
        "dataset": "dns",
    }
    if has_query:
        event["start"] = rfc3339(time_us)
    if has_response:
        event["end"] = rfc3339(time_us + max(duration_us, 0))
    if has_query and has_response:
        event["duration"] = 1_000 * duration_us
    return event


def _related(client: object, server: object, contents: Contents | None) -> list[str]:
    addresses = [] if contents is None else contents.addresses
    return list(dict.fromkeys((str(client), str(server), *addresses)))


def _flags(flags: int, contents: Contents | None) -> Fields:
    header = [name for name, bit in _HEADER_FLAGS.items() if flags & bit]
    opt = None if contents is None else contents.opt
    return {
        "header_flags": header + (["DO"] if opt is not None and opt["do"] else []),
        "flags": {field: name in header for field, name in _FLAGS.items()},
    }


def _domain(row: Row, name: bytes) -> Fields:
    """The parts of a name; the root, and names without more labels, have fewer."""
    if not name:
        return {}
    offset = row["domain_offset"]
    domain = presentation(name[offset:])
    fields: Fields = {"registered_domain": domain, "etld_plus_one": domain}
    _, dot, rest = domain.partition(".")
    if dot:
        fields["top_level_domain"] = rest
    if offset:
        fields["subdomain"] = presentation(name[:offset])
    return fields


def _sections(row: Row, contents: Contents | None) -> Fields:
    fields: Fields = {
        "answers_count": row["answers"],
        "authorities_count": row["authorities"],
    }
    additionals = row["additionals"]
    # Packetbeat counts without OPT; whether there is one, only the response says.
    if contents is not None:
        fields["additionals_count"] = additionals - contents.opt_records
    elif additionals == 0:
        fields["additionals_count"] = 0
    if contents is None:
        return fields
    for section in ("answers", "authorities", "additionals"):
        records = getattr(contents, section)
        if records:
            fields[section] = records
    if contents.addresses:
        fields["resolved_ip"] = contents.addresses
    if contents.opt is not None:
        fields["opt"] = contents.opt
    return fields


def _notes(notes: Note, contents: Contents | None) -> list[str]:
    if contents is not None and not contents.is_whole and Note.CUT_BY_SNAPLEN not in notes:
        notes |= Note.MALFORMED_RESPONSE_RECORDS
    texts = [NOTE_TEXTS[note] for note in notes]
    return texts + ([] if contents is None else contents.notes)
