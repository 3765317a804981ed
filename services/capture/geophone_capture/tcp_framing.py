"""From the bytes of one direction of a TCP connection to DNS messages (RFC 1035 §4.2.2) [core].

Each message follows its length, two bytes. Where a message starts is known from the beginning of
the connection on, and as long as nothing is missing between two messages. When it isn't known, the
next segment that looks like the start of a message is taken for one: senders put messages at the
start of segments. So lost packets, and a capture that starts late, cost only messages around them.
"""

from enum import IntEnum
from typing import NamedTuple

PREFIX_BYTES = 2
HEADER_BYTES = 12
LONGEST_BYTES = PREFIX_BYTES + 65_535

_JUDGED_BYTES = PREFIX_BYTES + HEADER_BYTES + 1  # up to the length of the first label
_SMALLEST_RECORD_BYTES = 11  # root name, type, class, time to live, length (RFC 1035 §4.1.3)
_MOST_NAME_BYTES = 255
_MOST_LABEL_BYTES = 63


class BrokenMessage(IntEnum):
    """Why a message can't be used: Packetbeat's four reasons."""

    UNDECODABLE = 0
    ZERO_LENGTH = 1
    UNEXPECTED_LENGTH = 2
    INCOMPLETE = 3


class FramedMessage(NamedTuple):
    """A message without its length; `wire_bytes` with it, and before the capture cut it."""

    payload: bytes
    wire_bytes: int


class Unframed(NamedTuple):
    """Bytes that are in no message.

    Attributes:
        wire_bytes: how many are no DNS.
        excused_bytes: how many may be the rest of a message whose start was missed.
    """

    wire_bytes: int
    excused_bytes: int


Framed = FramedMessage | BrokenMessage | Unframed


