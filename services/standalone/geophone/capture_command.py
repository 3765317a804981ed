"""`geophone capture`: one service, over Kafka."""

import typer

from geophone.log_options import BootstrapServers, ConfigFile
from geophone.rest_options import failures_as_sentences
from geophone.service_options import (
    CaptureOps,
    ExitAtEnd,
    Files,
    LogFormat,
    ShiftToNow,
    Source,
    Speed,
    common_options,
    flags_of,
    source_options,
)

HELP = """
Read captures and publish their DNS transactions in Kafka.

Packets on standard input (-) are taken for live. A capture that is read again resends
what it sent, and detectors skip it.

\b
Examples:
  tcpdump -i eth0 -U -w - port 53 | geophone capture --bootstrap-servers kafka-1:9092 -
  geophone capture --bootstrap-servers kafka-1:9092,kafka-2:9092 --file monday.pcap --exit-at-end
  curl http://127.0.0.1:8054/metrics
"""
# "\b" keeps the lines of a paragraph as they are (click).


def capture(  # noqa: PLR0913 - typer makes each parameter an option
    source: Source = None,
    *,
    files: Files = None,
    speed: Speed = None,
    shift_to_now: ShiftToNow = False,
    exit_at_end: ExitAtEnd = False,
    bootstrap_servers: BootstrapServers = None,
    ops: CaptureOps = None,
    config: ConfigFile = None,
    log_format: LogFormat = None,
) -> None:
    """Run `geophone capture`; `HELP` is what it says of itself."""
    with failures_as_sentences():
        options = [
            *source_options(
                source, files, speed, shift_to_now=shift_to_now, exit_at_end=exit_at_end
            ),
            *common_options(bootstrap_servers, config, log_format),
            ("--ops", "capture.ops", ops),
        ]
        from geophone import capture_process  # noqa: PLC0415 - loads the service

        raise typer.Exit(capture_process.run(flags_of(options)))
