"""`geophone topics`: the topics that Kafka has to have."""

from typing import TYPE_CHECKING, Annotated

import typer

from geophone.exit_codes import ExitCode
from geophone.log_options import BootstrapServers, ConfigFile, log_settings, on_log
from geophone.output import notice, write_result
from geophone.rest_options import failures_as_sentences
from geophone_shared.bus.provisioning import create_topics, verify_topics
from geophone_shared.bus.topics import KAFKA_PARTITIONS, declared_topics
from geophone_shared.errors import ConfigError

if TYPE_CHECKING:
    from geophone_shared.settings.settings import Settings

HELP = """
Create the topics that Geophone needs in Kafka, or say how those that exist differ.

Nothing that exists is ever changed. The embedded log of `geophone run` makes its own.

\b
Examples:
  geophone topics create --dry-run --bootstrap-servers kafka-1:9092
  geophone topics create --bootstrap-servers kafka-1:9092,kafka-2:9092
  geophone topics verify --bootstrap-servers kafka-1:9092
"""
# "\b" keeps the lines of a paragraph as they are (click).

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=HELP)

Partitions = Annotated[
    int,
    typer.Option(
        min=1,
        metavar="N",
        help="Partitions of the transactions: as many detectors can share them.",
    ),
]


@app.command()
def create(
    *,
    bootstrap_servers: BootstrapServers = None,
    config: ConfigFile = None,
    partitions: Partitions = KAFKA_PARTITIONS,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be created.")
    ] = False,
) -> None:
    """Create the topics that don't exist yet, and say how the others differ (exit code 2)."""
    declared = declared_topics(partitions)
    with failures_as_sentences():
        settings = _kafka(log_settings(bootstrap_servers, config))
        created = on_log(settings, lambda bus: create_topics(bus, declared, is_dry_run=dry_run))
        write_result("".join(f"{sentence}\n" for sentence in created))
        differences = on_log(settings, lambda bus: verify_topics(bus, declared))
        if dry_run:
            absent = "does not exist"
            differences = [sentence for sentence in differences if absent not in sentence]
        _report(differences, "" if created else "All topics exist.\n")


@app.command()
def verify(
    *,
    bootstrap_servers: BootstrapServers = None,
    config: ConfigFile = None,
    partitions: Partitions = KAFKA_PARTITIONS,
) -> None:
    """Say how the topics differ from what they should be; exit code 2 if they do."""
    with failures_as_sentences():
        settings = _kafka(log_settings(bootstrap_servers, config))
        differences = on_log(settings, lambda bus: verify_topics(bus, declared_topics(partitions)))
        _report(differences, "The topics are right.\n")


def _kafka(settings: "Settings") -> "Settings":
    """The settings, if they name brokers.

    Raises:
        ConfigError: they don't.
    """
    if settings.bootstrap_servers is None:
        raise ConfigError(
            "topics are Kafka's: give --bootstrap-servers; the embedded log makes its own"
        )
    return settings


def _report(differences: list[str], all_is_well: str) -> None:
    for sentence in differences:
        notice(sentence)
    if differences:
        raise typer.Exit(ExitCode.CONFIG)
    write_result(all_is_well)
