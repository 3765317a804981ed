"""How interfaces are captured on, from the settings."""

from pathlib import Path
from typing import Any

import pytest

from geophone_capture.encapsulations import ALL, NONE, Encapsulation
from geophone_capture.live.bpf import Instruction
from geophone_capture.live_settings import live_options
from geophone_shared.errors import ConfigError
from geophone_shared.settings.sections import CaptureSettings

ACCEPT = Instruction(6, 0, 0, 262_144)


def options(**settings: Any) -> Any:
    return live_options(CaptureSettings(interfaces=("eth0",), **settings))


def test_by_default_plain_dns_is_let_through() -> None:
    live = options()
    assert (live.ports, live.promiscuous, live.fanout_group) == ((53,), False, None)
    assert (live.encapsulations, live.raw_filter) == (NONE, None)
    assert {len(address) for address in live.resolvers} == {4, 16}


def test_encapsulations_by_name() -> None:
    assert options(encapsulations="vxlan, ip-in-ip").encapsulations == (
        Encapsulation.VXLAN | Encapsulation.IP_IN_IP
    )
    assert options(encapsulations="gtp-u,all").encapsulations == ALL
    with pytest.raises(ConfigError, match=r"'vlan' is no encapsulation .* geneve, .* or all"):
        options(encapsulations="vlan")


def test_a_filter_as_text_or_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "filter"
    file.write_text("1\n6 0 0 262144\n")
    assert options(filter_raw="1,6 0 0 262144").raw_filter == (ACCEPT,)
    assert options(filter_raw_file=file).raw_filter == (ACCEPT,)
    with pytest.raises(ConfigError, match="can't be read"):
        options(filter_raw_file=tmp_path / "none")
    file.write_text("port 53")
    with pytest.raises(ConfigError, match="as `tcpdump -ddd` prints it"):
        options(filter_raw_file=file)
    with pytest.raises(ValueError, match="exclude each other"):
        options(filter_raw="1,6 0 0 1", filter_raw_file=file)
