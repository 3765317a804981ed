"""What REST is given to show."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from geophone_alerter.alert_store import AlertStore
from geophone_alerter.status import StageStatus
from geophone_alerter.told_store import ToldStore
from geophone_alerter.top_store import TopStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Everything that can be asked for; it changes between two requests, never within one.

    Attributes:
        alerts: the newest alerts.
        told: who was told of them.
        top: the top domains.
        stages: how far each stage is.
        is_acting: whether this alerter tells people.
    """

    alerts: AlertStore
    told: ToldStore
    top: TopStore
    stages: Callable[[], Mapping[str, StageStatus]]
    is_acting: Callable[[], bool]
