"""Kernels: names, rows and packets of exchanges (RFC 1035 §4; classic pcap).

All in one file: numba's cache would not see that a callee in another one has changed.
"""

import numpy as np

from geophone_shared.jit import Array, Record, inner_kernel, int64, kernel
from geophone_shared.transactions import Note, Outcome
from tests.support.generator.names import CODE, COUNT, OCTETS, TEXT, WORD, NameTables

CLIENTS = 0x0A000000  # 10.0.0.0/8
RESOLVER = 0xC0000235  # 192.0.2.53 (RFC 5737)
OPT_BYTES = 11
LONGEST_PACKET_BYTES = 16 + 42 + 12 + 255 + 4 + 12 + OPT_BYTES  # and the answer's data

_MAPPED = 0xFFFF << 32  # ::ffff:0:0/96
_ANSWERED = int(Outcome.ANSWERED)
_UNANSWERED = int(Outcome.UNANSWERED)
_NO_RESPONSE = int(Note.NO_RESPONSE)
_ID_REUSED = int(Note.ID_REUSED)
_TXT = 16
_FQDN_TYPES = (2, 5, 12)  # NS, CNAME, PTR: the data is a name
_MX = 15
_HTTPS = 65


@inner_kernel
def _mix(value: np.uint64) -> np.uint64:
    """The next number after `value` of splitmix64."""
    mixed = value + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


