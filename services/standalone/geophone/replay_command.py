"""`geophone replay`: options in, a report out, an exit code."""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from geophone.exit_codes import ExitCode, exit_code
from geophone.output import fail, is_terminal, notice, write_result
from geophone.rule_options import SHIPPED_SETTINGS, rule_thresholds
from geophone_detector.budgets import EXACT_CAP_NAMES, MEMORY_BUDGET_BYTES
from geophone_shared.errors import ConfigError

if TYPE_CHECKING:
    from geophone.replay import Progress, ReplayOptions


HELP = """
Find the tunnels in capture files: which domain, which client, and the evidence.

FILE is a capture, pcap or pcapng, plain, gzip or zstd; - is standard input. Several files are
read as one, merged by time.

\b
Examples:
  geophone replay capture.pcap
  geophone replay monday.pcap.gz tuesday.pcap.zst
  tcpdump -i eth0 -U -w - port 53 | geophone replay -
  geophone replay --json capture.pcap | jq '.alerts[].registered_domain'
  geophone replay --csv --top 1000 --window 24h capture.pcap > domains.csv
  geophone replay --transactions - --keep-responses capture.pcap | jq .dns.answers
  geophone replay --rule unique-hostnames=100 --fail-on-alert capture.pcap

Where a client uses a port of DNS for what isn't DNS, a raw tunnel may do so. It is shown, but it is
no alert: it doesn't count for --fail-on-alert.

\b
Exit codes (where several apply, the first in this list):
    2  wrong options, or a file that can't be used
  130  interrupted; what was found until then is printed
    3  a tunnel is suspected (--fail-on-alert), also in a damaged capture
    4  a capture is damaged and only a part of it was read (--strict)
    1  anything else went wrong
    0  otherwise
"""
# "\b" keeps the lines of a paragraph as they are (click).


STANDARD_OUTPUT = "-"


class Window(StrEnum):
    """The windows that hostnames are counted in."""

    TEN_MINUTES = "10m"
    FOUR_HOURS = "4h"
    ONE_DAY = "24h"


_WINDOW_SECONDS = {Window.TEN_MINUTES: 600, Window.FOUR_HOURS: 14_400, Window.ONE_DAY: 86_400}


def replay(  # noqa: PLR0913 - typer makes each parameter an option
    # Hidden: HELP says in its first lines what a FILE is.
    files: Annotated[list[str], typer.Argument(metavar="FILE", hidden=True)],
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object (geophone.replay/1).")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the top table as CSV.")] = False,
    top: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many domains the table shows.")
    ] = 10,
    window: Annotated[
        Window, typer.Option(help="The sliding window that ranks the table.")
    ] = Window.FOUR_HOURS,
    rule: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=THRESHOLD",
            help=f"Another threshold for a rule; repeatable.  [default: {SHIPPED_SETTINGS}]",
        ),
    ] = None,
    allow_list: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Domains whose alerts don't count, one a line, in place of the shipped list.",
        ),
    ] = None,
    no_allow_list: Annotated[
        bool, typer.Option("--no-allow-list", help="Judge every domain.")
    ] = False,
    answered_only: Annotated[
        bool,
        typer.Option("--answered-only", help="Leave out queries and responses without the other."),
    ] = False,
    exact_cap: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Hostnames of a domain that are counted exactly; more are estimated.",
        ),
    ] = EXACT_CAP_NAMES,
    memory_budget: Annotated[
        int,
        typer.Option(
            metavar="MIB",
            help="Memory for the tables; full, the domains with the fewest hostnames go.",
        ),
    ] = MEMORY_BUDGET_BYTES >> 20,
    port: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            max=65_535,
            metavar="N",
            help="Port of DNS, UDP and TCP; repeatable.  [default: 53]",
        ),
    ] = None,
    hash_key_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="The secret key of the hash tables: 16 bytes or 32 hex digits. In the environment:"
            " GEOPHONE_DETECTOR_HASH_KEY_FILE, or GEOPHONE_DETECTOR_HASH_KEY with the digits."
            "  [default: made of the input's first 64 KiB]",
        ),
    ] = None,
    fail_on_alert: Annotated[
        bool, typer.Option("--fail-on-alert", help="Exit with 3 where a tunnel is suspected.")
    ] = False,
    transactions: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write every transaction to FILE, an object (ECS) a line; - prints them in place"
            " of the report.",
        ),
    ] = None,
    keep_responses: Annotated[
        bool, typer.Option("--keep-responses", help="With the records of their responses.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 4 where a capture is damaged.")
    ] = False,
) -> None:
    """Run `geophone replay`; `HELP` is what it says of itself."""
    try:
        refuse_half_an_output(transactions, (as_json, as_csv), keep_responses=keep_responses)
        refuse_contradictions(files, (as_json, as_csv), (allow_list is not None, no_allow_list))
        thresholds = rule_thresholds(rule or [])
        # Now that the options are known to be right: these imports load numba.
        from geophone.replay import ReplayOptions  # noqa: PLC0415
        from geophone_shared.key_files import configured_key  # noqa: PLC0415

        key = configured_key(hash_key_file, os.environ)
        if key is not None and key.warning is not None:
            notice(f"warning: {key.warning}")
        report = _run(
            ReplayOptions(
                files=tuple(files),
                top=top,
                window_seconds=_WINDOW_SECONDS[window],
                rule_thresholds=thresholds,
                allow_list_file=allow_list,
                use_allow_list=not no_allow_list,
                answered_only=answered_only,
                exact_cap_names=exact_cap,
                memory_budget_bytes=memory_budget << 20,
                ports=tuple(port or (53,)),
                secret=None if key is None else key.secret,
                transactions=transactions,
                keep_responses=keep_responses,
            )
        )
        if transactions == STANDARD_OUTPUT:
            _print_warnings(report)
        else:
            _print_report(report, as_json=as_json, as_csv=as_csv)
    except ConfigError as error:
        fail(str(error), ExitCode.CONFIG)
    except KeyboardInterrupt:
        fail("interrupted", ExitCode.INTERRUPTED)
    raise typer.Exit(exit_code(report, fail_on_alert=fail_on_alert, strict=strict))


