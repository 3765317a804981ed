"""The console script: opens the sockets that need a privilege, gives it up, and loads the rest.

numpy starts threads when it is imported, and a thread keeps the capabilities it began with: so
nothing is imported here but the standard library and modules that import nothing else.
"""

import os
import socket
import sys
from typing import NoReturn

from geophone.asked_sockets import asked_sockets
from geophone_shared.exit_codes import ExitCode


def main() -> None:
    """The `geophone` command."""
    sockets = _open_sockets(asked_sockets(sys.argv[1:], os.environ))
    from geophone import cli  # noqa: PLC0415 - after the privileges are gone

    cli.main(sockets)


def _open_sockets(count: int) -> list[socket.socket]:
    """So many packet sockets, which receive nothing yet; then no privilege is left."""
    if count == 0:
        return []
    try:
        # Protocol 0: no packet comes until it is bound to an interface, behind its filter.
        sockets = [socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) for _ in range(count)]
    except PermissionError:
        _fail(
            "live capture needs the capability CAP_NET_RAW: grant it by `sudo setcap"
            " cap_net_raw+ep` on the Python that runs Geophone, AmbientCapabilities=CAP_NET_RAW in"
            " a systemd unit, the capability NET_RAW of a container, or start it with sudo, whose"
            " rights it gives up before it reads a packet (docs/capture.md)",
            ExitCode.NO_PERMISSION,
        )
    except OSError as error:
        _fail(f"no packet socket can be opened: {error.strerror}", ExitCode.RUNTIME)
    except AttributeError:
        _fail("live capture needs Linux: read from tcpdump with -", ExitCode.CONFIG)
    from geophone.privileges import drop_privileges  # noqa: PLC0415 - needs Linux

    drop_privileges(os.environ)
    return sockets


def _fail(sentence: str, code: ExitCode) -> NoReturn:
    if sys.stderr is not None:  # Python has None for a closed one
        sys.stderr.write(f"geophone: {sentence}\n")
    raise SystemExit(code)
