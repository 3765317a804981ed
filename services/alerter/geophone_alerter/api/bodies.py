"""Bodies with their entity tags, made once for as long as they hold."""

import hashlib
import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from geophone_alerter.recent import Recent

JSON_TYPE = "application/json"
_MOST_BODIES = 64
"""Of one kind: as many different questions as are asked between two refreshes."""

_HEADERS = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}
_NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True)
class Body:
    """What is answered.

    Attributes:
        content: the bytes.
        media_type: what they are.
        tag: what names them, with its quotes (RFC 9110 §8.8.3).
    """

    content: bytes
    media_type: str
    tag: str


def body_of(content: bytes, media_type: str) -> Body:
    """A body with its tag."""
    digest = hashlib.blake2b(content, digest_size=16).hexdigest()
    return Body(content, media_type, f'"{digest}"')


def json_body(value: object) -> Body:
    """A JSON value, in ASCII."""
    content = json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")
    return body_of(content, JSON_TYPE)


def answer(request: Request, body: Body, headers: dict[str, str] | None = None) -> Response:
    """The body, or that the client has it already (RFC 9110 §13.1.2)."""
    all_headers = _HEADERS | {"etag": body.tag} | (headers or {})
    wanted = ",".join(request.headers.getlist("if-none-match"))
    tags = [tag.strip().removeprefix("W/") for tag in wanted.split(",")]
    if body.tag in tags or "*" in tags:
        return Response(status_code=_NOT_MODIFIED, headers=all_headers)
    return Response(body.content, headers=all_headers, media_type=body.media_type)


class Bodies:
    """Bodies by what was asked for, until what they show changes."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._bodies: Recent[Hashable, Body] = Recent(_MOST_BODIES)

    def get(self, version: int, question: Hashable, make: Callable[[], Body]) -> Body:
        """The body for a question.

        Args:
            version: of what it shows; another one makes it anew.
            question: what was asked for.
            make: makes it.
        """
        if version != self._version:
            self._version = version
            self._bodies = Recent(_MOST_BODIES)
        body = self._bodies.get(question)
        if body is None:
            body = make()
            self._bodies.put(question, body)
        return body
