"""The systemd unit is valid, and as hardened as numba and a packet socket let it be."""

import subprocess
from pathlib import Path

import pytest

from tests.support import outside

UNIT = outside.PROJECT / "deploy" / "systemd" / "geophone.service"
MOST_EXPOSURE = 20
"""Of 100, as `systemd-analyze security` counts; without a sandbox a service has 96."""


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that exists on every machine."""
    outside.require_tool("systemd-analyze")
    text = UNIT.read_text()
    assert "ExecStart=/opt/geophone/bin/geophone run " in text
    unit = tmp_path / UNIT.name
    unit.write_text(text.replace("/opt/geophone/bin/geophone", "/bin/true"))
    return unit


def analyze(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_it_is_valid(unit: Path) -> None:
    done = analyze("verify", unit)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_is_hardened(unit: Path) -> None:
    done = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSURE}", unit)
    assert done.returncode == 0, done.stdout


def test_it_has_one_capability_and_may_compile() -> None:
    lines = UNIT.read_text().splitlines()
    assert "AmbientCapabilities=CAP_NET_RAW" in lines
    assert "CapabilityBoundingSet=CAP_NET_RAW" in lines
    assert not any(line.startswith("MemoryDenyWriteExecute") for line in lines)
