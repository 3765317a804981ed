"""What the environment and a TOML file say, by setting."""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from geophone_shared.errors import ConfigError
from geophone_shared.settings.paths import (
    ENVIRONMENT_PREFIX,
    environment_name,
    sections_of,
    suggestion,
)

_MOST_FILE_BYTES = 1024 * 1024

_OF_THE_TESTS = frozenset({"GEOPHONE_CAPTURES", "GEOPHONE_REQUIRE_ALL"})

_SERVICE_LINK = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_.+)?)")
"""What Kubernetes puts into every pod for a service that is called geophone-alerter, say; beside
them stands `…_PORT`, which is a URL."""
_SERVICE_URL = re.compile(r"(tcp|udp|sctp)://.*")


def environment_values(environment: Mapping[str, str], paths: Collection[str]) -> dict[str, str]:
    """The settings that the environment has, by path; an empty variable sets nothing.

    Raises:
        ConfigError: a variable begins with `GEOPHONE_` and is no setting's.
    """
    names = {environment_name(path): path for path in paths}
    values = {}
    for name, value in environment.items():
        if not name.startswith(ENVIRONMENT_PREFIX):
            continue
        if name in names:
            if value:
                values[names[name]] = value
        elif not _is_of_others(name, value):
            raise ConfigError(
                f"the environment variable {name[:80]!a} is no setting"
                f"{suggestion(name, names, '_') or '; unset it'}"
            )
    return values


def file_values(file: Path, paths: Collection[str]) -> dict[str, Any]:
    """The settings that a TOML file has, by path.

    Raises:
        ConfigError: it can't be read, isn't TOML, or has a key that is no setting's.
    """
    try:
        with file.open("rb") as stream:
            text = stream.read(_MOST_FILE_BYTES).decode()
    except OSError as error:
        raise ConfigError(
            f"the configuration file {str(file)!a} can't be read ({error.strerror});"
            " correct --config"
        ) from error
    except ValueError as error:
        raise ConfigError(f"{str(file)!a} isn't UTF-8; save it as such") from error
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{str(file)!a} isn't TOML; correct it ({error})") from error
    sections = sections_of(paths)
    values = dict(_flattened(tables, sections))
    for path in values:
        if path not in paths:
            raise ConfigError(
                f"{str(file)!a} has {path[:80]!a}, which is no setting"
                f"{suggestion(path, [*paths, *sections], '.') or '; remove it'}"
            )
    return values


def _flattened(
    table: Mapping[str, Any], sections: Collection[str], above: str = ""
) -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        path = f"{above}{key}"
        if isinstance(value, dict) and path in sections:
            yield from _flattened(value, sections, f"{path}.")
        else:
            yield path, value


def _is_of_others(name: str, value: str) -> bool:
    is_url = name.endswith("_PORT") and _SERVICE_URL.fullmatch(value) is not None
    return is_url or name in _OF_THE_TESTS or _SERVICE_LINK.fullmatch(name) is not None
