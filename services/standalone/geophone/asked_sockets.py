"""How many packet sockets a command line asks for, before anything is loaded that could read it.

Packet sockets that aren't bound yet are all alike, so their number is enough. It is that of the
interfaces where options, environment and file are right; where they aren't, the command says so.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_COMMANDS = ("capture", "run")
_HELP = ("-h", "--help")
_VARIABLE = "GEOPHONE_CAPTURE_INTERFACES"
_FILE_VARIABLE = "GEOPHONE_CONFIG_FILE"


def asked_sockets(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """The number of interfaces that are to be captured on.

    Args:
        arguments: of the command line, without the program's name.
        environment: of the process.
    """
    if not arguments or arguments[0] not in _COMMANDS or arguments[1:2] == ["devices"]:
        return 0
    if any(each in arguments for each in _HELP):
        return 0
    interfaces = _values(arguments, "--interface")
    if interfaces:
        return len(interfaces)
    if "-" in arguments or _values(arguments, "--file"):
        return 0  # what the command line names is captured, and nothing else
    in_environment = environment.get(_VARIABLE, "")
    if in_environment:
        return _count(in_environment)
    files = _values(arguments, "--config") or [environment.get(_FILE_VARIABLE, "")]
    return _count(_in_file(files[-1]))


def _values(arguments: Sequence[str], option: str) -> list[str]:
    """What an option was given: `--option VALUE` or `--option=VALUE`."""
    behind = zip(arguments, [*arguments[1:], ""], strict=True)
    return [
        value if argument == option else argument.partition("=")[2]
        for argument, value in behind
        if argument == option or argument.startswith(f"{option}=")
    ]


def _in_file(name: str) -> Any:
    try:
        return tomllib.loads(Path(name).read_text(encoding="utf-8"))["capture"]["interfaces"]
    except (OSError, ValueError, KeyError, TypeError):
        return ()  # whoever reads the file in earnest says what is wrong with it


def _count(interfaces: Any) -> int:
    if isinstance(interfaces, str):
        return sum(bool(part.strip()) for part in interfaces.split(","))
    return len(interfaces) if isinstance(interfaces, list) else 0
