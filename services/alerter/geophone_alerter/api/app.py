"""The application that is served: REST, and whatever else its port has."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from geophone_alerter.api.access import LocalNames, RequireToken
from geophone_alerter.api.alerts import alert_routes
from geophone_alerter.api.bodies import answer, json_body
from geophone_alerter.api.documents import ProblemDocument, StatusDocument, VersionDocument
from geophone_alerter.api.domains import domain_routes
from geophone_alerter.api.problems import PROBLEM_TYPE, answer_with_problems
from geophone_alerter.api.shown import Shown
from geophone_shared import __version__
from geophone_shared.timestamps import rfc3339

_VERSION_PATH = "/version"
_ERRORS = (401, 404, 422, 500)


def create_app(
    shown: Shown, *, token: str | None = None, more_routes: Sequence[BaseRoute] = ()
) -> ASGIApp:
    """The application.

    Args:
        shown: what it shows.
        token: what requests have to carry; None where none is needed.
        more_routes: served beside REST, without a token.
    """
    app = rest_app(shown)
    app.router.routes.extend(more_routes)
    if token is None:
        return LocalNames(app)
    open_paths = [route.path for route in more_routes if isinstance(route, Route)]
    return RequireToken(app, token, [_VERSION_PATH, *open_paths])


def rest_app(shown: Shown) -> FastAPI:
    """REST alone, open to everyone."""
    # FastAPI's pages of documentation load scripts from elsewhere.
    app = FastAPI(
        title="Geophone", version="1", docs_url=None, redoc_url=None, redirect_slashes=False
    )
    app.include_router(domain_routes(shown.top))
    app.include_router(alert_routes(shown.alerts, shown.told))
    app.include_router(_status_routes(shown))
    answer_with_problems(app)
    app.openapi = _described(app)  # type: ignore[method-assign] # as FastAPI documents it
    return app


def _status_routes(shown: Shown) -> APIRouter:
    router = APIRouter(tags=["status"])

    @router.get(
        "/api/v1/status",
        response_model=None,
        responses={200: {"model": StatusDocument, "description": "The stages."}},
    )
    async def status(request: Request) -> Response:
        """How far each stage is, as the log shows it."""
        value = {
            "version": __version__,
            "at": rfc3339(time.time_ns() // 1_000),
            "acting": shown.is_acting(),
            "stages": {name: stage.to_json() for name, stage in shown.stages().items()},
        }
        return answer(request, json_body(value))

    @router.get(
        _VERSION_PATH,
        response_model=None,
        responses={200: {"model": VersionDocument, "description": "The version."}},
    )
    async def version(request: Request) -> Response:
        """What is running."""
        return answer(request, json_body({"version": __version__}))

    return router


def _described(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """What makes openapi.json, with problem details for every error."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                summary="What Geophone found in DNS traffic.",
                routes=app.routes,
            )
            schemas = document["components"]["schemas"]
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= problem.pop("$defs")
            schemas["ProblemDocument"] = problem
            document["components"]["securitySchemes"] = {
                "token": {"type": "http", "scheme": "bearer"}
            }
            for path, methods in document["paths"].items():
                if path != _VERSION_PATH:
                    methods["get"]["security"] = [{}, {"token": []}]
                for status in _ERRORS:
                    methods["get"]["responses"][str(status)] = _PROBLEMS[status]
            app.openapi_schema = document
        return app.openapi_schema

    return describe


_PROBLEM_CONTENT = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
_PROBLEMS = {
    status: {"description": description, "content": _PROBLEM_CONTENT}
    for status, description in {
        401: "The token is missing or wrong.",
        404: "There is nothing of that name.",
        422: "A parameter is wrong.",
        500: "A bug.",
    }.items()
}
