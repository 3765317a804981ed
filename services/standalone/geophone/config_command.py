"""`geophone config`: what is set and by whom, whether it is right, and what could be set."""

import json
from pathlib import Path
from typing import Annotated

import typer

from geophone.exit_codes import ExitCode
from geophone.output import fail, write_result
from geophone_shared.errors import ConfigError

HELP = """
Show, check and describe the settings (docs/configuration.md lists them all).

Flags come before environment variables (GEOPHONE_...), those before the --config file (TOML), and
that before the defaults.

\b
Examples:
  geophone config show --config geophone.toml      what holds, and where it comes from
  geophone config validate --config geophone.toml  exit code 2, and what to change, if it is wrong
  geophone config schema > geophone.schema.json    for an editor
"""
# "\b" keeps the lines of a paragraph as they are (click).

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=HELP)

ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="A file with settings, TOML.")
]


@app.command()
def show(
    *,
    config: ConfigFile = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object: value and origin by setting.")
    ] = False,
) -> None:
    """Print the settings that hold, as TOML, and where each comes from; no secret is shown."""
    from geophone import effective_settings  # noqa: PLC0415 - loads pydantic

    try:
        effective = effective_settings.effective_settings(config)
    except ConfigError as error:
        fail(str(error), ExitCode.CONFIG)
    write = effective_settings.as_json if as_json else effective_settings.as_toml
    write_result(write(effective))


@app.command()
def validate(*, config: ConfigFile = None) -> None:
    """Check the settings; what is wrong is said in a sentence each. No secret's file is read."""
    from geophone import effective_settings  # noqa: PLC0415 - loads pydantic

    try:
        effective_settings.check_settings(config)
    except ConfigError as error:
        fail(str(error), ExitCode.CONFIG)
    write_result("The settings are right.\n")


@app.command()
def schema() -> None:
    """Print the JSON schema of the TOML file."""
    from geophone_shared.settings.settings import file_schema  # noqa: PLC0415 - loads pydantic

    write_result(json.dumps(file_schema(), indent=2) + "\n")
