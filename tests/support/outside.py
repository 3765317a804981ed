"""What tests want from outside of the project: tools and third-party captures.

A missing part skips the tests that want it and says how to get it. Under `GEOPHONE_REQUIRE_ALL=1`
(as in continuous integration) it fails them, so that a skip can't hide there.
"""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

PROJECT = Path(__file__).resolve().parents[2]
"""The project's root."""

SHIPPED_CAPTURES = PROJECT / "tests" / "data"
"""Captures that the project recorded itself; always there."""

_DEBIAN_PACKAGES = {
    "dns2tcpc": "dns2tcp",
    "dns2tcpd": "dns2tcp",
    "systemd-analyze": "systemd",
    "ip": "iproute2",
    "setcap": "libcap2-bin",
    "setpriv": "util-linux",
    "unshare": "util-linux",
    "iodined": "iodine",
    "nc": "netcat-openbsd",
    "promtool": "prometheus",
    "amtool": "prometheus-alertmanager",
    "tc": "iproute2",
}


def is_everything_required() -> bool:
    """Whether a missing outside part is a failure (`GEOPHONE_REQUIRE_ALL=1`)."""
    return os.environ.get("GEOPHONE_REQUIRE_ALL", "") not in {"", "0"}


def report_missing(reason: str) -> NoReturn:
    """Skip the running test for `reason`, or fail it where everything is required."""
    if is_everything_required():
        pytest.fail(f"{reason} (GEOPHONE_REQUIRE_ALL is set)", pytrace=False)
    pytest.skip(reason)


def captures_folder() -> Path:
    """Where third-party captures are; a relative `GEOPHONE_CAPTURES` counts from the root."""
    return PROJECT / (os.environ.get("GEOPHONE_CAPTURES") or "../shared/captures")


def require_capture(name: str) -> Path:
    """The third-party capture called `name`, or `report_missing`."""
    path = captures_folder() / name
    if not path.is_file():
        report_missing(
            f"the capture {name} is not in {captures_folder()}: "
            "`make captures` fetches the published one, GEOPHONE_CAPTURES names another folder"
        )
    return path


def require_tool(name: str) -> Path:
    """The program called `name` on the search path, or `report_missing`."""
    # Debian keeps system programs off the search path of people who aren't root.
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if found is None:
        package = _DEBIAN_PACKAGES.get(name, name)
        report_missing(f"{name} is not installed; on Debian: apt-get install {package}")
    return Path(found)
