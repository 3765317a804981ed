"""Names of query types, classes and codes, as people write them (IANA DNS parameters). Core."""

from functools import lru_cache

from dns import opcode, rcode, rdataclass, rdatatype

_MOST_CACHED = 1024


@lru_cache(_MOST_CACHED)
def query_type_name(query_type: int) -> str:
    """Mnemonic of a query type, 0 .. 65535; `TYPE65399` where there is none (RFC 3597 §5)."""
    return str(rdatatype.to_text(rdatatype.RdataType.make(query_type)))


@lru_cache(_MOST_CACHED)
def response_code_name(response_code: int) -> str:
    """Mnemonic of a response code, 0 .. 4095; `RCODE12` where there is none."""
    text = str(rcode.to_text(rcode.Rcode.make(response_code)))
    return f"RCODE{response_code}" if text.isdigit() else text


@lru_cache(_MOST_CACHED)
def query_class_name(query_class: int) -> str:
    """Mnemonic of a class, 0 .. 65535; `CLASS65280` where there is none (RFC 3597 §5)."""
    return str(rdataclass.to_text(rdataclass.RdataClass.make(query_class)))


def opcode_name(operation: int) -> str:
    """Mnemonic of an opcode, 0 .. 15; `OPCODE7` where there is none."""
    text = str(opcode.to_text(opcode.Opcode.make(operation)))
    return f"OPCODE{operation}" if text.isdigit() else text
