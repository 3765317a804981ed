"""Who may ask: whoever shows the token; without one, programs of this machine."""

import hmac
import ipaddress
import re
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from geophone_alerter.api.problems import problem

_UNAUTHORIZED = 401
_MISDIRECTED = 421
_PORT = re.compile(r":[0-9]*$")
_SCHEME = b"bearer "


class RequireToken:
    """Lets requests pass that carry `Authorization: Bearer TOKEN` (RFC 6750).

    Args:
        app: what they pass to.
        token: which.
        open_paths: what everyone may ask for: it tells no name and no address.
    """

    def __init__(self, app: ASGIApp, token: str, open_paths: Collection[str]) -> None:
        self._app = app
        self._token = token.encode()
        self._open_paths = frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        is_http = scope["type"] == "http"
        if is_http and scope["path"] not in self._open_paths and not self._is_known(scope):
            refused = problem(
                _UNAUTHORIZED,
                "send the token: Authorization: Bearer TOKEN",
                headers={"www-authenticate": "Bearer"},
            )
            await refused(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        given = Headers(scope=scope).get("authorization", "").encode("latin-1")
        is_bearer = given[: len(_SCHEME)].lower() == _SCHEME
        # In constant time, so that a guess can't be improved letter by letter.
        return hmac.compare_digest(given[len(_SCHEME) :].strip(), self._token) and is_bearer


class LocalNames:
    """Lets requests pass that are for an address or for localhost.

    Without a token REST is only served on loopback. But a page in a browser there could be of a
    name that its owner lets point to 127.0.0.1 (DNS rebinding), and read everything.

    Args:
        app: what they pass to.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "http" and not _is_local(Headers(scope=scope).get("host", "")):
            detail = "ask by address or by localhost, or have a token set"
            await problem(_MISDIRECTED, detail)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _is_local(host: str) -> bool:
    name = _PORT.sub("", host)
    if name.lower() in ("", "localhost"):
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
