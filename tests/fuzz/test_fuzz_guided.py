"""Every fuzz target for a short while under atheris; `make fuzz` runs them for longer."""

import importlib.util
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import outside


@pytest.fixture(scope="module", autouse=True)
def _atheris() -> None:
    if importlib.util.find_spec("atheris"):
        return
    reason = "atheris, which pyproject.toml's group `dev` names, is not installed"
    has_wheel = sys.platform == "linux" and platform.machine() == "x86_64"
    if has_wheel and sys.version_info < (3, 14):
        outside.report_missing(reason)
    pytest.skip(f"{reason}: it has no wheel for this platform")


@pytest.mark.parametrize(
    ("target", "runs"),
    [
        ("capture_files", 1_500),
        ("merged_captures", 300),
        ("dns_messages", 1_500),
        ("log_batches", 5_000),
        ("ip_fragments", 5_000),
        ("tcp_segments", 5_000),
    ],
)
def test_guided_by_coverage_of_kernels(target: str, runs: int, tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.run", target, str(tmp_path), "-seed=1", f"-runs={runs}"],
        cwd=outside.PROJECT,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stderr
    covered = [int(count) for count in re.findall(r"\bcov: (\d+)", finished.stderr)]
    assert covered[-1] > covered[0] > 20, "nothing was instrumented, or nothing guided"
    assert {path.name for path in tmp_path.iterdir()} > {"seed-00", "seed-01"}, "nothing was kept"
