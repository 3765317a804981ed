"""The network interfaces of this machine, for people who have to name one [shell]."""

import socket
from dataclasses import dataclass
from pathlib import Path

from geophone_capture.live.packet_socket import link_of_kind

_SYSFS = Path("/sys/class/net")

_KINDS = {
    1: "Ethernet",
    512: "PPP",
    519: "raw IP",
    768: "IP tunnel",
    769: "IPv6 tunnel",
    772: "loopback",
    776: "6in4 tunnel",
    778: "GRE tunnel",
    801: "IEEE 802.11",
    802: "IEEE 802.11",
    803: "IEEE 802.11",
    65_534: "no header",
}


@dataclass(frozen=True, slots=True)
class Device:
    """A network interface.

    Attributes:
        name: such as `eth0`.
        kind: in words: `Ethernet`, or more closely `vlan`, `bridge`, `wlan` ...
        state: RFC 2863's operational state as Linux writes it: `up`, `down`, `lowerlayerdown`,
            `unknown` (up, and the driver doesn't tell: loopback, tunnels) ...
        mtu_bytes: largest packet.
        hardware_address: such as `02:00:00:00:00:01`; empty where it has none.
        link: LINKTYPE_ number of what it captures; None where Geophone can't capture on it.
    """

    name: str
    kind: str
    state: str
    mtu_bytes: int
    hardware_address: str
    link: int | None


def list_devices(sysfs: Path = _SYSFS) -> list[Device]:
    """All interfaces of the network namespace, in the kernel's order.

    Args:
        sysfs: where Linux describes them.
    """
    found = (_device(sysfs, name) for _, name in socket.if_nameindex())
    return [device for device in found if device is not None]


def _device(sysfs: Path, name: str) -> Device | None:
    """None where it is gone meanwhile."""
    folder = sysfs / name
    try:
        hardware = int(_read(folder, "type"))
        mtu_bytes = int(_read(folder, "mtu"))
        state = _read(folder, "operstate")
        address = _read(folder, "address")
        details = dict(
            line.split("=", 1) for line in _read(folder, "uevent").splitlines() if "=" in line
        )
    except OSError:
        return None
    kind = details.get("DEVTYPE") or _KINDS.get(hardware, f"hardware type {hardware}")
    is_numbered = address.strip("0:.") != ""
    return Device(
        name, kind, state, mtu_bytes, address if is_numbered else "", link_of_kind(hardware)
    )


def _read(folder: Path, attribute: str) -> str:
    return (folder / attribute).read_text(encoding="utf-8", errors="replace").strip()
