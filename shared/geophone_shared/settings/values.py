"""Types of settings that arrive as text and are something else."""

import math
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    SecretStr,
    WithJsonSchema,
)

from geophone_shared.listen_address import ListenAddress


def _comma_separated(value: object) -> object:
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


def _listen_address(value: object) -> object:
    return ListenAddress.parse(value) if isinstance(value, str) else value


def _speed(value: object) -> float:
    try:
        speed = math.inf if value == "max" else float(str(value))
    except ValueError:
        speed = math.nan
    if not speed > 0:
        raise ValueError("write max, or how many times as fast as it was recorded")
    return speed


def _is_one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it must not hold control characters")
    return text


Address = Annotated[
    ListenAddress,
    BeforeValidator(_listen_address),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "examples": ["127.0.0.1:8053"]}),
]
"""ADDRESS:PORT."""

Speed = Annotated[
    float,
    PlainValidator(_speed),
    PlainSerializer(lambda speed: "max" if math.isinf(speed) else speed),
    WithJsonSchema(
        {"anyOf": [{"const": "max"}, {"type": "number", "exclusiveMinimum": 0}], "default": "max"}
    ),
]
"""A factor of the recorded speed; `max` is infinity."""

Text = Annotated[str, Field(min_length=1), AfterValidator(_is_one_line)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_comma_separated)]
"""Several values; in the environment separated by commas."""

Port = Annotated[int, Field(ge=1, le=65_535)]
Ports = Annotated[tuple[Port, ...], BeforeValidator(_comma_separated), Field(min_length=1)]

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Secret = Annotated[SecretStr, Field(min_length=1)]


def plain(value: Any) -> Any:
    """A setting's value as JSON and TOML have it; never a secret's."""
    match value:
        case SecretStr():
            return "set"
        case ListenAddress():
            return str(value)
        case float() if math.isinf(value):
            return "max"
        case tuple():
            return [plain(item) for item in value]
        case bool() | int() | float() | str() | None:
            return value
        case _:
            return str(value)
