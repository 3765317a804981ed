"""What a `geophone` process returns."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """Exit codes; where several apply, CONFIG, INTERRUPTED, ALERT, PARTIAL win in this order.

    A bug's traceback is Python's: RUNTIME.
    """

    OK = 0
    RUNTIME = 1
    CONFIG = 2
    ALERT = 3
    PARTIAL = 4
    INTERRUPTED = 130


def exit_code(report: Mapping[str, Any], *, fail_on_alert: bool, strict: bool) -> ExitCode:
    """The exit code of a replay.

    A tunnel that was found outweighs a damaged capture: it is the news, and what the damage hides
    can only add to it.
    """
    if report["interrupted"]:
        return ExitCode.INTERRUPTED
    if fail_on_alert and any(not alert["allowed"] for alert in report["alerts"]):
        return ExitCode.ALERT
    if strict and report["capture"]["damaged"]:
        return ExitCode.PARTIAL
    return ExitCode.OK
