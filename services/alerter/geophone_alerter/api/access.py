"""Who may ask: whoever shows the token, where there is one."""

import hmac
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from geophone_alerter.api.problems import problem

_UNAUTHORIZED = 401
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
