"""The options that the commands of the services share, and the settings that they are."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geophone.output import is_terminal
from geophone_shared.errors import ConfigError

if TYPE_CHECKING:
    from geophone_shared.settings.loading import Flag

_STANDARD_INPUT = "-"

Source = Annotated[
    # Hidden: the help of the commands says what it is.
    str | None, typer.Argument(metavar="-", hidden=True)
]
Files = Annotated[
    list[str] | None,
    typer.Option("--file", metavar="FILE", help="A capture, pcap or pcapng; repeatable."),
]
Interfaces = Annotated[
    list[str] | None,
    typer.Option("--interface", metavar="IF", help="A network interface; repeatable."),
]
Promiscuous = Annotated[
    bool, typer.Option("--promiscuous", help="Of interfaces, frames for other stations, too.")
]
RingBytes = Annotated[
    int | None,
    typer.Option(
        "--ring-bytes",
        metavar="N",
        help="Memory of each interface for packets that wait.  [default: 64 MiB]",
    ),
]
FanoutGroup = Annotated[
    int | None,
    typer.Option(
        "--fanout-group",
        metavar="N",
        help="Share interfaces with the processes here that give the same number.",
    ),
]
Encapsulations = Annotated[
    str | None,
    typer.Option(
        "--encapsulations",
        metavar="LIST",
        help="What to look into on interfaces besides VLANs: vxlan,gre,... or all.",
    ),
]
FilterRaw = Annotated[
    Path | None,
    typer.Option(
        "--filter-raw",
        metavar="FILE",
        help="A packet filter for interfaces, as `tcpdump -ddd` prints it.",
    ),
]
Speed = Annotated[
    str | None,
    typer.Option(
        metavar="max|N",
        help="How many times as fast as it was recorded.  [default: max; of standard input 1]",
    ),
]
ShiftToNow = Annotated[
    bool, typer.Option("--shift-to-now", help="Date packets as if the captures began now.")
]
ExitAtEnd = Annotated[
    bool,
    typer.Option("--exit-at-end", help="End when all is done, in place of going on serving."),
]
KeepResponses = Annotated[
    bool, typer.Option("--keep-responses", help="Store the raw responses with the transactions.")
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Where the embedded log and a generated hash key are.  [default: ./geophone-data]",
    ),
]
KeyDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Where a generated hash key is.  [default: ./geophone-data]",
    ),
]
Http = Annotated[
    str | None,
    typer.Option(
        "--http", metavar="ADDRESS:PORT", help="Where REST is.  [default: 127.0.0.1:8053]"
    ),
]
LogFormat = Annotated[
    str | None,
    typer.Option(
        "--log-format",
        metavar="json|text",
        help="Of what is said on standard error.  [default: text on a terminal, else json]",
    ),
]
CaptureOps = Annotated[
    str | None,
    typer.Option(
        "--ops",
        metavar="ADDRESS:PORT",
        help="Where probes and metrics are.  [default: 127.0.0.1:8054]",
    ),
]
DetectorOps = Annotated[
    str | None,
    typer.Option(
        "--ops",
        metavar="ADDRESS:PORT",
        help="Where probes and metrics are.  [default: 127.0.0.1:8055]",
    ),
]
AlerterOps = Annotated[
    str | None,
    typer.Option(
        "--ops",
        metavar="ADDRESS:PORT",
        help="Where probes and metrics are.  [default: where REST is]",
    ),
]


Option = tuple[str, str, object]
"""An option as people write it, the setting that it is, and its value; None where not given."""


def source_options(
    source: str | None,
    files: Sequence[str] | None,
    interfaces: Sequence[str] | None,
    speed: str | None,
    *,
    shift_to_now: bool,
    exit_at_end: bool,
) -> list[Option]:
    """What is captured: what these options name, whatever the environment or a file say.

    Raises:
        ConfigError: they can't be meant together.
    """
    if source not in (None, _STANDARD_INPUT):
        raise ConfigError(f"captures are given with --file: --file {source}")
    if source is not None and files:
        raise ConfigError("- and --file exclude each other; choose one")
    names = (_STANDARD_INPUT,) if source is not None else tuple(files or ())
    if _STANDARD_INPUT in names and is_terminal(sys.stdin):
        raise ConfigError(
            "- is standard input, and that is the keyboard; pipe a capture into it, such as"
            " tcpdump -U -w - port 53 | geophone run -"
        )
    if interfaces and names:
        raise ConfigError("--interface and a capture (--file, -) exclude each other; choose one")
    file_option = "--file" if source is None else "-"
    if interfaces:
        captured: list[Option] = [
            ("--interface", "capture.interfaces", tuple(interfaces)),
            ("--interface", "capture.files", ()),
        ]
    elif names:
        captured = [(file_option, "capture.files", names), (file_option, "capture.interfaces", ())]
    else:
        captured = []
    return [
        *captured,
        ("--speed", "capture.speed", speed),
        ("--shift-to-now", "capture.shift_to_now", shift_to_now or None),
        ("--exit-at-end", "capture.exit_at_end", exit_at_end or None),
    ]


def interface_options(
    ring_bytes: int | None,
    fanout_group: int | None,
    encapsulations: str | None,
    filter_raw: Path | None,
    *,
    promiscuous: bool,
) -> list[Option]:
    """How interfaces are captured on."""
    return [
        ("--promiscuous", "capture.promiscuous", promiscuous or None),
        ("--ring-bytes", "capture.ring_bytes", ring_bytes),
        ("--fanout-group", "capture.fanout_group", fanout_group),
        ("--encapsulations", "capture.encapsulations", encapsulations),
        ("--filter-raw", "capture.filter_raw_file", filter_raw),
    ]


def common_options(
    bootstrap_servers: str | None, config: Path | None, log_format: str | None
) -> list[Option]:
    """What every process with services in it has."""
    return [
        ("--config", "config_file", config),
        ("--bootstrap-servers", "bootstrap_servers", bootstrap_servers),
        ("--log-format", "log.format", log_format),
    ]


def flags_of(options: Sequence[Option]) -> "list[Flag]":
    """The options as settings."""
    from geophone_shared.settings.loading import Flag  # noqa: PLC0415 - loads pydantic

    return [Flag(*option) for option in options]
