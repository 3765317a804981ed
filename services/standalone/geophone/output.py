"""Where the command line writes: results to standard output, everything else to standard error."""

import io
import os
import sys
from typing import NoReturn, TextIO

import typer

from geophone.escaping import terminal_text
from geophone.exit_codes import ExitCode


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person sits at the stream; Python has None for a closed one (`>&-`)."""
    return stream is not None and stream.isatty()


def notice(text: str) -> None:
    """One line on standard error."""
    typer.echo(f"geophone: {terminal_text(text)}", err=True)


def fail(text: str, code: ExitCode) -> NoReturn:
    """Say why on standard error and end the process."""
    notice(text)
    raise typer.Exit(code)


def write_result(text: str) -> bool:
    """Write to standard output, whole and flushed; whether anyone reads on.

    A reader that has seen enough (`| head`) is no error. What the encoding of standard output
    can't express is escaped.

    Raises:
        typer.Exit: RUNTIME, with the reason on standard error (the disk is full, say).
    """
    if sys.stdout is None:
        fail("the result could not be written: standard output is closed", ExitCode.RUNTIME)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_standard_output()
        return False
    except OSError as error:
        _discard_standard_output()
        fail(f"the result could not be written: {error.strerror}", ExitCode.RUNTIME)
    return True


def _discard_standard_output() -> None:
    """Send what is still buffered nowhere: Python flushes at exit and would complain again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
