r"""What a response says, record by record, under Packetbeat's names [core].

The only module that imports dnspython for this, loaded where people look at answers. A response is
bytes that an attacker chose: whatever they are, what can be decoded is, and the rest is told of.

Only types in `_DECODED` are given to dnspython, in class IN: it tries to load a module for each
class and type that it meets, and remembers all of them. Others are shown as `\# length bytes` (RFC
3597 §5).
"""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import dns.dnssectypes
import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.wire
from dns.rdatatype import RdataType

from geophone_shared.mnemonics import query_class_name, query_type_name, response_code_name
from geophone_shared.names import presentation

MOST_RECORDS = 1_000
"""Records of a response that are decoded; 5,957 fit into one, with names of 255 bytes each."""

UNDECODABLE_DATA = "Response: data of a record could not be decoded"
TOO_MANY_RECORDS = f"Response: only its first {MOST_RECORDS:,} records are shown"

Fields = dict[str, object]

_HEADER_BYTES = 12
_DO = 0x8000  # RFC 3225 §3


@dataclass(slots=True)
class Contents:
    """What stands in a response behind its questions.

    Attributes:
        answers: the records of this section.
        authorities: likewise.
        additionals: likewise, without OPT.
        opt: the OPT record's fields (RFC 6891 §6.1.3), None without one.
        opt_records: how many there were.
        extended_code: the upper eight bits of the response code.
        addresses: those of the answers, each once.
        notes: what is odd about the records' data.
        is_whole: whether all records that the header counts were found.
    """

    answers: list[Fields] = field(default_factory=list)
    authorities: list[Fields] = field(default_factory=list)
    additionals: list[Fields] = field(default_factory=list)
    opt: Fields | None = None
    opt_records: int = 0
    extended_code: int = 0
    addresses: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_whole: bool = True


def decode_response(message: bytes) -> Contents:
    """The records of a DNS message, as far as they can be decoded."""
    contents = Contents()
    try:
        _decode(message, contents)
    except dns.exception.DNSException:
        contents.is_whole = False
    contents.notes = list(dict.fromkeys(contents.notes))
    contents.addresses = list(dict.fromkeys(contents.addresses))
    return contents


def _decode(message: bytes, contents: Contents) -> None:
    parser = dns.wire.Parser(message)
    _, _, questions, *counts = parser.get_struct("!6H")
    for _ in range(questions):
        _take_name(parser)
        parser.get_bytes(4)
    sections = (contents.answers, contents.authorities, contents.additionals)
    left = MOST_RECORDS
    for section, count in zip(sections, counts, strict=True):
        for _ in range(count):
            if left == 0:
                contents.notes.append(TOO_MANY_RECORDS)
                return
            left -= 1
            _take_record(parser, section, contents)


def _take_record(parser: dns.wire.Parser, section: list[Fields], contents: Contents) -> None:
    owner = _take_name(parser)
    kind, record_class, ttl, data_bytes = parser.get_struct("!HHIH")
    start = parser.current
    raw = parser.get_bytes(data_bytes)
    if kind == RdataType.OPT:
        _take_opt(record_class, ttl, contents)
        return
    record: Fields = {
        "name": _name(owner),
        "type": query_type_name(kind),
        "class": query_class_name(record_class),
        "ttl": str(ttl),
    }
    describe = _DECODED.get(kind) if record_class == dns.rdataclass.IN else None
    data: Fields = {"data": f"\\# {len(raw)} {raw.hex()}".rstrip()}
    if describe is not None:
        try:
            data = _described(parser.wire[: start + data_bytes], start, kind, describe)
        except dns.exception.DNSException:
            contents.notes.append(UNDECODABLE_DATA)
    section.append(record | data)
    if section is contents.answers and describe is _address and len(raw) == _ADDRESS_BYTES[kind]:
        contents.addresses.append(str(data["data"]))


def _take_name(parser: dns.wire.Parser) -> dns.name.Name:
    """A name that may be compressed."""
    name, name_bytes = dns.name.from_wire(parser.wire, parser.current)
    parser.get_bytes(name_bytes)
    return name


def _described(wire: bytes, start: int, kind: int, describe: "_Describe") -> Fields:
    """The data of a record, which is the end of `wire`.

    Raises:
        dns.exception.DNSException: it isn't what its type has.
    """
    parser = dns.wire.Parser(wire, start)
    rdata = dns.rdata.from_wire_parser(dns.rdataclass.IN, RdataType.make(kind), parser)
    if parser.remaining():
        raise dns.exception.FormError
    # Some values can be decoded and not be written.
    wrapper = dns.exception.ExceptionWrapper
    with wrapper(dns.exception.FormError):  # type: ignore[no-untyped-call]  # it has no types
        return describe(rdata)


