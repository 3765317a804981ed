"""`geophone top`: the top domains of a running alerter."""

from typing import Annotated

import typer

from geophone.output import write_result
from geophone.replay_command import Window
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
Show the domains with the most different hostnames, as `geophone run` or `alerter` has them.

\b
Examples:
  geophone top
  geophone top --window 24h --limit 50 --exclude-allowed
  geophone top --json | jq '.domains[].registered_domain'
"""
# "\b" keeps the lines of a paragraph as they are (click).

_MOST_DOMAINS = 1_000


def top(
    *,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    window: Annotated[
        Window, typer.Option(help="The sliding window that ranks the table.")
    ] = Window.FOUR_HOURS,
    limit: Annotated[
        int, typer.Option(min=1, max=_MOST_DOMAINS, metavar="N", help="How many domains.")
    ] = 10,
    exclude_allowed: Annotated[
        bool, typer.Option("--exclude-allowed", help="Leave out domains on an allow list.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run `geophone top`; `HELP` is what it says of itself."""
    with failures_as_sentences():
        query = {"window": window.value, "limit": limit, "exclude_allowed": exclude_allowed}
        answer = rest_client(url, token_file).get("/api/v1/domains/top", query)
        if as_json:
            write_json(answer)
            return
        from geophone.rest_pages import top_page  # noqa: PLC0415 - loads rich

        write_result(top_page(answer))
