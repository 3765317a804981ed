"""The `geophone` command line.

`geophone --help` must answer at once: what is slow to import (numba, rich) is imported where it
is used, here and in the commands.
"""

import gc
import socket
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from geophone import (
    alerter_command,
    alerts_command,
    capture_command,
    config_command,
    dead_letters_command,
    detector_command,
    devices_command,
    replay_command,
    run_command,
    top_command,
    topics_command,
)
from geophone.output import write_result
from geophone_shared import __version__

_HELP = """
Geophone reads DNS traffic and finds tunnels: data smuggled out through DNS queries.

\b
Examples:
  geophone replay capture.pcap         is there a tunnel in this capture?
  geophone replay --json capture.pcap  the same for a program
  geophone run --help                  how to watch a network from one machine
  geophone detector --help             how to watch a large one, over Kafka
"""
# "\b" keeps the lines of a paragraph as they are (click).


class _Commands(TyperGroup):
    """`geophone capture devices` beside `geophone capture`, which has an argument itself (-)."""

    # Of click, which typer has a copy of its own of: so its types can't be named.
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the arguments name, and those that are left for it."""
        if args[:2] == devices_command.NAME.split():
            args = [devices_command.NAME, *args[2:]]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="geophone",
    cls=_Commands,
    no_args_is_help=True,
    # Plain help: the same in a pipe, and without rich it takes a third of the time.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("replay", help=replay_command.HELP)(replay_command.replay)
app.command("run", help=run_command.HELP)(run_command.run)
app.command("capture", help=capture_command.HELP)(capture_command.capture)
app.command(devices_command.NAME, help=devices_command.HELP, hidden=True)(devices_command.devices)
app.command("detector", help=detector_command.HELP)(detector_command.detector)
app.command("alerter", help=alerter_command.HELP)(alerter_command.alerter)
app.command("top", help=top_command.HELP)(top_command.top)
app.add_typer(alerts_command.app, name="alerts")
app.add_typer(topics_command.app, name="topics")
app.add_typer(dead_letters_command.app, name="dead-letters")
app.add_typer(config_command.app, name="config")


def main(sockets: Sequence[socket.socket] = ()) -> None:
    """Do what the command line says.

    Args:
        sockets: packet sockets for the interfaces that it names, opened while that was allowed.
    """
    # What imports make stays; to look for garbage at every 700th object takes a tenth of the start.
    gc.set_threshold(200_000)
    app(prog_name="geophone", obj=tuple(sockets))


def _print_version(is_asked: bool) -> None:  # noqa: FBT001 - typer calls it with the flag
    if is_asked:
        write_result(f"geophone {__version__}\n")
        raise typer.Exit


@app.callback(help=_HELP)
def root(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Options of `geophone` itself."""