def _take_opt(udp_bytes: int, ttl: int, contents: Contents) -> None:
    """RFC 6891 §6.1.3: what other records have as class and TTL."""
    contents.opt_records += 1
    if contents.opt is not None:
        return
    contents.extended_code = ttl >> 24
    contents.opt = {
        "version": str((ttl >> 16) & 0xFF),
        "do": bool(ttl & _DO),
        "udp_size": udp_bytes,
        "ext_rcode": response_code_name(contents.extended_code << 4),
    }


def _name(name: dns.name.Name) -> str:
    return presentation(b"".join(bytes([len(label)]) + label for label in name.labels if label))


def _printable(octets: bytes) -> str:
    r"""Text of a record: what isn't printable ASCII, and a backslash, as `\DDD`."""
    return "".join(
        chr(octet) if ord(" ") <= octet <= ord("~") and octet != ord("\\") else f"\\{octet:03d}"
        for octet in octets
    )


def _plain(rdata: Any) -> Fields:
    text = rdata.to_text()
    is_plain = text.isascii() and text.isprintable()
    return {"data": text if is_plain else _printable(text.encode("utf-8", "surrogatepass"))}


def _address(rdata: Any) -> Fields:
    return {"data": str(ipaddress.ip_address(rdata.address))}


def _target(rdata: Any) -> Fields:
    return {"data": _name(rdata.target)}


def _text(rdata: Any) -> Fields:
    return {"data": " ".join(map(_printable, rdata.strings))}


def _mail_exchange(rdata: Any) -> Fields:
    return {"preference": rdata.preference, "data": _name(rdata.exchange)}


def _service(rdata: Any) -> Fields:
    numbers = {name: getattr(rdata, name) for name in ("priority", "weight", "port")}
    return numbers | {"data": _name(rdata.target)}


def _start_of_authority(rdata: Any) -> Fields:
    numbers = ("serial", "refresh", "retry", "expire", "minimum")
    return {
        "rname": _name(rdata.rname),
        **{name: getattr(rdata, name) for name in numbers},
        "data": _name(rdata.mname),
    }


def _public_key(rdata: Any) -> Fields:
    flags, protocol, algorithm, key = rdata.to_text(chunksize=0).split(" ", 3)
    algorithm = dns.dnssectypes.Algorithm.to_text(int(algorithm))
    return {"flags": flags, "protocol": protocol, "algorithm": algorithm, "data": key}


def _delegation_signer(rdata: Any) -> Fields:
    return {
        "key_tag": str(rdata.key_tag),
        "algorithm": dns.dnssectypes.Algorithm.to_text(rdata.algorithm),
        "digest_type": dns.dnssectypes.DSDigest.to_text(rdata.digest_type),
        "data": rdata.digest.hex().upper(),
    }


def _signature(rdata: Any) -> Fields:
    names = ("type_covered", "algorithm", "labels", "original_ttl", "expiration", "inception")
    # Eight fields and the signature; a name has no blank that isn't escaped.
    texts = rdata.to_text(chunksize=0).split(" ", 8)
    return {
        **dict(zip(names, texts[:6], strict=True)),
        "algorithm": dns.dnssectypes.Algorithm.to_text(rdata.algorithm),
        "key_tag": str(rdata.key_tag),
        "signer_name": _name(rdata.signer),
        "data": texts[8],
    }


_Describe = Callable[[Any], Fields]

_ADDRESS_BYTES: Mapping[int, int] = {RdataType.A: 4, RdataType.AAAA: 16}

_DECODED: Mapping[int, _Describe] = {
    RdataType.A: _address,
    RdataType.AAAA: _address,
    RdataType.NS: _target,
    RdataType.CNAME: _target,
    RdataType.DNAME: _target,
    RdataType.PTR: _target,
    RdataType.TXT: _text,
    RdataType.SPF: _text,
    RdataType.MX: _mail_exchange,
    RdataType.SRV: _service,
    RdataType.SOA: _start_of_authority,
    RdataType.DNSKEY: _public_key,
    RdataType.DS: _delegation_signer,
    RdataType.RRSIG: _signature,
    **dict.fromkeys(
        (
            *(RdataType.CAA, RdataType.HINFO, RdataType.HTTPS, RdataType.NAPTR, RdataType.NSEC),
            *(RdataType.NSEC3, RdataType.NSEC3PARAM, RdataType.SSHFP, RdataType.SVCB),
            RdataType.TLSA,
        ),
        _plain,
    ),
}
