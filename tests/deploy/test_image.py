"""The image starts each service as its user, with a read-only root and no right too many."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal

import pytest

from geophone_shared import __version__
from tests.support import outside
from tests.support.deployment import deploy_tool
from tests.support.image import DOCKERFILE, NET_RAW, PROGRAMS, Image, environment, install
from tests.support.kafka.broker import KafkaBroker
from tests.support.service_processes import (
    ANY_PORT,
    ServiceProcess,
    alert_ids,
    on,
    opened_ids,
    replayed,
    shows,
    started,
)

_OPEN_PACKET_SOCKET = """
import json, pathlib, socket
lines = pathlib.Path("/proc/self/status").read_text().splitlines()
status = dict(line.split(":\\t", 1) for line in lines)
socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
print(json.dumps([status["CapPrm"], status["CapBnd"], status["NoNewPrivs"]]))
"""
_FIRST_START_SECONDS = 300
"""What startup probes allow."""
_NET_RAW_BITS = f"{1 << 13:016x}"


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    for tool in ("unshare", "setpriv", "setcap", "chroot"):
        outside.require_tool(tool)
    if os.geteuid() != 0:
        outside.report_missing("an image is made and entered by root")
    # Not below pytest's folder: that is for its user's eyes only.
    folder = Path(tempfile.mkdtemp(prefix="geophone-image-"))
    try:
        yield install(folder)
    finally:
        shutil.rmtree(folder)


def test_the_dockerfile_is_as_hadolint_wants_it() -> None:
    done = subprocess.run(
        [deploy_tool("bin/hadolint"), DOCKERFILE], check=False, capture_output=True, text=True
    )
    assert done.stdout + done.stderr == ""


def test_the_dockerfile_has_the_version_of_the_code() -> None:
    text = DOCKERFILE.read_text()
    assert f"\nARG VERSION={__version__}\n" in text
    assert f"-t geophone:{__version__} " in text
    assert "\nUSER 65532:65532\n" in text


def test_what_the_dockerfile_copies_is_sent_to_the_builder() -> None:
    ignored = DOCKERFILE.with_name("Dockerfile.dockerignore").read_text().splitlines()
    sent = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    assert {source for sources in copied for source in sources.split()} == sent


def test_only_the_copied_interpreter_opens_packet_sockets(image: Image) -> None:
    may = [f"{PROGRAMS}/python-capture", "-c", _OPEN_PACKET_SOCKET]
    opened = image.run(*may, capabilities=NET_RAW)
    assert json.loads(opened.stdout) == [_NET_RAW_BITS, _NET_RAW_BITS, "1"], opened.stderr
    by_others = image.run(f"{PROGRAMS}/python", "-c", _OPEN_PACKET_SOCKET, capabilities=NET_RAW)
    assert "PermissionError" in by_others.stderr
    elsewhere = image.run(*may)  # in the container of the alerter, say
    assert elsewhere.returncode != 0
    assert "not permitted" in elsewhere.stderr


def test_in_docker_too(image: Image) -> None:
    done = subprocess.run(
        image.command(
            *(f"{PROGRAMS}/python-capture", "-c", _OPEN_PACKET_SOCKET),
            capabilities=NET_RAW,
            runtime="docker",
        ),
        check=False,
        capture_output=True,
        text=True,
    )
    assert json.loads(done.stdout) == [_NET_RAW_BITS, _NET_RAW_BITS, "0"], done.stderr


def test_nothing_of_it_can_be_changed(image: Image) -> None:
    paths = ["/x", "/opt/geophone/x", f"{PROGRAMS}/geophone", "/usr/x", "/etc/passwd", "/input/x"]
    code = f"""
for path in {paths}:
    try:
        open(path, "ab")
    except OSError as error:
        print(error.strerror)
