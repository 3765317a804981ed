"""The options of commands that ask REST, and how they end."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from geophone.exit_codes import ExitCode
from geophone.output import fail, write_result
from geophone_shared.errors import ConfigError, InvalidRecordError, RefusedError, TransientError

if TYPE_CHECKING:
    from geophone.rest_client import RestClient

DEFAULT_URL = "http://127.0.0.1:8053"

Url = Annotated[
    str,
    typer.Option("--url", metavar="URL", help="Where `geophone run` or `alerter` serves REST."),
]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", metavar="FILE", help="A file that holds the token for REST."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer of REST, one JSON object.")]


def rest_client(url: str, token_file: Path | None) -> "RestClient":
    """The client that the options ask for.

    Raises:
        ConfigError: the file can't be used.
    """
    from geophone.rest_client import RestClient  # noqa: PLC0415 - loads urllib

    if token_file is None:
        return RestClient(url, None)
    from geophone_shared.settings.secret_values import secret_in  # noqa: PLC0415 - loads pydantic

    return RestClient(url, secret_in(token_file, "--token-file"))


@contextmanager
def failures_as_sentences() -> Iterator[None]:
    """Ends the process with a sentence where the block can't do what was asked for."""
    try:
        yield
    except RefusedError as error:
        fail(str(error), ExitCode.NO_PERMISSION)
    except ConfigError as error:
        fail(str(error), ExitCode.CONFIG)
    except TransientError as error:
        fail(str(error), ExitCode.UNAVAILABLE)
    except InvalidRecordError as error:
        fail(str(error), ExitCode.RUNTIME)
    except KeyboardInterrupt:
        fail("interrupted", ExitCode.INTERRUPTED)


def write_json(value: Any) -> None:
    """Prints a JSON value, in ASCII."""
    write_result(json.dumps(value, indent=2) + "\n")
