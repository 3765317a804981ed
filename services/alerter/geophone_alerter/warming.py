"""Loading what is loaded late, before there is an event loop that would wait for it."""

from geophone_alerter.alert_store import AlertStore
from geophone_alerter.api.app import rest_app
from geophone_alerter.api.shown import Shown
from geophone_alerter.told_store import ToldStore
from geophone_alerter.top_store import TopStore


def warm() -> None:
    """Make an application that is thrown away: models and routes take a tenth of a second."""
    nothing = Shown(
        alerts=AlertStore(), told=ToldStore(), top=TopStore(), stages=dict, is_acting=bool
    )
    rest_app(nothing).openapi()
