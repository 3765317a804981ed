"""The name of every setting, in a file and in the environment, and what was meant by a wrong one.

A setting is named by its path: `alerter.email.host` in TOML is `GEOPHONE_ALERTER_EMAIL__HOST` in
the environment.
"""

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

ENVIRONMENT_PREFIX = "GEOPHONE_"


def setting_fields(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every setting with its path, in the order of their declaration, sections last."""
    sections = []
    for name, field in model.model_fields.items():
        path = f"{above}{field.alias or name}"
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            sections.append((kind, path))
        else:
            yield path, field
    for section, path in sections:
        yield from setting_fields(section, f"{path}.")


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting's value is never shown."""
    return "SecretStr" in str(field.annotation)


def environment_name(path: str) -> str:
    """The environment variable of a setting: one `_` after its section, two further inside."""
    section, _, inside = path.partition(".")
    parts = [section, *([inside.replace(".", "__")] if inside else [])]
    return ENVIRONMENT_PREFIX + "_".join(parts).upper()


def value_at(settings: BaseModel, path: str) -> Any:
    """The value of the setting of that path."""
    value: Any = settings
    for part in path.split("."):
        fields = type(value).model_fields
        names = (name for name, field in fields.items() if part in (name, field.alias))
        value = getattr(value, next(names))
    return value


def nested(given: Mapping[str, Any]) -> dict[str, Any]:
    """Values by path as tables in tables."""
    tables: dict[str, Any] = {}
    for path, value in given.items():
        *above, name = path.split(".")
        table = tables
        for part in above:
            table = table.setdefault(part, {})
        table[name] = value
    return tables


def sections_of(paths: Iterable[str]) -> set[str]:
    """The paths of the sections that settings are in."""
    sections = set()
    for path in paths:
        while path := path.rpartition(".")[0]:
            sections.add(path)
    return sections


def suggestion(wrong: str, names: Collection[str], separator: str) -> str:
    """`: did you mean ...?`, or nothing where no name is like it.

    Args:
        wrong: what was written.
        names: what exists.
        separator: of the parts of a name. The only one with the same last part is meant.
    """
    last = wrong.rpartition(separator)[2]
    like = [name for name in names if name.rpartition(separator)[2] == last]
    if len(like) != 1:
        like = difflib.get_close_matches(wrong, names, n=1)
    return f": did you mean {like[0]}?" if like else ""
