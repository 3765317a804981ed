"""What a process with services in it does for all of them."""

import subprocess
import sys
from pathlib import Path

from tests.support.outside import PROJECT
from tests.support.service_processes import clean_environment

CYCLES = 50_000

LEAVE_CYCLES = f"""
import gc, sys, weakref
from pathlib import Path
from unittest.mock import patch

from geophone import cli
from geophone.service_process import run_process
from geophone_shared.settings.settings import Settings


class Cycle:
    def __init__(self):
        self.itself = self


async def work(_parts):
    left = [weakref.ref(Cycle()) for _ in range({CYCLES})]
    print(sum(each() is not None for each in left))


with patch.object(cli, "app"):
    cli.main()
sys.exit(run_process("geophone", Settings(data_dir=Path(sys.argv[1])), [], work))
"""


def test_garbage_in_cycles_does_not_stay_while_a_service_runs(tmp_path: Path) -> None:
    """As what aiokafka has fetched does, when a reader moves away from it."""
    ended = subprocess.run(
        [sys.executable, "-c", LEAVE_CYCLES, str(tmp_path)],
        cwd=PROJECT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) < CYCLES / 10
