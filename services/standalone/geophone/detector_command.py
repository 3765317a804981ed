"""`geophone detector`: one service, over Kafka."""

import typer

from geophone.log_options import BootstrapServers, ConfigFile
from geophone.rest_options import failures_as_sentences
from geophone.service_options import (
    DetectorOps,
    KeyDir,
    LogFormat,
    common_options,
    flags_of,
)

HELP = """
Count hostnames in the transactions that captures publish in Kafka, and publish alerts.

Start as many as are needed, up to one for each partition: they share the partitions. Several need
the same hash key (GEOPHONE_DETECTOR_HASH_KEY_FILE); one alone makes its own.

\b
Examples:
  geophone detector --bootstrap-servers kafka-1:9092,kafka-2:9092
  openssl rand -hex 16 > hash-key
  GEOPHONE_DETECTOR_HASH_KEY_FILE=hash-key geophone detector --bootstrap-servers kafka-1:9092
  curl http://127.0.0.1:8055/readyz
"""
# "\b" keeps the lines of a paragraph as they are (click).


def detector(
    *,
    bootstrap_servers: BootstrapServers = None,
    data_dir: KeyDir = None,
    ops: DetectorOps = None,
    config: ConfigFile = None,
    log_format: LogFormat = None,
) -> None:
    """Run `geophone detector`; `HELP` is what it says of itself."""
    with failures_as_sentences():
        options = [
            *common_options(bootstrap_servers, config, log_format),
            ("--data-dir", "data_dir", data_dir),
            ("--ops", "detector.ops", ops),
        ]
        from geophone import detector_process  # noqa: PLC0415 - loads the service

        raise typer.Exit(detector_process.run(flags_of(options)))
