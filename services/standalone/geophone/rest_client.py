"""Asking an alerter over REST: one request, checked answers, errors in a sentence."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit

from geophone_shared.errors import ConfigError, InvalidRecordError, TransientError

_TIMEOUT_SECONDS = 10.0
_MOST_BYTES = 64 * 1024 * 1024
_UNAUTHORIZED = 401
_SERVER_ERRORS = range(500, 600)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """REST never redirects, and the token is for nobody else."""

    def redirect_request(self, *_arguments: Any, **_options: Any) -> None:
        return None


# Without the proxies of the environment: what is asked for is named, and nobody else is told.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())


@dataclass(frozen=True, slots=True)
class RestClient:
    """Who is asked.

    Attributes:
        url: where REST is served, such as `http://127.0.0.1:8053`.
        token: what it wants to be shown; None where it wants nothing.
    """

    url: str
    token: str | None

    def get(self, path: str, query: Mapping[str, object]) -> Any:
        """The JSON value that is answered.

        Args:
            path: such as `/api/v1/alerts`.
            query: parameters; None leaves one out.

        Raises:
            ConfigError: the URL is none, or the answer says what to change.
            InvalidRecordError: the answer is no JSON.
            TransientError: nobody answers.
        """
        given = {name: _text(value) for name, value in query.items() if value is not None}
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked
            f"{_checked(self.url)}{path}?{urlencode(given)}", headers=self._headers()
        )
        try:
            with _OPENER.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                content = answer.read(_MOST_BYTES)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refused(error) from error
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise TransientError(
                f"{self.url} doesn't answer ({reason}): start `geophone run` or"
                " `geophone alerter`, or say with --url where it is"
            ) from error
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise InvalidRecordError(f"what {self.url} answers isn't Geophone's") from error

    def _headers(self) -> dict[str, str]:
        if self.token is None:
            return {}
        # As its bytes, which is what the server compares.
        return {"Authorization": f"Bearer {self.token.encode().decode('latin-1')}"}

    def _refused(self, error: urllib.error.HTTPError) -> ConfigError | TransientError:
        if error.code == _UNAUTHORIZED:
            return ConfigError(f"{self.url} wants a token: give the right one with --token-file")
        detail = _detail(error.read(_MOST_BYTES)) or f"HTTP {error.code}"
        if error.code in _SERVER_ERRORS:
            return TransientError(f"{self.url} can't answer: {detail}")
        return ConfigError(f"{self.url} refuses: {detail}")


def _checked(url: str) -> str:
    """The URL without a slash at its end; only of HTTP, so that no file is opened."""
    try:
        parts = urlsplit(url)
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and url.isprintable()
        is_right = is_right and " " not in url and not (parts.query or parts.fragment)
        _ = parts.port
    except ValueError:
        is_right = False
    if not is_right:
        raise ConfigError(f"--url {url[:80]!a}: write http://HOST:PORT")
    return url.rstrip("/")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _detail(content: bytes) -> str:
    """What a problem (RFC 9457) says; empty for anything else."""
    try:
        problem = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    return str(problem.get("detail") or problem.get("title")) if isinstance(problem, dict) else ""
