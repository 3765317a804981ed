"""`geophone alerts`: the alerts of a running alerter, and a mail that only tries the mail."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from geophone.exit_codes import ExitCode
from geophone.output import fail, notice, write_result
from geophone.rest_options import (
    DEFAULT_URL,
    AsJson,
    TokenFile,
    Url,
    failures_as_sentences,
    rest_client,
    write_json,
)

HELP = """
Show alerts, as `geophone run` or `alerter` has them, the newest first.

\b
Examples:
  geophone alerts                     what is open
  geophone alerts --state all --json
  geophone alerts test-email --config geophone.toml
"""
# "\b" keeps the lines of a paragraph as they are (click).

_MOST_ALERTS = 1_000

app = typer.Typer(rich_markup_mode=None, help=HELP, invoke_without_command=True)


class State(StrEnum):
    """Which alerts are shown."""

    OPEN = "open"
    RECOVERED = "recovered"
    ALL = "all"


@app.callback()
def alerts(
    context: typer.Context,
    *,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    state: Annotated[State, typer.Option(help="Which alerts.")] = State.OPEN,
    limit: Annotated[
        int, typer.Option(min=1, max=_MOST_ALERTS, metavar="N", help="How many alerts.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """Run `geophone alerts`; `HELP` is what it says of itself."""
    if context.invoked_subcommand is not None:
        return
    with failures_as_sentences():
        query = {"state": state.value, "limit": limit}
        answer = rest_client(url, token_file).get("/api/v1/alerts", query)
        if as_json:
            write_json(answer)
            return
        from geophone.rest_pages import alerts_page  # noqa: PLC0415 - loads rich

        write_result(alerts_page(answer, state.value))


@app.command("test-email")
def send_test_email(
    *,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="A file with settings, TOML.")
    ] = None,
) -> None:
    """Send a mail as for an alert, with the settings of the alerter, and say what came of it."""
    with failures_as_sentences():
        from geophone.mail_trial import send_sample  # noqa: PLC0415 - loads pydantic

        outcomes = send_sample(config)
    refused = {target: text for target, text in outcomes.items() if text is not None}
    for target in outcomes.keys() - refused.keys():
        write_result(f"accepted for {target}\n")
    for target, text in refused.items():
        notice(f"not accepted for {target}: {text}")
    if refused:
        fail("the mail server did not take the mail for everyone", ExitCode.UNAVAILABLE)
