"""Network interfaces as a table for people."""

from collections.abc import Sequence

from rich.table import Table

from geophone.page import escaped, page, standard_output
from geophone_capture.link_types import READ
from geophone_capture.live.devices import Device


def device_table(devices: Sequence[Device]) -> str:
    """The table, in the order given."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("interface", "state", "kind", "MTU", "address", "captures"):
        table.add_column(title, justify="right" if title == "MTU" else "left", no_wrap=True)
    for device in devices:
        captures = "nothing" if device.link is None else READ[device.link]
        cells = (device.name, device.state, device.kind, str(device.mtu_bytes))
        table.add_row(*map(escaped, (*cells, device.hardware_address, captures)))
    width, has_reader = standard_output()
    return page([table], width=width, has_reader=has_reader)
