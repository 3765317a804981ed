import socket
from pathlib import Path

import pytest

from geophone_capture.live.devices import Device, list_devices


def _describe(sysfs: Path, name: str, uevent: str = "", **attributes: str) -> None:
    (sysfs / name).mkdir(parents=True)
    for attribute, value in {"uevent": uevent, **attributes}.items():
        (sysfs / name / attribute).write_text(value + "\n", encoding="utf-8")


def test_interfaces_are_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["eth0", "lan.7", "tun0", "mon0", "gone0"]
    monkeypatch.setattr(socket, "if_nameindex", lambda: list(enumerate(names, 1)))
    address = "02:00:00:00:00:01"
    _describe(tmp_path, "eth0", type="1", mtu="1500", operstate="up", address=address)
    _describe(
        tmp_path, "lan.7", "DEVTYPE=vlan\nINTERFACE=lan.7",
        type="1", mtu="1496", operstate="lowerlayerdown", address=address,
    )  # fmt: skip
    _describe(tmp_path, "tun0", type="65534", mtu="1420", operstate="unknown", address="")
    _describe(tmp_path, "mon0", type="803", mtu="1500", operstate="up", address="00:00:00:00:00:00")
    assert list_devices(tmp_path) == [
        Device("eth0", "Ethernet", "up", 1500, address, 1),
        Device("lan.7", "vlan", "lowerlayerdown", 1496, address, 1),
        Device("tun0", "no header", "unknown", 1420, "", 101),
        Device("mon0", "IEEE 802.11", "up", 1500, "", None),
    ]


def test_this_machine_has_a_loopback() -> None:
    assert [each.kind for each in list_devices() if each.name == "lo"] == ["loopback"]
