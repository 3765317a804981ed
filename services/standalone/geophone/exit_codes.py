"""What `geophone replay` returns."""

from collections.abc import Mapping
from typing import Any

from geophone_shared.exit_codes import ExitCode

__all__ = ["ExitCode", "exit_code"]


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
