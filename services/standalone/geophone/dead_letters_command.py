"""`geophone dead-letters`: records that could not be used."""

from typing import TYPE_CHECKING, Annotated

import typer

from geophone.log_options import BootstrapServers, ConfigFile, DataDir, log_settings, on_log
from geophone.output import write_result
from geophone.rest_options import failures_as_sentences, write_json

if TYPE_CHECKING:
    from geophone.buried import Buried, Fate

HELP = """
List records that could not be used, or that a receiver refused; put some back.

Of the embedded log only while `geophone run` is stopped: one process at a time has it.

\b
Examples:
  geophone dead-letters list --bootstrap-servers kafka-1:9092
  geophone dead-letters replay --dry-run --bootstrap-servers kafka-1:9092
  geophone dead-letters replay --offset 17 --bootstrap-servers kafka-1:9092
"""
# "\b" keeps the lines of a paragraph as they are (click).

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=HELP)

_SENTENCES: "dict[Fate, str]" = {
    "put_back": "{} put back",
    "refused_by_receiver": "{} left, since a receiver had refused to be told",
    "of_no_use": "{} left, since they don't say where a record was that somebody reads",
}


@app.command("list")
def list_letters(
    *,
    bootstrap_servers: BootstrapServers = None,
    data_dir: DataDir = None,
    config: ConfigFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List the newest 10,000 dead letters, the oldest of them first."""
    with failures_as_sentences():
        from geophone.buried import list_buried  # noqa: PLC0415 - with the log's client

        found = on_log(log_settings(bootstrap_servers, config, data_dir), list_buried)
        if as_json:
            write_json([each.to_json() for each in found])
            return
        write_result("".join(_line(each) for each in found) or "There are no dead letters.\n")


@app.command()
def replay(
    *,
    bootstrap_servers: BootstrapServers = None,
    data_dir: DataDir = None,
    config: ConfigFile = None,
    offset: Annotated[
        list[int] | None,
        typer.Option(min=0, metavar="N", help="A dead letter's offset; repeatable. Default: all."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would become of them.")
    ] = False,
) -> None:
    """Put records back where they were, for a newer Geophone, say, that can use them.

    Those that still can't be used become dead letters again. A batch that is put back twice is
    counted once.
    """
    wanted = frozenset(offset or ())
    with failures_as_sentences():
        from geophone.buried import put_back  # noqa: PLC0415 - with the log's client

        fates = on_log(
            log_settings(bootstrap_servers, config, data_dir),
            lambda bus: put_back(
                bus, lambda each: not wanted or each in wanted, is_dry_run=dry_run
            ),
        )
        would = "would be: " if dry_run else ""
        lines = [
            would + sentence.format(fates[fate]) + "\n"
            for fate, sentence in _SENTENCES.items()
            if fates[fate]
        ]
        write_result("".join(lines) or "There are no such dead letters.\n")


def _line(buried: "Buried") -> str:
    place = "unreadable" if buried.place is None else f"{buried.place}@{buried.record_offset}"
    published = buried.to_json()["published"]
    reason = buried.reason or "-"
    return f"{buried.offset}\t{published}\t{place}\t{reason}\t{buried.size_bytes} B\n"
