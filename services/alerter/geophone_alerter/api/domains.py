"""`/api/v1/domains`: the top domains, and one of them."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from geophone_alerter.api.bodies import Bodies, Body, answer, body_of, json_body
from geophone_alerter.api.documents import DomainDocument, TopDocument, WindowName
from geophone_alerter.top_store import TopStore
from geophone_shared.domains_csv import domains_csv
from geophone_shared.summaries import summary_to_json
from geophone_shared.timestamps import rfc3339

MOST_DOMAINS: Final = 1_000

WINDOWS: dict[WindowName, int] = {"10m": 600, "4h": 14_400, "24h": 86_400}

_CSV_HEADERS = {"content-disposition": 'attachment; filename="top-domains.csv"'}
_NOT_LISTED = (
    "the published lists don't hold this domain: they have the busiest ones only,"
    " each by its registered domain"
)


class TopQuestion(BaseModel):
    """The parameters of the top list."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    window: WindowName = "4h"
    """The sliding window that ranks the domains."""
    limit: Annotated[int, Field(ge=1, le=MOST_DOMAINS)] = 10
    """How many domains at most."""
    exclude_allowed: bool = False
    """Leave out domains on an allow list."""
    format: Literal["json", "csv"] = "json"


def domain_routes(top: TopStore) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1/domains", tags=["domains"])
    bodies = Bodies()

    @router.get(
        "/top",
        response_model=None,
        responses={
            200: {
                "model": TopDocument,
                "content": {"text/csv": {"schema": {"type": "string"}}},
                "description": "The domains with the most hostnames, those first.",
            }
        },
    )
    async def top_domains(request: Request, question: Annotated[TopQuestion, Query()]) -> Response:
        """The domains with the most different hostnames in a window."""
        body = bodies.get(top.version, question, lambda: _top_body(top, question))
        return answer(request, body, _CSV_HEADERS if question.format == "csv" else None)

    @router.get(
        "/{domain:path}",
        response_model=None,
        responses={200: {"model": DomainDocument, "description": "What the lists hold."}},
    )
    async def one_domain(request: Request, domain: str) -> Response:
        r"""What the top lists hold of a registered domain.

        It is given in presentation form: an unusual byte is `\DDD`. A trailing dot is ignored, so
        that `top.` is the domain of that name.
        """
        found = top.find(domain) or top.find(domain.removesuffix("."))
        if not found:
            raise HTTPException(404, _NOT_LISTED)
        value = {
            "registered_domain": next(iter(found.values())).registered_domain,
            "as_of": _time(top.as_of_us),
            "windows": {
                name: summary_to_json(found[seconds])
                for name, seconds in WINDOWS.items()
                if seconds in found
            },
        }
        return answer(request, json_body(value))

    return router


def _top_body(top: TopStore, question: TopQuestion) -> Body:
    ranked = top.ranked(
        WINDOWS[question.window], question.limit, exclude_allowed=question.exclude_allowed
    )
    domains = [summary_to_json(summary, rank) for rank, summary in enumerate(ranked, start=1)]
    if question.format == "csv":
        return body_of(domains_csv(domains).encode("utf-8"), "text/csv; charset=utf-8")
    return json_body({"window": question.window, "as_of": _time(top.as_of_us), "domains": domains})


def _time(time_us: int | None) -> str | None:
    return None if time_us is None else rfc3339(time_us)
