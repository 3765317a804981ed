r"""Hostile text made harmless for each place that it goes to.

Domain names reach this package with unusual bytes already as `\DDD` (RFC 4343 §2.1). File names
and whatever else came from outside do not, and the terminal is the last place where it can be
put right.
"""

_BYTE_SURROGATE = 0xDC00
"""PEP 383: an undecodable byte 0x80 + n is read as U+DC80 + n."""


def terminal_text(text: str) -> str:
    r"""`text` with everything that could steer a terminal as `\xHH`, `\uHHHH` or `\UHHHHHHHH`.

    That is what Unicode calls not printable: control characters (ESC, C1), bidirectional and
    other format characters, line separators, spaces but U+0020, and the surrogates that stand for
    undecodable bytes of a file name. What is escaped already stays as it is.
    """
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def without_surrogates(value: object) -> object:
    r"""A JSON value whose texts can be encoded as UTF-8.

    An undecodable byte of a file name comes as a lone surrogate (PEP 383), which strict JSON
    readers refuse (RFC 8259 §8.2); it is shown as `\xHH`.
    """
    match value:
        case str():
            return "".join(_escaped(char) if _is_surrogate(char) else char for char in value)
        case dict():
            return {key: without_surrogates(item) for key, item in value.items()}
        case list() | tuple():
            return [without_surrogates(item) for item in value]
        case _:
            return value


def _is_surrogate(char: str) -> bool:
    return "\ud800" <= char <= "\udfff"


def _escaped(char: str) -> str:
    number = ord(char)
    if _BYTE_SURROGATE + 0x80 <= number <= _BYTE_SURROGATE + 0xFF:
        number -= _BYTE_SURROGATE
    if number <= 0xFF:  # noqa: PLR2004 - the range of \xHH
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"  # noqa: PLR2004
