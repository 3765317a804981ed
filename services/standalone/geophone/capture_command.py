"""`geophone capture`: one service, over Kafka."""

import typer

from geophone.log_options import BootstrapServers, ConfigFile
from geophone.rest_options import failures_as_sentences
from geophone.service_options import (
    CaptureOps,
    Encapsulations,
    ExitAtEnd,
    FanoutGroup,
    Files,
    FilterRaw,
    Interfaces,
    KeepResponses,
    LogFormat,
    Promiscuous,
    RingBytes,
    ShiftToNow,
    Source,
    Speed,
    common_options,
    flags_of,
    interface_options,
    source_options,
)

HELP = """
Capture on network interfaces, or read captures, and publish the DNS transactions in Kafka.

Interfaces need CAP_NET_RAW, and nothing else; it is given up before a packet is read. Packets on
standard input (-) are taken for live. A capture that is read again resends what it sent, and
detectors skip it.

\b
Examples:
  geophone capture devices                        which interfaces there are
  geophone capture --bootstrap-servers kafka-1:9092 --interface eth0
  tcpdump -i eth0 -U -w - port 53 | geophone capture --bootstrap-servers kafka-1:9092 -
  geophone capture --bootstrap-servers kafka-1:9092,kafka-2:9092 --file monday.pcap --exit-at-end
  curl http://127.0.0.1:8054/metrics
"""
# "\b" keeps the lines of a paragraph as they are (click).


def capture(  # noqa: PLR0913 - typer makes each parameter an option
    context: typer.Context,
    source: Source = None,
    *,
    interfaces: Interfaces = None,
    promiscuous: Promiscuous = False,
    ring_bytes: RingBytes = None,
    fanout_group: FanoutGroup = None,
    encapsulations: Encapsulations = None,
    filter_raw: FilterRaw = None,
    files: Files = None,
    speed: Speed = None,
    shift_to_now: ShiftToNow = False,
    exit_at_end: ExitAtEnd = False,
    keep_responses: KeepResponses = False,
    bootstrap_servers: BootstrapServers = None,
    ops: CaptureOps = None,
    config: ConfigFile = None,
    log_format: LogFormat = None,
) -> None:
    """Run `geophone capture`; `HELP` is what it says of itself."""
    with failures_as_sentences():
        options = [
            *source_options(
                *(source, files, interfaces, speed),
                shift_to_now=shift_to_now,
                exit_at_end=exit_at_end,
            ),
            *interface_options(
                *(ring_bytes, fanout_group, encapsulations, filter_raw), promiscuous=promiscuous
            ),
            ("--keep-responses", "capture.keep_responses", keep_responses or None),
            *common_options(bootstrap_servers, config, log_format),
            ("--ops", "capture.ops", ops),
        ]
        from geophone import capture_process  # noqa: PLC0415 - loads the service

        raise typer.Exit(capture_process.run(flags_of(options), context.obj or ()))
