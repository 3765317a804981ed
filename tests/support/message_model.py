"""What should be found in a DNS message: the oracle of the decoding kernel, by dnspython."""

from typing import NamedTuple

import dns.exception
import dns.name
import dns.wire

from geophone_capture.reasons import Reason
from geophone_shared.transactions import Note
from tests.support.dns_messages import OPT


class Header(NamedTuple):
    """RFC 1035 §4.1.1, in its order."""

    dns_id: int
    flags: int
    questions: int
    answers: int
    authorities: int
    additionals: int

    @property
    def is_response(self) -> bool:
        return bool(self.flags & 0x8000)


class Question(NamedTuple):
    """The first question; `name` without the root label."""

    name: bytes
    query_type: int
    query_class: int

    def is_like(self, other: "Question") -> bool:
        """Whether it asks the same: the case of letters is the sender's play (0x20)."""
        return self._replace(name=self.name.lower()) == other._replace(name=other.name.lower())


class Message(NamedTuple):
    """A decoded message; `has_edns` is None where that can't be known."""

    header: Header
    question: Question
    has_edns: bool | None
    notes: Note


class _Parser(dns.wire.Parser):
    """Remembers whether a compression pointer was followed."""

    has_followed = False

    def restrict_end(self, end: int) -> None:
        self.has_followed = True
        super().restrict_end(end)


_REASONS: dict[type[dns.exception.DNSException], Reason] = {
    dns.name.BadPointer: Reason.BAD_POINTER,
    dns.name.BadLabelType: Reason.BAD_LABEL_TYPE,
    dns.name.NameTooLong: Reason.NAME_TOO_LONG,
}


def read_message(captured: bytes, wire_bytes: int) -> Message | Reason:
    """Decode a message of which the capture kept `captured`."""
    is_cut = len(captured) < wire_bytes
    if len(captured) < 12:
        return Reason.CUT_BY_SNAPLEN if is_cut and wire_bytes >= 12 else Reason.SHORT_MESSAGE
    parser = _Parser(captured)
    header = Header(*parser.get_struct("!6H"))
    question = Question(b"", 0, 0)
    if header.questions:
        try:
            question = _read_question(parser)
        except dns.exception.DNSException as error:
            past_end = Reason.CUT_BY_SNAPLEN if is_cut else Reason.TRUNCATED_MESSAGE
            return _REASONS.get(type(error), past_end)
    elif not header.is_response:
        return Reason.NO_QUESTION
    notes = Note.SEVERAL_QUESTIONS if header.questions > 1 else Note(0)
    if is_cut:
        notes |= Note.CUT_BY_SNAPLEN
    has_edns, note = _read_records(parser, header, is_cut=is_cut)
    return Message(header, question, has_edns, notes | note)


def _read_question(parser: _Parser) -> Question:
    try:
        labels = dns.name.from_wire_parser(parser).labels[:-1]
    except dns.exception.FormError as error:
        # What a pointer leads to must not run into the labels that it continues.
        if type(error) is dns.exception.FormError and parser.has_followed:
            raise dns.name.BadPointer from error
        raise
    query_type, query_class = parser.get_struct("!HH")
    return Question(
        b"".join(bytes([len(label)]) + label for label in labels), query_type, query_class
    )


def _read_records(
    parser: dns.wire.Parser, header: Header, *, is_cut: bool
) -> tuple[bool | None, Note]:
    """What follows the first question: whether it has EDNS, and what is odd about it."""
    malformed = Note.MALFORMED_QUERY_RECORDS
    if header.is_response:
        malformed = Note.MALFORMED_RESPONSE_RECORDS
    has_edns = False
    try:
        for _ in range(header.questions - 1):
            _skip_name(parser)
            parser.get_bytes(4)
        before_additionals = header.answers + header.authorities
        for index in range(before_additionals + header.additionals):
            _skip_name(parser)
            record_type, _, _, rdata_bytes = parser.get_struct("!HHIH")
            has_edns = has_edns or (index >= before_additionals and record_type == OPT)
            parser.get_bytes(rdata_bytes)
    except dns.name.BadLabelType:
        return has_edns or None, malformed
    except dns.exception.FormError:
        return has_edns or None, Note(0) if is_cut else malformed
    return has_edns, Note.TRAILING_BYTES if parser.remaining() else Note(0)


def _skip_name(parser: dns.wire.Parser) -> None:
    """Walk over a name, to the root or to the first pointer; where that leads isn't looked at."""
    while (head := parser.get_uint8()) and head < 0xC0:
        if head >= 0x40:
            raise dns.name.BadLabelType
        parser.get_bytes(head)
    if head:
        parser.get_uint8()