"""
    done = image.run(f"{PROGRAMS}/python", "-c", code)
    assert set(done.stdout.splitlines()) <= {"Read-only file system", "Permission denied"}
    assert len(done.stdout.splitlines()) == len(paths)


def test_it_holds_what_runs_and_nothing_that_builds(image: Image) -> None:
    packages = image.folder / "opt" / "geophone" / "lib"
    names = {path.name.partition("-")[0] for path in packages.glob("*/site-packages/*.dist-info")}
    assert {"geophone", "numba", "aiokafka"} <= names
    assert not names & {"pip", "setuptools", "hatchling", "editables", "pytest"}
    assert image.run(f"{PROGRAMS}/geophone", "--version").stdout.split()[-1] == __version__


async def test_all_in_one_process_on_a_log_of_its_own(image: Image, demo_capture: Path) -> None:
    command = image.command(f"{PROGRAMS}/python-capture", "-m", "geophone", capabilities=NET_RAW)
    async with started(
        *("run", "--file", image.show(demo_capture), "--exit-at-end", "--http", ANY_PORT),
        *("--data-dir", "/var/lib/geophone/log"),
        command=command,
        environment=environment(),
    ) as service:
        assert await service.ended(_FIRST_START_SECONDS) == 0
        # The cache is a folder of a pod, and empty at its first start.
        compiling = [each for each in service.said if "compiling the kernels" in each["message"]]
        assert compiling
        for each in compiling:
            assert each["geophone.cache"].startswith("/var/cache/geophone/")
        assert opened_ids(service) == alert_ids(replayed(demo_capture))


@pytest.mark.parametrize("runtime", ["kubernetes", "docker"])
async def test_what_captures_has_no_right_left_when_it_reads(
    image: Image, runtime: Literal["kubernetes", "docker"]
) -> None:
    command = image.command(
        *(f"{PROGRAMS}/python-capture", "-m", "geophone"), capabilities=NET_RAW, runtime=runtime
    )
    folder = f"/var/lib/geophone/{runtime}"
    async with started(
        *("run", "--interface", "lo", "--http", ANY_PORT, "--data-dir", folder),
        command=command,
        environment=environment(),
    ) as service:
        await service.until_ready()
        for status in _threads(service.pid):
            assert {int(status[name], 16) for name in ("CapPrm", "CapEff", "CapInh")} == {0}
            assert status["NoNewPrivs"] == "1"
            assert status["Uid"].split() == ["65532"] * 4
        assert await service.stop() == 0


async def test_three_services_over_kafka(
    image: Image, demo_capture: Path, fresh_kafka_broker: KafkaBroker
) -> None:
    geophone = f"{PROGRAMS}/geophone"
    created = image.run(geophone, "topics", "create", *on(fresh_kafka_broker))
    assert created.returncode == 0, created.stderr
    plain = image.command(geophone)
    capturing = image.command(f"{PROGRAMS}/python-capture", "-m", "geophone", capabilities=NET_RAW)
    own = environment() | {"GEOPHONE_BOOTSTRAP_SERVERS": fresh_kafka_broker.bootstrap_servers}
    keys = {"GEOPHONE_DATA_DIR": "/var/lib/geophone/detector"}
    reading = ("capture", "--file", image.show(demo_capture), "--ops", ANY_PORT)
    async with AsyncExitStack() as stack:
        services = [
            await stack.enter_async_context(started(*arguments, command=command, environment=env))
            for arguments, command, env in (
                (("alerter", "--http", ANY_PORT), plain, own),
                (("detector", "--ops", ANY_PORT), plain, own | keys),
                (reading, capturing, own),
            )
        ]
        for service in services:
            await service.until_ready()
            assert await _health(image, service) == 0
        await shows(services[0], replayed(demo_capture))
        assert [await service.stop() for service in services] == [0, 0, 0]
        assert await _health(image, services[0]) == 1


async def _health(image: Image, service: ServiceProcess) -> int:
    """What `HEALTHCHECK` says of a container."""
    address = (await service.until_said("serving"))["geophone.address"]
    port = address.rpartition(":")[2]
    return image.run(f"{PROGRAMS}/healthcheck", port).returncode


def _threads(pid: int) -> list[dict[str, str]]:
    """What the kernel says of each thread of a process."""
    files = Path(f"/proc/{pid}/task").glob("*/status")
    return [dict(line.split(":\t", 1) for line in file.read_text().splitlines()) for file in files]
