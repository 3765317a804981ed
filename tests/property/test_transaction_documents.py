"""Documents of any transaction with any response: always one line of printable ASCII."""

import json
from typing import Any

import dns.exception
import dns.message
import dns.rdatatype
from hypothesis import event, given, settings
from hypothesis import strategies as st

from geophone.resource_records import decode_response
from geophone.transaction_documents import document_line, transaction_document
from geophone_shared.names import wire_name
from geophone_shared.transactions import Transactions
from tests.support.dns_messages import mutated, structured_messages
from tests.support.rows import transactions

MORE = settings(max_examples=4 * settings().max_examples)
any_messages = structured_messages() | mutated(structured_messages()) | st.binary(max_size=60)


@given(rows=transactions(most_rows=3), response=st.none() | any_messages)
def test_a_document_is_a_line_of_printable_ascii(
    rows: Transactions, response: bytes | None
) -> None:
    for index, row in enumerate(rows.rows):
        row["time_us"] %= 1 << 55  # so that it ends before the year 10000
        document: Any = transaction_document(row, rows.name(index), response)
        assert wire_name(document["dns"]["question"]["name"]) == rows.name(index)
        for text in texts_in(document):
            assert text.isascii()
            assert text.isprintable()
        line = document_line(rows, index)
        assert line.count("\n") == 1
        assert json.loads(line)["dns"]["id"] == row["dns_id"]


def texts_in(value: object) -> list[str]:
    """Every text in a document, names of fields included."""
    match value:
        case dict():
            return [text for pair in value.items() for each in pair for text in texts_in(each)]
        case list():
            return [text for each in value for text in texts_in(each)]
        case str():
            return [value]
    return []


@MORE
@given(wire=any_messages)
def test_what_dnspython_takes_as_a_whole_is_found_record_by_record(wire: bytes) -> None:
    contents = decode_response(wire)
    try:
        # Of dynamic updates it makes something else.
        whole = dns.message.from_wire(wire, one_rr_per_rrset=True, ignore_trailing=True)
    except dns.exception.DNSException:
        event("refused")
        return
    event("taken")
    if whole.opcode() == dns.opcode.UPDATE:
        return
    assert contents.is_whole
    for section, records in (
        (whole.answer, contents.answers),
        (whole.authority, contents.authorities),
    ):
        kinds = [dns.rdatatype.to_text(each.rdtype) for each in section]
        assert [each["type"] for each in records] == kinds
