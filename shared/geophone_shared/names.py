r"""Domain names: wire form, the presentation form that people read, and back [core].

The wire form is uncompressed and without the root label (RFC 1035 §3.1); the root itself is no
bytes at all. A name is bytes that an attacker chose: nothing here normalises, drops or replaces
any of them. In presentation form (RFC 1035 §5.1, RFC 4343 §2.1) a byte outside of printable ASCII,
and a dot or a backslash inside of a label, appear as `\DDD`, so that each text stands for one name.
"""

import re

from geophone_shared.errors import ConfigError, InvalidRecordError
from geophone_shared.transactions import LONGEST_NAME_BYTES

LONGEST_LABEL_BYTES = 63
"""RFC 1035 §2.3.4."""

_ESCAPES = {
    byte: f"\\{byte:03d}"
    for byte in range(256)
    if not ord("!") <= byte <= ord("~") or byte in b".\\"
}
_PLAIN = bytes(set(range(256)).difference(_ESCAPES))
"""What appears as it is."""
_TEXT_PART = re.compile(r"\\[0-9]{3}|\\[^0-9]|[^\\]", re.DOTALL)


def labels(wire: bytes) -> list[bytes]:
    """The labels of a name from left to right, without their length bytes.

    Raises:
        InvalidRecordError: `wire` is not the wire form of a name.
    """
    result = _split(wire)
    if result is None:
        raise InvalidRecordError("a name is not in wire form")
    return result


def is_valid_wire(wire: bytes) -> bool:
    """Whether `wire` is the wire form of a name: labels of 1 to 63 bytes, 254 bytes at most."""
    return _split(wire) is not None


def presentation(wire: bytes) -> str:
    r"""A name as text: labels with dots between them, `\DDD` escapes, "." for the root.

    Raises:
        InvalidRecordError: `wire` is not the wire form of a name.
    """
    parts = labels(wire)
    joined = b".".join(parts)
    if len(joined.translate(None, _PLAIN)) < len(parts):
        # Nothing but the dots between labels: so are most names.
        return joined.decode("ascii")
    return ".".join(label.decode("latin-1").translate(_ESCAPES) for label in parts) or "."


def wire_name(text: str) -> bytes:
    r"""The wire form of a name that a person wrote, original case.

    Takes a trailing dot, the escapes `\DDD` and `\.` (RFC 1035 §5.1), and labels in any script,
    which become A-labels (IDNA 2008, with the mapping of UTS #46: upper case, full width ...).

    Raises:
        ConfigError: `text` is not a domain name; the message says why.
    """
    if text == ".":
        return b""
    wire = b""
    for parts in _text_labels(text):
        for label in _label_bytes(parts, text):
            if not label:
                raise _not_a_name(text, "it has an empty label, so remove a dot")
            if len(label) > LONGEST_LABEL_BYTES:
                raise _not_a_name(
                    text, f"a label of it has {len(label)} bytes and 63 are allowed, so shorten it"
                )
            wire += bytes([len(label)]) + label
    if len(wire) > LONGEST_NAME_BYTES:
        raise _not_a_name(text, "it has more than 255 bytes on the wire, so shorten it")
    return wire


def defanged(text: str) -> str:
    """A name's presentation form that mail programs and terminals don't turn into a link."""
    return text.replace(".", "[.]")


def _split(wire: bytes) -> list[bytes] | None:
    if len(wire) > LONGEST_NAME_BYTES:
        return None
    result = []
    position = 0
    while position < len(wire):
        end = position + 1 + wire[position]
        if not 1 <= wire[position] <= LONGEST_LABEL_BYTES or end > len(wire):
            return None
        result.append(wire[position + 1 : end])
        position = end
    return result


def _text_labels(text: str) -> list[list[str]]:
    """Labels as lists of their parts: a character or an escape each."""
    result: list[list[str]] = [[]]
    position = 0
    for match in _TEXT_PART.finditer(text):
        if match.start() != position:
            break
        position = match.end()
        if match.group() == ".":
            result.append([])
        else:
            result[-1].append(match.group())
    if position != len(text):
        raise _not_a_name(text, r"a backslash in it starts no escape, so write it as \092")
    if len(result) > 1 and not result[-1]:
        result.pop()
    return result


def _label_bytes(parts: list[str], text: str) -> list[bytes]:
    """The label that parts stand for; several where its script has a full stop of its own."""
    label = "".join(parts)
    if label.isascii():
        return [bytes(_byte(part, text) for part in parts)]
    if "\\" in label:
        raise _not_a_name(
            text, "a label of it mixes escapes with other scripts, so write all of it in escapes"
        )
    import idna  # noqa: PLC0415  (its tables take 10 ms to load, and few names want them)

    try:
        return idna.encode(label, uts46=True).split(b".")
    except idna.IDNAError as error:
        reason = f"a label of it is not a valid international one, so correct it ({error})"
        raise _not_a_name(text, reason) from error


def _byte(part: str, text: str) -> int:
    escaped = part.removeprefix("\\")
    value = int(escaped) if len(escaped) == len("DDD") else ord(escaped)
    if value not in range(256):
        raise _not_a_name(text, rf"{part} in it is no byte, so use \000 to \255")
    if part == escaped and value in _ESCAPES:
        raise _not_a_name(text, rf"it has {part!a} in it, so remove that or write \{value:03d}")
    return value


def _not_a_name(text: str, reason: str) -> ConfigError:
    return ConfigError(f"{text[:80]!a} is not a domain name: {reason}")
