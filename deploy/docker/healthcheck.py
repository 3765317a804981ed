#!/usr/bin/env python3
"""Whether the service of a container lives: exit code 0 if `/livez` answers 200.

`healthcheck [PORT]`; without a port it takes the first of the services' own that answers.
"""

import http.client
import sys

PORTS = (8053, 8054, 8055)
"""Of the alerter and `geophone run`, of capture, of the detector."""
_TIMEOUT_SECONDS = 3


def status(port: int) -> int | None:
    """What `/livez` on that port of loopback answers; None where nobody does."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def main(arguments: list[str]) -> int:
    """The exit code."""
    ports = [int(port) for port in arguments] or PORTS
    answers = (status(port) for port in ports)
    first = next((answer for answer in answers if answer is not None), None)
    return 0 if first == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
