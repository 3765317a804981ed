"""Any bytes as DNS messages in sound frames: the rows and reasons that dnspython leads to.

An input is the messages, one after the other, with `BORDER` between them. The first byte of each
says what is around it: how much later it comes, between which ports and addresses, and how much of
its frame was captured.
"""

from dataclasses import replace

import dns.exception
import dns.message

from geophone.resource_records import MOST_RECORDS, decode_response
from geophone_capture.reasons import Reason
from tests.fuzz.target import Target
from tests.support.decoded import decode
from tests.support.decoded_rows import create_decoder, decode_packets
from tests.support.dns_messages import (
    OPT_RECORD,
    QUERY,
    RESPONSE,
    ROOT,
    TO_QUESTION,
    TXT,
    message,
    name,
    name_of,
    pointer,
    question,
    record,
)
from tests.support.message_model import Message, read_message
from tests.support.packet_streams import START_US, Sent, clocks_us
from tests.support.packets import CLIENT, CLIENT_6, SERVER, SERVER_6, Packet
from tests.support.transaction_model import TransactionModel

BORDER = b"\xff\xfe\xff\xfe"
_MOST_MESSAGES = 40
_STEPS_US = (0, 1, 1_000_000, 9_999_999, 10_000_000, 10_000_001, 60_000_001, -60_000_001)
_PORTS = ((40_000, 53), (53, 53))
_ENDS = ((CLIENT, SERVER), (CLIENT_6, SERVER_6))


def fuzz_one(data: bytes) -> None:
    chunks = data.split(BORDER)[:_MOST_MESSAGES]
    for chunk in chunks:
        _check_message(chunk[1:])
    packets = _packets(chunks)
    model = TransactionModel(pending_capacity=2)
    for packet in packets:
        model.look_at(packet)
    model.close()
    decoder = create_decoder((53,), 2, 3)
    assert decode_packets(decoder, packets, 5) == model.rows
    counts = decoder.counts()
    assert sum(counts.values()) == len(packets)
    assert counts[Reason.QUERY] == model.counts[Reason.QUERY]
    assert counts[Reason.RESPONSE] == model.counts[Reason.RESPONSE]
    assert decoder.evicted == model.evicted


def _check_message(wire: bytes) -> None:
    contents = decode_response(wire)  # whatever it is, it doesn't raise
    assert len(contents.answers) <= MOST_RECORDS
    found, expected = decode(wire), read_message(wire, len(wire))
    if found == Reason.NAME_TOO_LONG:
        # dnspython looks at the length last, and may have found another fault before.
        assert isinstance(expected, Reason)
    else:
        assert found == expected
    try:
        parsed = dns.message.from_wire(wire, question_only=True, keyring=False)
    except dns.exception.DNSException:
        return
    if not parsed.question:
        assert found == Reason.NO_QUESTION or isinstance(found, Message)
        return
    first = parsed.question[0]
    assert isinstance(found, Message)
    assert found.question.name + b"\0" == first.name.to_wire()
    assert (found.question.query_type, found.question.query_class) == (first.rdtype, first.rdclass)


def _packets(chunks: list[bytes]) -> list[Packet]:
    times_us, packets = [], []
    time_us = START_US
    for chunk in chunks:
        around = chunk[0] if chunk else 0
        time_us += _STEPS_US[around & 7]
        times_us.append(time_us)
        ports, ends = _PORTS[around >> 3 & 1], _ENDS[around >> 4 & 1]
        frame = Sent(chunk[1:], ports, ends).frame()
        packets.append(Packet(frame).cut(len(frame) - 7 * (around >> 5)))
    return [
        replace(packet, time_us=time_us, clock_us=clock_us)
        for packet, time_us, clock_us in zip(packets, times_us, clocks_us(times_us), strict=True)
    ]


def message_seeds() -> list[bytes]:
    """Exchanges that end in every way, and messages that are odd in every way."""
    ask, tell = message(flags=QUERY), message(flags=RESPONSE, answers=[record(TO_QUESTION)])
    odd = [
        message([question(name_of(255))]),
        message([question(name_of(256))]),
        message([question(b"\x01a" + pointer(12))]),
        message([question(pointer(0))]),
        message([question(ROOT), question(name(b"b")[:-1] + pointer(12))]),
        message([question(b"\x40abc")]),
        message([question(name(b"x" * 63, b"y" * 63), TXT)], additionals=[OPT_RECORD]),
        message([], flags=RESPONSE),
        message([]),
        message(counts=(1, 9, 65_535, 1), flags=RESPONSE, trailing=b"\0"),
        message(answers=[record(TO_QUESTION, TXT, bytes(520))], flags=RESPONSE),
    ]
    return [
        BORDER.join([b"\0" + ask, b"\2" + tell]),
        BORDER.join([b"\0" + ask, b"\5" + tell, b"\0" + ask, b"\6" + ask, b"\7" + tell]),
        BORDER.join([b"\x18" + ask, b"\x18" + ask, b"\x19" + tell, b"\x10" + tell]),
        BORDER.join(b"\1" + bytes([0, number]) + ask[2:] for number in range(5)),
        BORDER.join(b"\x20" + wire for wire in (ask, tell)),
        *(b"\0" + wire for wire in odd),
        BORDER.join(b"\0" + wire for wire in odd),
        b"",
    ]


TARGET = Target(
    fuzz_one,
    message_seeds,
    words=(BORDER, BORDER + b"\0", TO_QUESTION, ROOT, OPT_RECORD, b"\x81\x80", b"\x3f" + b"z" * 63),
)
