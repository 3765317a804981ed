"""What a process that captures is told to do."""

import math
from collections.abc import Sequence

import pytest

from geophone.capture_process import capture_settings
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
    with pytest.raises(ConfigError, match="give --interface IF, --file FILE, or - for"):
        capture_settings([])
