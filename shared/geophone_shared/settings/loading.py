"""Settings from everywhere, where each comes from, and what is wrong with them in sentences."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from geophone_shared.errors import ConfigError
from geophone_shared.settings.paths import environment_name, is_secret, nested
from geophone_shared.settings.settings import Settings, all_settings, given_beside_flags

DEFAULT = "default"
"""The origin of a setting that nobody gave."""

_MOST_CHARACTERS = 80

_WHAT_TO_WRITE = {
    "bool_parsing": "write true or false",
    "bool_type": "write true or false",
    "float_parsing": "write a number",
    "float_type": "write a number",
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "too_short": "give at least one",
    "string_too_short": "write something, or remove it",
}
"""By pydantic's type of error, in place of its own words."""


@dataclass(frozen=True, slots=True)
class Flag:
    """An option of a command that is a setting.

    Attributes:
        option: as people write it, `--speed`.
        path: of the setting, `capture.speed`.
        value: None where it wasn't given.
    """

    option: str
    path: str
    value: Any


def load_settings(flags: Iterable[Flag] = ()) -> Settings:
    """The settings that hold.

    Raises:
        ConfigError: which settings are wrong, where they come from and what to change.
    """
    flags = _given(flags)
    try:
        return Settings(**nested({flag.path: flag.value for flag in flags}))
    except ValidationError as error:
        known = _known_origins(flags)
        sentences = [_sentence(each, known) for each in error.errors(include_url=False)]
        raise ConfigError("; ".join(dict.fromkeys(sentences))) from None  # a cause shows secrets


def origins(flags: Iterable[Flag] = ()) -> dict[str, str]:
    """Where every setting comes from, by path: an option, a variable, a file or `DEFAULT`.

    Raises:
        ConfigError: as `load_settings`.
    """
    return dict.fromkeys(all_settings(), DEFAULT) | _known_origins(_given(flags))


def _given(flags: Iterable[Flag]) -> list[Flag]:
    return [flag for flag in flags if flag.value is not None]


def _known_origins(flags: Sequence[Flag]) -> dict[str, str]:
    by_flags = {flag.path: flag.value for flag in flags}
    in_environment, in_file = given_beside_flags(by_flags)
    file = by_flags.get("config_file") or in_environment.get("config_file")
    return (
        dict.fromkeys(in_file, str(file))
        | {path: environment_name(path) for path in in_environment}
        | {flag.path: flag.option for flag in flags}
    )


def _sentence(error: ErrorDetails, known: Mapping[str, str]) -> str:
    fields = all_settings()
    location = [str(part) for part in error["loc"]]
    paths = [".".join(location[:length]) for length in range(len(location), 0, -1)]
    path = next((path for path in paths if path in fields), None)
    if path is None:  # a whole section is wrong, and the reason names its settings
        by = [known[each] for each in fields if each.startswith(f"{paths[0]}.") and each in known]
        return f"{paths[0]} (from {', '.join(by)}): {_reason(error)}"
    value = "" if is_secret(fields[path]) else f" = {str(error['input'])[:_MOST_CHARACTERS]!a}"
    return f"{path}{value} (from {known.get(path, DEFAULT)}): {_reason(error)}"


def _reason(error: ErrorDetails) -> str:
    """What to change."""
    if error["type"] in _WHAT_TO_WRITE:
        return _WHAT_TO_WRITE[error["type"]]
    return error["msg"].removeprefix("Value error, ").replace("Input should", "it has to", 1)