class MessageFraming:
    """Cuts a direction into messages.

    Args:
        from_start: whether the first byte is the connection's first.

    Attributes:
        held_bytes: how much of a message waits for its rest.
    """

    __slots__ = ("_excused_bytes", "_is_in_step", "_is_judged", "_partial", "_rest")

    def __init__(self, *, from_start: bool) -> None:
        self._is_in_step = from_start
        # What may still be the rest of a message whose start was missed: no sign of other traffic.
        self._excused_bytes = 0 if from_start else LONGEST_BYTES
        self._partial = bytearray()
        self._is_judged = False
        self._rest = 0  # bytes still to come of a message that is done with

    @property
    def held_bytes(self) -> int:
        """How much of a message waits for its rest."""
        return len(self._partial)

    @property
    def is_within_message(self) -> bool:
        """Whether a message has begun and isn't done with."""
        return bool(self._partial) and self._is_in_step

    def feed(self, payload: bytes) -> list[Framed]:
        """Take the next bytes, of one segment."""
        found: list[Framed] = []
        at, size = 0, len(payload)
        if self._rest:
            at = min(self._rest, size)
            self._rest -= at
        while at < size:
            if self._is_in_step and not self._partial and size - at >= PREFIX_BYTES:
                length = payload[at] << 8 | payload[at + 1]
                end = at + PREFIX_BYTES + length
                if length >= HEADER_BYTES and end <= size:
                    found.append(FramedMessage(payload[at + PREFIX_BYTES : end], end - at))
                    at = end
                    continue
            at = self._collect(payload, at, found)
        return found

    def miss(self, wire_bytes: int, *, is_cut: bool) -> list[Framed]:
        """Pass over bytes that will never come: cut by the capture, or lost by it."""
        found: list[Framed] = []
        if self._rest:
            missed = min(self._rest, wire_bytes)
            self._rest -= missed
            wire_bytes -= missed
        partial = self._partial
        if wire_bytes and self._is_in_step:
            self._rest = max(self._due() - wire_bytes, 0)
            is_past_end = wire_bytes > self._due()
            if is_cut and len(partial) >= PREFIX_BYTES:
                found.append(self._take_partial(PREFIX_BYTES + _length(partial)))
            elif partial:
                found.append(BrokenMessage.INCOMPLETE)
            partial.clear()
            self._is_judged = False
            if is_past_end:
                self._is_in_step = False
                self._excused_bytes = LONGEST_BYTES
        elif wire_bytes:
            self._skip(len(partial) + wire_bytes, found)
            partial.clear()
        return found

    def end(self) -> list[Framed]:
        """No more bytes will come."""
        return self.miss(1, is_cut=False) if self.is_within_message else []

    def _due(self) -> int:
        """How many bytes the message that has begun lacks; 0 where there is none."""
        partial = self._partial
        if len(partial) < PREFIX_BYTES:
            return 0
        return PREFIX_BYTES + _length(partial) - len(partial)

    def _take_partial(self, wire_bytes: int) -> FramedMessage:
        message = FramedMessage(bytes(memoryview(self._partial)[PREFIX_BYTES:]), wire_bytes)
        self._partial.clear()
        self._is_judged = False
        return message

    def _collect(self, payload: bytes, at: int, found: list[Framed]) -> int:
        """Add to the message that has begun; where the bytes after those taken start."""
        partial = self._partial
        size = len(payload)
        if len(partial) < PREFIX_BYTES:
            taken = min(PREFIX_BYTES - len(partial), size - at)
            partial += payload[at : at + taken]
            at += taken
            if len(partial) < PREFIX_BYTES:
                return at
        length = _length(partial)
        if length < HEADER_BYTES:
            reason = BrokenMessage.UNEXPECTED_LENGTH if length else BrokenMessage.ZERO_LENGTH
            return self._lose_step(reason, payload, at, found)
        taken = min(PREFIX_BYTES + length - len(partial), size - at)
        partial += payload[at : at + taken]
        at += taken
        is_whole = len(partial) == PREFIX_BYTES + length
        if not self._is_judged and not (is_whole and self._is_in_step):
            if len(partial) < _JUDGED_BYTES and not is_whole:
                return at
            if not is_plausible(partial, is_guess=not self._is_in_step):
                return self._lose_step(BrokenMessage.UNDECODABLE, payload, at, found)
            self._is_judged = self._is_in_step = True
        if is_whole:
            found.append(self._take_partial(len(partial)))
        return at

    def _lose_step(
        self, reason: BrokenMessage, payload: bytes, at: int, found: list[Framed]
    ) -> int:
        """Pass over what has begun, and over the rest of the segment."""
        if self._is_in_step:
            found.append(reason)
            self._is_in_step = False
            self._excused_bytes = 0
        self._skip(len(self._partial) + len(payload) - at, found)
        self._partial.clear()
        self._is_judged = False
        return len(payload)

    def _skip(self, wire_bytes: int, found: list[Framed]) -> None:
        excused_bytes = min(wire_bytes, self._excused_bytes)
        self._excused_bytes -= excused_bytes
        found.append(Unframed(wire_bytes - excused_bytes, excused_bytes))


def is_plausible(message: bytes | bytearray, *, is_guess: bool) -> bool:
    """Whether these may be the first bytes of a message, its length in front.

    Its first question must fit into it, or its records if it has none. Everything else about a
    message is judged when it is decoded. If it is a guess that one starts here, it must have at
    most one question, and all its records must fit.

    Args:
        message: at least the header and a byte more, or the whole message.
        is_guess: whether nothing else says that a message starts here.
    """
    end = PREFIX_BYTES + _length(message)
    questions, *records = (message[at] << 8 | message[at + 1] for at in (6, 8, 10, 12))
    start = at = PREFIX_BYTES + HEADER_BYTES
    if (is_guess or not questions) and start + sum(records) * _SMALLEST_RECORD_BYTES > end:
        return False
    if not questions:
        return True
    if is_guess and questions > 1:
        return False
    known = min(len(message), end)
    while at < known:
        head = message[at]
        if head == 0:
            return at + 5 <= end and at - start < _MOST_NAME_BYTES
        if head > _MOST_LABEL_BYTES:
            return False
        at += 1 + head
    return at < end and at - start < _MOST_NAME_BYTES


def _length(message: bytes | bytearray) -> int:
    return message[0] << 8 | message[1]
