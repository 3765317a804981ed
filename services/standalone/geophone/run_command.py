"""`geophone run`: everything in one process."""

import typer

from geophone.log_options import BootstrapServers, ConfigFile
from geophone.rest_options import failures_as_sentences
from geophone.service_options import (
    DataDir,
    Encapsulations,
    ExitAtEnd,
    FanoutGroup,
    Files,
    FilterRaw,
    Http,
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
Watch a network from one machine: capture, detector and alerter in one process.

It captures on network interfaces (which needs CAP_NET_RAW, given up before a packet is read), or
reads captures (- is standard input), tells people of tunnels (a line of JSON each on standard
output, and mail where a mail server is set), and answers REST. What it knows is kept in the data
folder, so that it goes on where it was after a restart. Settings are in docs/configuration.md;
`geophone config show` tells those that hold.

\b
Examples:
  sudo geophone run --interface eth0               `geophone capture devices` lists them
  tcpdump -i eth0 -U -w - port 53 | geophone run -
  geophone run --file monday.pcap --file tuesday.pcap.gz --exit-at-end
  geophone run --file capture.pcap --speed 60 --shift-to-now   an hour in a minute, as if now
  geophone top; geophone alerts                                what it sees, in another terminal
  curl http://127.0.0.1:8053/api/v1/domains/top

\b
Mail, by the environment or the --config file:
  GEOPHONE_ALERTER_EMAIL__HOST=mail.example.com GEOPHONE_ALERTER_EMAIL__FROM=geophone@example.com
  GEOPHONE_ALERTER_EMAIL__TO=soc@example.com    (try it with `geophone alerts test-email`)

\b
Exit codes:
    2  something has to be changed, and a sentence says what
   75  the log doesn't answer
   77  an interface can't be captured on without CAP_NET_RAW, or Kafka doesn't let this
       user in, or do that
    1  anything else went wrong
    0  otherwise; SIGTERM and Ctrl-C let it finish what it began, a second one doesn't
"""
# "\b" keeps the lines of a paragraph as they are (click).


def run(  # noqa: PLR0913 - typer makes each parameter an option
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
    data_dir: DataDir = None,
    http: Http = None,
    bootstrap_servers: BootstrapServers = None,
    config: ConfigFile = None,
    log_format: LogFormat = None,
) -> None:
    """Run `geophone run`; `HELP` is what it says of itself."""
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
            ("--data-dir", "data_dir", data_dir),
            ("--http", "alerter.http", http),
        ]
        from geophone import run_process  # noqa: PLC0415 - loads everything

        raise typer.Exit(run_process.run(flags_of(options), context.obj or ()))
