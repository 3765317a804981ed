"""Typed fields of a JSON object that came over the log. Core.

Whoever can write to the log can send any JSON, so each field is asked for by type; what isn't
asked for is ignored, so that a later version can add to a record.
"""

import json
import re
from collections.abc import Sequence
from typing import TypeVar

from geophone_shared.record_reasons import invalid_record
from geophone_shared.timestamps import parse_rfc3339

_Text = TypeVar("_Text", bound=str)
_Value = TypeVar("_Value")

LARGEST_NUMBER = 2**63 - 1
MOST_CHARACTERS = 1024
"""A name's presentation form has at most 1,016: 254 bytes as `\\DDD`."""

_MAJOR = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


def parse_object(data: bytes, most_bytes: int) -> "JsonFields":
    """The JSON object in `data`.

    Raises:
        InvalidRecordError: `too_large`; or `json`: not JSON in UTF-8, not an object, or nested
            deeper than Python parses.
    """
    if len(data) > most_bytes:
        raise invalid_record("too_large")
    try:
        return JsonFields(json.loads(data))
    except (ValueError, RecursionError) as error:
        raise invalid_record("json") from error


class JsonFields:
    """A JSON object, read field by field.

    Every method raises `InvalidRecordError` with `missing_field` or `ill_typed_field`; the
    constructor does so with `json` for what is not an object.
    """

    __slots__ = ("_fields",)

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise invalid_record("json")
        self._fields: dict[str, object] = value

    def check_schema(self, kind: str, newest_major: int) -> None:
        """The field `schema` has to be `kind/1` .. `kind/newest_major`.

        Raises:
            InvalidRecordError: `schema` or `newer_schema`, besides what every method raises.
        """
        found, _, major = self.text("schema").partition("/")
        if found != kind or _MAJOR.fullmatch(major) is None:
            raise invalid_record("schema")
        if int(major) > newest_major:
            raise invalid_record("newer_schema")

    def has(self, name: str) -> bool:
        """Whether there is such a field, and it isn't `null`."""
        return self._fields.get(name) is not None

    def integer(self, name: str) -> int:
        """A number without a fraction, 0 .. 2^63 - 1."""
        return _count(self._get(name))

    def boolean(self, name: str) -> bool:
        """`true` or `false`."""
        return _typed(self._get(name), bool)

    def text(self, name: str) -> str:
        """A string of at most `MOST_CHARACTERS`, all of them printable."""
        return _text(self._get(name))

    def optional_text(self, name: str) -> str | None:
        """A string as in `text`, or None for `null`."""
        return None if self._get(name) is None else self.text(name)

    def one_of(self, name: str, choices: Sequence[_Text]) -> _Text:
        """A string of a closed set."""
        text = self.text(name)
        for choice in choices:
            if choice == text:
                return choice
        raise invalid_record("ill_typed_field")

    def time_us(self, name: str) -> int:
        """An RFC 3339 time, as microseconds since the epoch."""
        try:
            return parse_rfc3339(self.text(name))
        except ValueError as error:
            raise invalid_record("ill_typed_field") from error

    def optional_time_us(self, name: str) -> int | None:
        """An RFC 3339 time, or None for `null`."""
        return None if self._get(name) is None else self.time_us(name)

    def nested(self, name: str) -> "JsonFields":
        """An object."""
        return JsonFields(_typed(self._get(name), dict))

    def nested_list(self, name: str) -> list["JsonFields"]:
        """A list of objects."""
        return [JsonFields(_typed(item, dict)) for item in _typed(self._get(name), list)]

    def joined(self, other: "JsonFields") -> "JsonFields":
        """These fields and another object's, which count where both have one."""
        return JsonFields(self._fields | other._fields)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings as in `text`."""
        return tuple(map(_text, _typed(self._get(name), list)))

    def integers(self, name: str) -> tuple[int, ...]:
        """A list of numbers as in `integer`."""
        return tuple(map(_count, _typed(self._get(name), list)))

    def counts(self, name: str) -> dict[str, int]:
        """An object whose values are all numbers as in `integer`."""
        fields = _typed(self._get(name), dict)
        return {_text(key): _count(value) for key, value in fields.items()}

    def _get(self, name: str) -> object:
        try:
            return self._fields[name]
        except KeyError:
            raise invalid_record("missing_field") from None


def _typed(value: object, kind: type[_Value]) -> _Value:
    if not isinstance(value, kind):
        raise invalid_record("ill_typed_field")
    return value


def _text(value: object) -> str:
    # Printable leaves out line breaks, escapes, surrogates and marks that turn the direction of
    # writing: texts end up in mails and on terminals.
    if not isinstance(value, str) or len(value) > MOST_CHARACTERS or not value.isprintable():
        raise invalid_record("ill_typed_field")
    return value


def _count(value: object) -> int:
    # Not `isinstance`: JSON's true is an int to Python.
    if type(value) is not int or not 0 <= value <= LARGEST_NUMBER:
        raise invalid_record("ill_typed_field")
    return value
