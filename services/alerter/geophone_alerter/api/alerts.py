"""`/api/v1/alerts`: the newest alerts, and one of them."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from geophone_alerter.alert_store import AlertStore, StateFilter
from geophone_alerter.api.bodies import answer, json_body
from geophone_alerter.api.documents import AlertsDocument, OneAlertDocument
from geophone_alerter.told_store import ToldStore
from geophone_shared.alerts import to_json
from geophone_shared.notifications import Notification
from geophone_shared.timestamps import rfc3339

MOST_ALERTS: Final = 1_000
_NOT_KEPT = "no alert with this id is kept: the newest ones are"


class AlertsQuestion(BaseModel):
    """The parameters of the list of alerts."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    state: StateFilter = "all"
    """Open is what isn't recovered."""
    limit: Annotated[int, Field(ge=1, le=MOST_ALERTS)] = 100
    """How many alerts at most."""
    cursor: Annotated[str | None, Field(pattern=r"^[0-9]{1,18}$")] = None
    """What the page before gave as `next`."""


def alert_routes(alerts: AlertStore, told: ToldStore) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])

    @router.get(
        "",
        response_model=None,
        responses={200: {"model": AlertsDocument, "description": "Alerts, the newest first."}},
    )
    async def list_alerts(
        request: Request, question: Annotated[AlertsQuestion, Query()]
    ) -> Response:
        """The newest alerts, each in its last state."""
        before = None if question.cursor is None else int(question.cursor)
        page = alerts.page(question.state, question.limit, before)
        value = {
            "alerts": [to_json(alert) for alert in page.alerts],
            "next": None if page.next is None else str(page.next),
        }
        return answer(request, json_body(value))

    @router.get(
        "/{alert_id}",
        response_model=None,
        responses={200: {"model": OneAlertDocument, "description": "The alert."}},
    )
    async def one_alert(request: Request, alert_id: str) -> Response:
        """An alert and who was told of it."""
        alert = alerts.get(alert_id)
        if alert is None:
            raise HTTPException(404, _NOT_KEPT)
        notifications = [_notification(each, alert_id) for each in told.of(alert_id)]
        return answer(request, json_body(to_json(alert) | {"notifications": notifications}))

    return router


def _notification(notification: Notification, alert_id: str) -> dict[str, object]:
    state = next(event.state for event in notification.events if event.id == alert_id)
    return {
        "channel": notification.channel,
        "result": notification.result,
        "targets": list(notification.targets),
        "reason": notification.reason,
        "at": rfc3339(notification.at_us),
        "state": state,
    }
