"""`geophone capture devices`: the network interfaces that can be captured on."""

from dataclasses import asdict
from typing import Annotated

import typer

from geophone.output import write_result
from geophone.rest_options import failures_as_sentences, write_json

NAME = "capture devices"

HELP = """
List the network interfaces of this machine, and what can be captured on them. It needs no
privilege.

\b
Examples:
  geophone capture devices
  geophone capture devices --json | jq -r '.[] | select(.state == "up") | .name'
"""
# "\b" keeps the lines of a paragraph as they are (click).


def devices(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False,
) -> None:
    """Run `geophone capture devices`; `HELP` is what it says of itself."""
    with failures_as_sentences():
        from geophone_capture.live.devices import list_devices  # noqa: PLC0415 - where it is needed

        found = list_devices()
        if as_json:
            write_json([asdict(device) for device in found])
            return
        from geophone.device_table import device_table  # noqa: PLC0415 - loads rich

        write_result(device_table(found))
