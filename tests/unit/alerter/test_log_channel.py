import asyncio
import json
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from geophone_alerter.channels.log import LogChannel, open_log_channel
from geophone_alerter.parcels import ACCEPTED, Outcome
from geophone_shared.errors import ConfigError
from tests.support.alert_events import NOW_US, create_alert, create_notice, create_parcel

ALERTS = [create_alert(), create_alert("allowed.example", allowed=True)]
PARCEL = create_parcel(*(create_notice(alert) for alert in ALERTS), targets=("file",))


def domains(lines: bytes) -> list[str]:
    return [json.loads(line)["dns"]["question"]["registered_domain"] for line in lines.splitlines()]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file can grow beyond `size` bytes: a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_line_per_event_is_appended(tmp_path: Path) -> None:
    path = tmp_path / "alerts.json"
    for _ in range(2):
        channel = open_log_channel(path)
        assert (channel.name, channel.targets) == ("log", ("file",))
        assert await channel.deliver(PARCEL, NOW_US) == {"file": ACCEPTED}
        channel.close()
    assert domains(path.read_bytes()) == ["tunnel.example", "allowed.example"] * 2
    assert path.stat().st_mode & 0o007 == 0


async def test_a_full_disk_keeps_no_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "alerts.json"
    channel = open_log_channel(path)
    await channel.deliver(PARCEL, NOW_US)
    before = path.read_bytes()
    with largest_file(len(before) + 100):
        outcomes = await channel.deliver(PARCEL, NOW_US)
    assert outcomes == {"file": Outcome("temporary", "no_space")}
    assert path.read_bytes() == before
    assert await channel.deliver(PARCEL, NOW_US) == {"file": ACCEPTED}
    channel.close()
    assert domains(path.read_bytes()) == ["tunnel.example", "allowed.example"] * 2


async def test_a_reader_that_went_away() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    channel = LogChannel(write_end, "stdout")
    parcel = create_parcel(create_notice(create_alert()), targets=("stdout",))
    outcomes = await channel.deliver(parcel, NOW_US)
    assert outcomes == {"stdout": Outcome("temporary", "input_output")}
    channel.close()


async def test_a_slow_reader_does_not_stop_the_event_loop() -> None:
    read_end, write_end = os.pipe()
    channel = LogChannel(write_end, "stdout")
    notices = [create_notice(create_alert(f"{number}.example")) for number in range(200)]
    parcel = create_parcel(*notices, targets=("stdout",))
    delivering = asyncio.ensure_future(channel.deliver(parcel, NOW_US))
    received = bytearray()
    while not delivering.done():
        received += await asyncio.to_thread(os.read, read_end, 65_536)
    channel.close()
    while chunk := os.read(read_end, 65_536):
        received += chunk
    os.close(read_end)
    assert delivering.result() == {"stdout": ACCEPTED}
    assert domains(bytes(received)) == [f"{number}.example" for number in range(200)]


async def test_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    channel = open_log_channel(None)
    assert channel.targets == ("stdout",)
    parcel = create_parcel(create_notice(create_alert()), targets=("stdout",))
    assert await channel.deliver(parcel, NOW_US) == {"stdout": ACCEPTED}
    channel.close()
    assert domains(capfd.readouterr().out.encode()) == ["tunnel.example"]


def test_a_file_that_can_not_be_written(tmp_path: Path) -> None:
    for path, why in ((tmp_path, "Is a directory"), (tmp_path / "no" / "x", "No such file")):
        with pytest.raises(ConfigError, match=why) as raised:
            open_log_channel(path)
        assert "choose another file" in str(raised.value)
