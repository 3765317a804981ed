"""Where `geophone replay --transactions` writes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import typer

from geophone.exit_codes import ExitCode
from geophone.output import fail, write_result
from geophone_shared.errors import ConfigError

_STANDARD_OUTPUT = "-"
_LINES_AT_A_TIME = 500


@contextmanager
def transactions_output(
    path: str | None, captures: tuple[str, ...]
) -> Iterator[Callable[[str], None] | None]:
    """What writes a line to `path` (`-` is standard output); None where there is none.

    Args:
        path: a file, which is overwritten.
        captures: files that must not be.

    Raises:
        ConfigError: the file can't be written, or is a capture.
        typer.Exit: OK where the reader of standard output has seen enough; RUNTIME, with the
            reason on standard error (the disk is full, say).
    """
    if path is None:
        yield None
        return
    if path == _STANDARD_OUTPUT:
        lines: list[str] = []

        def print_line(line: str) -> None:
            lines.append(line)
            if len(lines) == _LINES_AT_A_TIME:
                is_read = write_result("".join(lines))
                lines.clear()
                if not is_read:
                    raise typer.Exit(ExitCode.OK)

        yield print_line
        write_result("".join(lines))
        return
    _refuse_capture(path, captures)
    try:
        file = Path(path).open("w", encoding="ascii", newline="\n")  # noqa: SIM115 - closed below
    except OSError as error:
        raise ConfigError(
            f"--transactions {path} can't be written: {error.strerror}; name another file"
        ) from error

    def write_line(line: str) -> None:
        with _failure_as_sentence(path):
            file.write(line)

    try:
        yield write_line
        with _failure_as_sentence(path):
            file.flush()
    finally:
        with suppress(OSError):  # it was told of
            file.close()


@contextmanager
def _failure_as_sentence(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        fail(f"{path} could not be written: {error.strerror}", ExitCode.RUNTIME)


def _refuse_capture(path: str, captures: tuple[str, ...]) -> None:
    with suppress(OSError):
        for capture in captures:
            if Path(capture).samefile(path):
                raise ConfigError(f"--transactions {path} is a capture; name another file")
