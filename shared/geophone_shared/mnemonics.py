"""Names of query types and response codes, as people write them (IANA DNS parameters). Core."""

from functools import lru_cache

from dns import rcode, rdatatype

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
