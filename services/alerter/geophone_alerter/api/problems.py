"""Errors as problem details (RFC 9457). None of them repeats what was asked for."""

import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

_log = logging.getLogger(__name__)

PROBLEM_TYPE = "application/problem+json"
_NOT_KEPT = {"cache-control": "no-store"}
_MOST_ERRORS = 10
_MOST_CHARACTERS = 64


def problem(
    status: int,
    detail: str = "",
    *,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer for a request that can't be met.

    Args:
        status: of HTTP.
        detail: what to do about it, a sentence.
        errors: which parameters are wrong: `parameter` and `reason`.
        headers: of HTTP, besides the usual.
    """
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
    }
    if detail:
        body["detail"] = detail
    if errors:
        body["errors"] = list(errors)
    all_headers = {**_NOT_KEPT, **(headers or {})}
    return Response(json.dumps(body), status, all_headers, media_type=PROBLEM_TYPE)


def answer_with_problems(app: FastAPI) -> None:
    """Makes problem details of every error that an application answers with."""
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(Exception, _on_bug)


async def _on_http_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    is_worded = error.detail != HTTPStatus(error.status_code).phrase
    return problem(
        error.status_code, error.detail if is_worded else "", headers=error.headers or None
    )


async def _on_invalid(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    errors = [
        {
            "parameter": ".".join(map(str, each["loc"][1:]))[:_MOST_CHARACTERS],
            "reason": str(each["msg"]).removeprefix("Value error, "),
        }
        for each in error.errors()[:_MOST_ERRORS]
    ]
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "correct the parameters", errors=errors)


async def _on_bug(_request: Request, _error: Exception) -> Response:
    # Starlette raises it again behind this answer, so that the server logs it.
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "this is a bug; the log has its trace")
