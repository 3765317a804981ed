"""`geophone alerter`: one service, over Kafka."""

import typer

from geophone.log_options import BootstrapServers, ConfigFile
from geophone.rest_options import failures_as_sentences
from geophone.service_options import (
    AlerterOps,
    Http,
    LogFormat,
    common_options,
    flags_of,
)

HELP = """
Tell people of the alerts that detectors publish in Kafka, and answer REST.

Start two, and one stands by: it answers REST too, and takes over without telling anything twice.
Others than this machine need a token (GEOPHONE_ALERTER_API_TOKEN_FILE).

\b
Examples:
  geophone alerter --bootstrap-servers kafka-1:9092,kafka-2:9092
  curl http://127.0.0.1:8053/api/v1/alerts

\b
Mail, by the environment or the --config file:
  GEOPHONE_ALERTER_EMAIL__HOST=mail.example.com GEOPHONE_ALERTER_EMAIL__FROM=geophone@example.com
  GEOPHONE_ALERTER_EMAIL__TO=soc@example.com    (try it with `geophone alerts test-email`)
"""
# "\b" keeps the lines of a paragraph as they are (click).


def alerter(
    *,
    bootstrap_servers: BootstrapServers = None,
    http: Http = None,
    ops: AlerterOps = None,
    config: ConfigFile = None,
    log_format: LogFormat = None,
) -> None:
    """Run `geophone alerter`; `HELP` is what it says of itself."""
    with failures_as_sentences():
        options = [
            *common_options(bootstrap_servers, config, log_format),
            ("--http", "alerter.http", http),
            ("--ops", "alerter.ops", ops),
        ]
        from geophone import alerter_process  # noqa: PLC0415 - loads the service

        raise typer.Exit(alerter_process.run(flags_of(options)))
