"""The settings that hold, as `geophone config` shows them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from geophone_shared.settings.loading import Flag, load_settings, origins
from geophone_shared.settings.paths import is_secret, value_at
from geophone_shared.settings.secret_values import refuse_open_doors
from geophone_shared.settings.settings import CONFIG_FILE, all_settings
from geophone_shared.settings.values import plain


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """One setting as it holds.

    Attributes:
        path: its name, `alerter.email.host`.
        value: as JSON has it; None where it isn't set; of a secret "set" or "not set".
        origin: a flag, an environment variable, a file or `default`.
        is_secret: whether its value isn't shown.
    """

    path: str
    value: Any
    origin: str
    is_secret: bool


def effective_settings(config: Path | None) -> list[EffectiveSetting]:
    """All settings with that configuration file, in this environment.

    Raises:
        ConfigError: one is wrong.
    """
    flags = _flags(config)
    settings = load_settings(flags)
    effective = []
    for path, origin in origins(flags).items():
        value = value_at(settings, path)
        hidden = is_secret(all_settings()[path])
        shown = ("not set" if value is None else "set") if hidden else plain(value)
        effective.append(EffectiveSetting(path, shown, origin, hidden))
    return effective


def check_settings(config: Path | None) -> None:
    """Check everything about the settings that can be known without opening what they name.

    Raises:
        ConfigError: what to change.
    """
    refuse_open_doors(load_settings(_flags(config)).alerter)


def as_json(effective: Sequence[EffectiveSetting]) -> str:
    """One JSON object, by path."""
    shown = {each.path: {"value": each.value, "origin": each.origin} for each in effective}
    return json.dumps(shown, indent=2) + "\n"


def as_toml(effective: Sequence[EffectiveSetting]) -> str:
    """A file that sets the same, but for the secrets; comments tell the origins."""
    return "\n".join(_toml_lines(effective)) + "\n"


def _toml_lines(effective: Sequence[EffectiveSetting]) -> Iterator[str]:
    for section, members in groupby(effective, lambda each: each.path.rpartition(".")[0]):
        if section:
            yield ""
            yield f"[{section}]"
        for each in members:
            name = each.path.rpartition(".")[2]
            if each.value in (None, "not set"):
                yield f"# {name} is not set"
                continue
            # A file can't name a file, and no secret is shown: comments.
            is_comment = each.is_secret or each.path == CONFIG_FILE
            value = each.value if each.is_secret else _toml_value(each.value)
            line = f"# {name} is {value}" if is_comment else f"{name} = {value}"
            yield f"{line}  # {_printable(each.origin)}"


def _toml_value(value: Any) -> str:
    """A JSON value is TOML, too, but for characters that can't be seen."""
    return _printable(json.dumps(value, ensure_ascii=False))


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in text)


def _flags(config: Path | None) -> list[Flag]:
    return [Flag("--config", "config_file", config)]
