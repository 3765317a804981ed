"""What a process that captures is told to do."""

import math
from collections.abc import Sequence

import pytest

from geophone.capture_process import capture_settings, declared
from geophone_shared.errors import ConfigError
from geophone_shared.settings.loading import Flag
from tests.support.settings import set_environment


def speed(files: Sequence[str], *flags: Flag) -> float:
    return capture_settings([Flag("--file", "capture.files", tuple(files)), *flags]).capture.speed


def test_standard_input_is_live_unless_a_speed_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, {})
    assert speed(["-"]) == 1
    assert speed(["a.pcap"]) == math.inf
    assert speed(["-"], Flag("--speed", "capture.speed", "max")) == math.inf
    monkeypatch.setenv("GEOPHONE_CAPTURE_SPEED", "3")
    assert speed(["-"]) == 3


def test_there_has_to_be_something_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, {})
    with pytest.raises(
        ConfigError, match="give --interface IF, --file FILE, or - for standard input"
    ):
        capture_settings([])


LIVE = Flag("--interface", "capture.interfaces", ("eth0", "eth1"))


@pytest.mark.parametrize(
    "flag",
    [
        Flag("--speed", "capture.speed", "2"),
        Flag("--shift-to-now", "capture.shift_to_now", value=True),
    ],
)
def test_what_is_live_has_its_own_time(flag: Flag, monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, {})
    with pytest.raises(ConfigError, match=f"from {flag.option}.* has its own time; remove it"):
        capture_settings([LIVE, flag])


def test_interfaces_are_measured_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, {})
    live, files = (
        declared(capture_settings(flags))
        for flags in ([LIVE], [Flag("--file", "capture.files", ("a.pcap",))])
    )
    assert live.interfaces == ("eth0", "eth1")
    assert files.interfaces == ("file", "stdin")
    names = [condition.name for condition in live.conditions]
    assert names == ["capture_log", "capture_interfaces"]
    assert [condition.name for condition in files.conditions] == ["capture_log"]


def test_files_and_interfaces_exclude_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, {})
    monkeypatch.setenv("GEOPHONE_CAPTURE_FILES", "a.pcap")
    with pytest.raises(ConfigError, match="exclude each other"):
        capture_settings([LIVE])
    # What the command line names is captured, whatever else is set.
    [named, *others] = [LIVE, Flag("--interface", "capture.files", ())]
    assert capture_settings([named, *others]).capture.interfaces == ("eth0", "eth1")


def test_an_interface_is_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, {})
    with pytest.raises(ConfigError, match="name each once"):
        capture_settings([Flag("--interface", "capture.interfaces", ("eth0", "eth0"))])