def refuse_half_an_output(
    transactions: str | None, formats: tuple[bool, bool], *, keep_responses: bool
) -> None:
    """Refuse two things on standard output, and responses that nobody would see.

    Raises:
        ConfigError: what to change.
    """
    if keep_responses and transactions is None:
        raise ConfigError("--keep-responses is for --transactions; give both")
    if transactions == STANDARD_OUTPUT and any(formats):
        raise ConfigError(
            "--transactions - prints transactions in place of the report; write them to a file to"
            " have --json or --csv as well"
        )


def refuse_contradictions(
    files: list[str], formats: tuple[bool, bool], allow_lists: tuple[bool, bool]
) -> None:
    """Refuse options that can't be meant together, and a keyboard for a capture.

    Raises:
        ConfigError: what to change.
    """
    if all(formats):
        raise ConfigError("--json and --csv exclude each other; choose one")
    if all(allow_lists):
        raise ConfigError("--allow-list and --no-allow-list exclude each other; choose one")
    if "-" in files and is_terminal(sys.stdin):
        raise ConfigError(
            "- is standard input, and that is the keyboard; pipe a capture into it, such as"
            " tcpdump -w - port 53 | geophone replay -"
        )


def _run(options: "ReplayOptions") -> Mapping[str, Any]:
    from geophone.replay import JOB  # noqa: PLC0415 - loads numba
    from geophone.replay import replay as replay_captures  # noqa: PLC0415
    from geophone_shared import jit  # noqa: PLC0415

    if not jit.is_interpreted() and not jit.is_compiled(JOB):
        once = (
            "once for this version"
            if jit.cache_folder()
            else "at every start, as no cache folder can be written (set XDG_CACHE_HOME)"
        )
        notice(f"compiling the kernels, {once}; this takes about 15 s ...")
    with _progress() as on_progress:
        return replay_captures(options, on_progress)


def _progress() -> "AbstractContextManager[Callable[[Progress], None] | None]":
    if not is_terminal(sys.stderr):
        return nullcontext()
    from rich.console import Console  # noqa: PLC0415

    from geophone.progress import progress_bar  # noqa: PLC0415 - loads rich

    return progress_bar(Console(stderr=True))


def _print_warnings(report: Mapping[str, Any]) -> None:
    for warning in report["warnings"]:
        notice(f"warning: {warning}")


def _print_report(report: Mapping[str, Any], *, as_json: bool, as_csv: bool) -> None:
    if as_json or as_csv:
        _print_warnings(report)
    if as_json:
        from geophone.json_report import json_report  # noqa: PLC0415

        write_result(json_report(report))
    elif as_csv:
        from geophone_shared.domains_csv import domains_csv  # noqa: PLC0415

        write_result(domains_csv(report["top_domains"]))
    else:
        from geophone.page import standard_output  # noqa: PLC0415 - loads rich
        from geophone.text_report import text_report  # noqa: PLC0415

        width, has_reader = standard_output()
        write_result(text_report(report, width=width, is_terminal=has_reader))
