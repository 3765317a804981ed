"""A live capture has no privilege left, in none of its threads, before it loads anything."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support import outside
from tests.support.namespaces import namespace, require_namespaces
from tests.support.outside import PROJECT
from tests.support.service_processes import (
    ANY_PORT,
    COMMAND,
    ServiceProcess,
    clean_environment,
    started,
)
from tests.support.tunnels import until

_CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")

_AT_THE_DROP = """
import os, sys
from geophone import launcher, privileges
drop = privileges.drop_privileges
def dropped(environment):
    drop(environment)
    own = ("geophone", "geophone_shared")
    loaded = {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names
    foreign = [name for name in loaded if name in ("numpy", "typer", "numba", "geophone_capture")]
    print(len(os.listdir("/proc/self/task")), foreign, flush=True)
    raise SystemExit(0)
privileges.drop_privileges = dropped
sys.argv = ["geophone", "run", "--interface", "lo"]
launcher.main()
"""


@asynccontextmanager
async def live(*arguments: str) -> AsyncIterator[ServiceProcess]:
    """`geophone run` on the loopback interface of a namespace."""
    with namespace() as space:
        command = space.command(*COMMAND)
        usual = ("run", "--interface", "lo", "--http", ANY_PORT)
        async with started(*usual, *arguments, command=command) as service:
            yield service


def status_of_threads(process: int) -> list[dict[str, str]]:
    """`/proc/PID/task/*/status`, by field."""
    return [
        dict(line.split(":\t", 1) for line in file.read_text().splitlines() if ":\t" in line)
        for file in Path(f"/proc/{process}/task").glob("*/status")
    ]


async def test_no_thread_has_a_capability(tmp_path: Path) -> None:
    async with live("--data-dir", str(tmp_path)) as service:
        await service.until_said("serving")  # numpy is loaded, and the capture begins
        await until(lambda: len(status_of_threads(service.number)) > 2, "the start of threads")
        threads = status_of_threads(service.number)
        for thread in threads:
            assert {int(thread[each], 16) for each in _CAPABILITIES} == {0}
            assert thread["NoNewPrivs"] == "1"


def test_numpy_is_not_loaded_when_the_privileges_go() -> None:
    require_namespaces()
    done = subprocess.run(
        [sys.executable, "-c", _AT_THE_DROP],
        cwd=PROJECT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1 []\n"


def test_without_the_privilege_a_sentence_says_how_to_grant_it() -> None:
    require_namespaces()
    outside.require_tool("setpriv")
    done = subprocess.run(
        ["setpriv", "--bounding-set=-net_raw", *COMMAND, "run", "--interface", "lo"],
        cwd=PROJECT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 77
    [sentence] = done.stderr.splitlines()
    for word in ("CAP_NET_RAW", "setcap", "AmbientCapabilities", "NET_RAW of a container"):
        assert word in sentence


def test_net_raw_is_enough() -> None:
    require_namespaces()
    outside.require_tool("setpriv")
    code = _AT_THE_DROP.replace("print(", "print(os.getresuid(), ")
    done = subprocess.run(
        ["setpriv", "--bounding-set=-all,+net_raw", sys.executable, "-c", code],
        cwd=PROJECT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "(0, 0, 0) 1 []\n"


def test_root_by_sudo_is_the_user_again() -> None:
    require_namespaces()
    code = _AT_THE_DROP.replace("print(", "print(os.getresuid(), os.environ['HOME'], ")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=clean_environment() | {"SUDO_UID": "65534"},  # nobody
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("(65534, 65534, 65534) /nonexistent 1 []")


async def test_root_without_rights_is_told_which_folder_it_can_not_write(tmp_path: Path) -> None:
    folder = tmp_path / "others"
    folder.mkdir()
    os.chown(folder, 65_534, 65_534)
    async with live("--data-dir", str(folder / "data")) as service:
        assert await service.ended() == 2
    [sentence] = service.sentences
    assert f"the data folder '{folder}/data' can't be written: live capture gives up" in sentence
    assert "--data-dir" in sentence


@pytest.mark.parametrize("interface", ["none0", "a-name-that-is-far-too-long"])
async def test_an_interface_that_is_not_there(interface: str, tmp_path: Path) -> None:
    with namespace() as space:
        arguments = ("run", "--interface", interface, "--http", ANY_PORT)
        data = ("--data-dir", str(tmp_path))
        async with started(*arguments, *data, command=space.command(*COMMAND)) as service:
            assert await service.ended() == 2
    assert "capture devices" in service.sentences[-1]
