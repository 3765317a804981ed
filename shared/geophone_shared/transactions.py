"""The row of a DNS transaction, as it lies in memory, and the words for its parts.

A transaction is a query with its response, a query without one, or a response without a query.
Rows stand in the order in which they completed. The same columns go over the log (`batch`).
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag

import numpy as np

from geophone_shared.jit import Array

ROW = np.dtype(
    [
        ("time_us", "i8"),
        ("completed_us", "i8"),
        ("client_high", "u8"),
        ("client_low", "u8"),
        ("server_high", "u8"),
        ("server_low", "u8"),
        ("duration_us", "i4"),
        ("bytes_in", "u4"),
        ("bytes_out", "u4"),
        ("notes", "u4"),
        ("name_offset", "i4"),
        ("client_port", "u2"),
        ("server_port", "u2"),
        ("dns_id", "u2"),
        ("query_type", "u2"),
        ("query_class", "u2"),
        ("query_flags", "u2"),
        ("response_flags", "u2"),
        ("answers", "u2"),
        ("authorities", "u2"),
        ("additionals", "u2"),
        ("name_length", "u1"),
        ("domain_offset", "u1"),
        ("outcome", "u1"),
        ("transport", "u1"),
    ],
    align=True,
)
"""One transaction. Times are µs since the epoch, packet time; `duration_us` is -1 unless answered.

An address is two big-endian halves of 16 bytes (IPv4 as `::ffff:a.b.c.d`). The name is
`names[name_offset : name_offset + name_length]`: uncompressed wire form, original case, without
the root label; the registered domain starts `domain_offset` bytes into it. `bytes_in` and
`bytes_out` are DNS message lengths. `query_flags` and `response_flags` are the second 16 bits of
the header (RFC 1035 §4.1.1), 0 where there was no such message.
"""

LONGEST_NAME_BYTES = 254
"""A name's wire form without the root label (RFC 1035 §2.3.4: 255 with it)."""


LONGEST_MESSAGE_BYTES = 65_535
"""A DNS message is no longer: its length has 16 bits over TCP (RFC 1035 §4.2.2), as UDP's has."""

SPAN = np.dtype([("offset", "i8"), ("length", "i8")])
"""Where the bytes of something lie; `NOTHING` is the length of what isn't there."""

NOTHING = -1


class Outcome(IntEnum):
    """How a transaction ended."""

    ANSWERED = 0
    UNANSWERED = 1
    UNSOLICITED = 2


class Note(IntFlag):
    """Oddities of a transaction; the first six and the `REPLY_` ones (TCP) are Packetbeat's."""

    NO_RESPONSE = 1 << 0
    NO_QUERY = 1 << 1
    ID_REUSED = 1 << 2
    OVERSIZE_WITHOUT_EDNS = 1 << 3
    RESPONDER_WITHOUT_EDNS = 1 << 4
    UNEXPECTED_EDNS = 1 << 5
    QUESTION_DIFFERS = 1 << 6
    LATE_RESPONSE = 1 << 7
    PENDING_EVICTED = 1 << 8
    SEVERAL_QUESTIONS = 1 << 9
    MALFORMED_QUERY_RECORDS = 1 << 10
    MALFORMED_RESPONSE_RECORDS = 1 << 11
    TRAILING_BYTES = 1 << 12
    CUT_BY_SNAPLEN = 1 << 13
    INPUT_ENDED = 1 << 14
    REPLY_UNDECODABLE = 1 << 15
    REPLY_EMPTY = 1 << 16
    REPLY_LENGTH_UNEXPECTED = 1 << 17
    REPLY_INCOMPLETE = 1 << 18


NOTE_TEXTS = {
    Note.NO_RESPONSE: "No response to this query was received",
    Note.NO_QUERY: "Response: received without an associated Query",
    Note.ID_REUSED: "Another query with the same DNS ID from this client was received"
    " so this query was closed without receiving a response",
    Note.OVERSIZE_WITHOUT_EDNS: "Non-EDNS packet has size greater than 512",
    Note.RESPONDER_WITHOUT_EDNS: "Responder does not support EDNS",
    Note.UNEXPECTED_EDNS: "Unexpected EDNS answer",
    Note.QUESTION_DIFFERS: "Response: its question differs from the query's",
    Note.LATE_RESPONSE: "Response: received more than 10 s after the query",
    Note.PENDING_EVICTED: "Closed early: too many queries were waiting for a response",
    Note.SEVERAL_QUESTIONS: "More than one question; only the first is used",
    Note.MALFORMED_QUERY_RECORDS: "Query: records after the question could not be decoded",
    Note.MALFORMED_RESPONSE_RECORDS: "Response: records after the question could not be decoded",
    Note.TRAILING_BYTES: "Bytes follow the last record",
    Note.CUT_BY_SNAPLEN: "The capture kept only a part of the packet",
    Note.INPUT_ENDED: "The capture ended before a response could arrive",
    Note.REPLY_UNDECODABLE: "Response: Message's data could not be decoded as DNS",
    Note.REPLY_EMPTY: "Response: Message's length was set to zero",
    Note.REPLY_LENGTH_UNEXPECTED: "Response: Unexpected message data length",
    Note.REPLY_INCOMPLETE: "Response: Message's data is incomplete",
}


@dataclass(frozen=True, slots=True)
class Responses:
    """The raw responses of rows: DNS messages as they were captured, without TCP's length.

    Attributes:
        spans: `SPAN` array, one for each row.
        octets: uint8 array that they lie in.
    """

    spans: Array
    octets: Array

    def response(self, row: int) -> bytes | None:
        """The raw response of a row, None where there was none."""
        start, length = self.spans[row].item()
        return None if length == NOTHING else self.octets[start : start + length].tobytes()


@dataclass(frozen=True, slots=True)
class Transactions:
    """Rows and the buffer that their names lie in.

    Attributes:
        rows: `ROW` array, in completion order.
        names: uint8 array; a row's name is a slice of it.
        responses: of the rows, where they are kept.
    """

    rows: Array
    names: Array
    responses: Responses | None = None

    def name(self, row: int) -> bytes:
        """The wire form of a row's name, original case, without the root label."""
        start = int(self.rows[row]["name_offset"])
        return self.names[start : start + int(self.rows[row]["name_length"])].tobytes()
