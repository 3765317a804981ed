"""Scenes for the matching kernel: packets of one client and one server, and rows in short.

`5.0` is five seconds after a scene's start.
"""

from geophone_shared.transactions import Note
from tests.support.decoded_rows import create_decoder, decode_packets
from tests.support.dns_messages import RESPONSE, message, name, question
from tests.support.packets import ARP, CLIENT, SERVER, Packet, ethernet, ipv4, udp

START_US = 1_282_356_664_000_000
WWW, OTHER = name(b"www", b"example"), name(b"www", b"exbmple")
ASK, ASK_OTHER = question(WWW), question(OTHER)
"""Questions with names of one length that differ in a letter."""


def us(seconds: float) -> int:
    return START_US + round(seconds * 1_000_000)


def packet(at: float, payload: bytes, ports: tuple[int, int], *, clock: float | None) -> Packet:
    ends = (CLIENT, SERVER) if ports[1] == 53 else (SERVER, CLIENT)
    frame = ethernet(ipv4(udp(payload, *ports), 17, *ends))
    return Packet(frame, us(at), None if clock is None else us(clock))


def query(
    at: float, dns_id: int = 1, payload: bytes | None = None, clock: float | None = None
) -> Packet:
    payload = message([ASK], dns_id=dns_id) if payload is None else payload
    return packet(at, payload, (40_000, 53), clock=clock)


def response(
    at: float, dns_id: int = 1, payload: bytes | None = None, clock: float | None = None
) -> Packet:
    payload = message([ASK], dns_id=dns_id, flags=RESPONSE) if payload is None else payload
    return packet(at, payload, (53, 40_000), clock=clock)


def arp(at: float) -> Packet:
    return Packet(ethernet(bytes(28), ARP), us(at))


Line = tuple[int, str, float, Note]
"""The id of a row, its outcome, the second of its completion, its notes."""


def lines(packets: list[Packet], pending_capacity: int = 1_000) -> list[Line]:
    """The rows of a whole input, in order."""
    rows = decode_packets(create_decoder((53,), pending_capacity), packets)
    return [
        (row.dns_id, row.outcome.name, (row.completed_us - START_US) / 1_000_000, row.notes)
        for row in rows
    ]


GIVEN_UP = Note.NO_RESPONSE
ENDED = Note.NO_RESPONSE | Note.INPUT_ENDED
REUSED = Note.NO_RESPONSE | Note.ID_REUSED
EVICTED = Note.NO_RESPONSE | Note.PENDING_EVICTED
"""Notes of unanswered rows: no response for 10 s, or closed early."""