@inner_kernel
def _write_decimal(value: int, out: Array, at: int) -> int:
    divisor = int64(1)
    while value // divisor >= 10:
        divisor *= 10
    while divisor > 0:
        out[at] = np.uint8(48 + value // divisor % 10)
        at += 1
        divisor //= 10
    return at


@inner_kernel
def _write_name(tables: NameTables, exchange: Record, out: Array, start: int) -> tuple[int, int]:
    """Write a wire name without the root label.

    Returns:
        Where the registered domain starts, and where the name ends.
    """
    host = int64(exchange["host"])
    domain = int64(exchange["domain"])
    template = int64(exchange["template"])
    literals, pieces = tables.literals, tables.pieces
    state = _mix(np.uint64(host) ^ _mix(np.uint64((domain << 16) | template)))
    label, at = start, start + 1
    for i in range(tables.first_piece[template], tables.first_piece[template + 1]):
        kind, first, count = pieces[i]["kind"], int64(pieces[i]["first"]), int64(pieces[i]["count"])
        if kind == WORD:
            word = first + host % count
            for j in range(tables.word_ends[word], tables.word_ends[word + 1]):
                out[at] = literals[j]
                at += 1
            if host >= count:
                at = _write_decimal(host // count, out, at)
        elif kind == COUNT:
            at = _write_decimal(host, out, at)
        elif kind == TEXT:
            for j in range(first, first + count):
                if literals[j] == 46:
                    out[label] = np.uint8(at - label - 1)
                    label = at
                else:
                    out[at] = literals[j]
                at += 1
        elif kind == OCTETS:
            for j in range(count):
                if j > 0:
                    out[label] = np.uint8(at - label - 1)
                    label = at
                    at += 1
                octet = (state >> np.uint64(8 * j)) & np.uint64(255)
                at = _write_decimal(int64(octet), out, at)
        elif kind == CODE:
            low, high = int64(pieces[i]["low"]), int64(pieces[i]["high"])
            length = low + int64(state % np.uint64(high - low + 1))
            split = int64(pieces[i]["split"])
            for j in range(length):
                if j > 0 and j % split == 0:
                    out[label] = np.uint8(at - label - 1)
                    label = at
                    at += 1
                if j % 8 == 0:
                    state = _mix(state)
                random = (state >> np.uint64(8 * (j % 8))) & np.uint64(255)
                out[at] = literals[first + int64(random) * count // 256]
                at += 1
    domain_at = start
    if at > start + 1:
        out[label] = np.uint8(at - label - 1)
        domain_at = at
    at = domain_at
    for j in range(tables.domain_ends[domain], tables.domain_ends[domain + 1]):
        out[at] = tables.domains[j]
        at += 1
    bits = np.uint64(exchange["case_bits"])
    if bits != 0:  # a label's length is at most 63, so it is no letter
        for j in range(start, at):
            is_upper = (bits >> np.uint64((j - start) % 64)) & np.uint64(1)
            if is_upper and 97 <= out[j] <= 122:
                out[j] = out[j] - np.uint8(32)
    return domain_at, at


@kernel
def measure_names(
    tables: NameTables, exchanges: Array, buffer: Array, hashes: Array, information: Array
) -> None:
    """A hash of every lower-cased name, and its information bytes (`DESIGN`: inner dots count).

    Args:
        tables: templates and domains.
        exchanges: `EXCHANGE` array.
        buffer: uint8, room for one name.
        hashes: uint64, one for each exchange.
        information: int64, one for each exchange.
    """
    for i in range(exchanges.size):
        domain_at, end = _write_name(tables, exchanges[i], buffer, int64(0))
        state = np.uint64(end)
        for j in range(end):
            byte = np.uint64(buffer[j])
            if 65 <= buffer[j] <= 90:
                byte += np.uint64(32)
            state = (state ^ byte) * np.uint64(0x100000001B3)
            state ^= state >> np.uint64(29)
        hashes[i] = _mix(state)
        # A label's length byte stands for the dot before it; the first has none.
        information[i] = max(domain_at - 1, 0)


@kernel
def write_rows(tables: NameTables, exchanges: Array, rows: Array, names: Array) -> int:
    """Fill a `ROW` for each exchange.

    Args:
        tables: templates and domains.
        exchanges: `EXCHANGE` array.
        rows: `ROW` array as long, all zero.
        names: uint8, room for a longest name for each row.

    Returns:
        How many bytes of `names` are used.
    """
    used = int64(0)
    for i in range(exchanges.size):
        exchange = exchanges[i]
        domain_at, end = _write_name(tables, exchange, names, used)
        edns = OPT_BYTES * int64(exchange["has_edns"])
        query_bytes = 12 + (end - used) + 1 + 4
        rows[i]["time_us"] = exchange["time_us"]
        rows[i]["completed_us"] = exchange["completed_us"]
        rows[i]["client_low"] = np.uint64(_MAPPED | (CLIENTS + int64(exchange["client"])))
        rows[i]["server_low"] = np.uint64(_MAPPED | RESOLVER)
        rows[i]["client_port"] = exchange["client_port"]
        rows[i]["server_port"] = 53
        rows[i]["dns_id"] = exchange["dns_id"]
        rows[i]["query_type"] = exchange["query_type"]
        rows[i]["query_class"] = 1
        rows[i]["query_flags"] = 0x0100
        rows[i]["bytes_in"] = query_bytes + edns
        rows[i]["transport"] = 17
        rows[i]["outcome"] = exchange["outcome"]
        rows[i]["name_offset"] = used
        rows[i]["name_length"] = end - used
        rows[i]["domain_offset"] = domain_at - used
        if exchange["outcome"] == _ANSWERED:
            answer = int64(exchange["answer_bytes"])
            rows[i]["duration_us"] = exchange["duration_us"]
            rows[i]["response_flags"] = 0x8180 | int64(exchange["rcode"])
            rows[i]["answers"] = 1 if answer > 0 else 0
            rows[i]["additionals"] = 1 if edns > 0 else 0
            rows[i]["bytes_out"] = query_bytes + edns + (12 + answer if answer > 0 else 0)
        else:
            rows[i]["duration_us"] = -1
            rows[i]["notes"] = _NO_RESPONSE | (_ID_REUSED if exchange["is_reused"] else 0)
        used = end
    return used


@inner_kernel
def _put16(out: Array, at: int, value: int) -> None:
    out[at] = np.uint8((value >> 8) & 255)
    out[at + 1] = np.uint8(value & 255)


@inner_kernel
def _put32(out: Array, at: int, value: int) -> None:
    _put16(out, at, value >> 16)
    _put16(out, at + 2, value & 0xFFFF)


@inner_kernel
def _put32_little(out: Array, at: int, value: int) -> None:
    for i in range(4):
        out[at + i] = np.uint8((value >> (8 * i)) & 255)


@inner_kernel
def _write_answer(exchange: Record, out: Array, at: int) -> int:
    """One record whose owner is the question's name; its data decodes as its type says."""
    length = int64(exchange["answer_bytes"])
    kind = int64(exchange["query_type"])
    _put16(out, at, 0xC00C)
    _put16(out, at + 2, kind)
    _put16(out, at + 4, 1)
    _put32(out, at + 6, 60)
    _put16(out, at + 10, length)
    at += 12
    state = np.uint64(exchange["host"])
    for i in range(length):
        if i % 8 == 0:
            state = _mix(state)
        out[at + i] = np.uint8((state >> np.uint64(8 * (i % 8))) & np.uint64(255))
    if kind == _TXT:
        for i in range(0, length, 256):
            out[at + i] = np.uint8(min(length - i - 1, 255))
    elif kind == _MX:
        _put16(out, at + length - 2, 0xC00C)
    elif kind == _HTTPS:  # RFC 9460: priority 1, the owner itself, no parameters
        _put16(out, at, 1)
        out[at + 2] = 0
    elif kind in _FQDN_TYPES:
        _put16(out, at, 0xC00C)
    return at + length


@inner_kernel
def _write_message(
    tables: NameTables, exchange: Record, is_response: bool, out: Array, at: int
) -> int:
    _put16(out, at, int64(exchange["dns_id"]))
    _put16(out, at + 2, 0x8180 | int64(exchange["rcode"]) if is_response else int64(0x0100))
    _put16(out, at + 4, 1)
    has_answer = is_response and exchange["answer_bytes"] > 0
    _put16(out, at + 6, 1 if has_answer else 0)
    _put16(out, at + 8, 0)
    _put16(out, at + 10, int64(exchange["has_edns"]))
    _, at = _write_name(tables, exchange, out, at + 12)
    out[at] = 0
    _put16(out, at + 1, int64(exchange["query_type"]))
    _put16(out, at + 3, 1)
    at += 5
    if has_answer:
        at = _write_answer(exchange, out, at)
    if exchange["has_edns"]:
        out[at] = 0
        _put16(out, at + 1, 41)
        _put16(out, at + 3, 4096)
        _put32(out, at + 5, 0)
        _put16(out, at + 9, 0)
        at += OPT_BYTES
    return at


@kernel
def write_packets(
    tables: NameTables, exchanges: Array, of_exchange: Array, is_response: Array, out: Array
) -> int:
    """Write records of a little-endian pcap file: Ethernet, IPv4, UDP, DNS.

    Args:
        tables: templates and domains.
        exchanges: `EXCHANGE` array.
        of_exchange: int64, which exchange each packet belongs to.
        is_response: bool, as long.
        out: uint8, room for `LONGEST_PACKET_BYTES` and the answer's data for each packet.

    Returns:
        How many bytes of `out` are used.
    """
    at = int64(0)
    for i in range(of_exchange.size):
        exchange = exchanges[of_exchange[i]]
        frame = at + 16
        end = _write_message(tables, exchange, is_response[i], out, frame + 42)
        length = end - frame
        time_us = int64(exchange["time_us"])
        client, resolver = CLIENTS + int64(exchange["client"]), int64(RESOLVER)
        source, destination = client, resolver
        source_port, destination_port = int64(exchange["client_port"]), int64(53)
        if is_response[i]:
            time_us += int64(exchange["duration_us"])
            source, destination = resolver, client
            source_port, destination_port = destination_port, source_port
        _put32_little(out, at, time_us // 1_000_000)
        _put32_little(out, at + 4, time_us % 1_000_000)
        _put32_little(out, at + 8, length)
        _put32_little(out, at + 12, length)
        for j, address in ((0, destination), (6, source)):
            _put16(out, frame + j, 0x0200)  # locally administered
            _put32(out, frame + j + 2, address)
        _put16(out, frame + 12, 0x0800)
        ip = frame + 14
        _put16(out, ip, 0x4500)
        _put16(out, ip + 2, length - 14)
        _put16(out, ip + 4, int64(exchange["dns_id"]))
        _put16(out, ip + 6, 0x4000)
        _put16(out, ip + 8, 0x4011)
        _put16(out, ip + 10, 0)
        _put32(out, ip + 12, source)
        _put32(out, ip + 16, destination)
        total = int64(0)
        for j in range(0, 20, 2):
            total += (int64(out[ip + j]) << 8) | int64(out[ip + j + 1])
        total = (total & 0xFFFF) + (total >> 16)
        total = (total & 0xFFFF) + (total >> 16)
        _put16(out, ip + 10, ~total & 0xFFFF)  # RFC 1071
        _put16(out, ip + 20, source_port)
        _put16(out, ip + 22, destination_port)
        _put16(out, ip + 24, length - 34)
        _put16(out, ip + 26, 0)  # no checksum (RFC 768)
        at = end
    return at
