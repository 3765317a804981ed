"""What answers look like, for openapi.json; a test holds the real ones against it.

Answers aren't made of these models: the records of the log have their JSON already.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from geophone_shared.alerts import AlertState, Severity
from geophone_shared.notifications import NotificationResult

WindowName = Literal["10m", "4h", "24h"]


class Document(BaseModel):
    """An object with these fields, and no others as of now; later versions may add some."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class ClientDocument(Document):
    """A client of a domain."""

    address: str
    queries: int


class SummaryDocument(Document):
    """What was counted under a registered domain in a window."""

    registered_domain: str
    """In presentation form: an unusual byte is `\\DDD`."""
    window_seconds: int
    unique_hostnames: int
    """Different names; an estimate unless `exact`."""
    unique_hostnames_lower: int
    unique_hostnames_upper: int
    exact: bool
    information_bytes: int
    """Summed length of the different names below the domain."""
    queries: int
    unanswered: int
    bytes_in: int
    """Of queries."""
    bytes_out: int
    """Of responses."""
    bytes_total: int
    clients: int
    top_clients: list[ClientDocument]
    query_types: dict[str, int]
    response_codes: dict[str, int]
    first_seen: str
    last_seen: str
    sample_names: list[str]
    allowed: bool
    """Whether an allow list has it: nobody is notified."""
    clients_exact: bool
    evidence_since: str | None
    """Since when clients, types, codes and names were collected, where that was later."""


class RankedDocument(SummaryDocument):
    """A summary with its rank."""

    rank: int


class TopDocument(Document):
    """The top domains."""

    window: WindowName
    as_of: str | None
    """The latest packet time that the lists know of; null before the first list."""
    domains: list[RankedDocument]


class DomainDocument(Document):
    """What the top lists hold of a domain."""

    registered_domain: str
    as_of: str
    windows: dict[WindowName, SummaryDocument]


class AlertDocument(Document):
    """An alert in its last state (docs/records.md)."""

    schema_: str
    id: str
    state: AlertState
    rule: str
    severity: Severity
    registered_domain: str
    opened_at: str
    updated_at: str
    recovered_at: str | None
    window_seconds: int
    measure: str
    value: int
    value_lower: int
    value_upper: int
    value_exact: bool
    threshold: int
    allowed: bool
    evidence: SummaryDocument

    model_config = ConfigDict(
        extra="forbid",
        use_attribute_docstrings=True,
        alias_generator=lambda name: name.rstrip("_"),
    )


class AlertsDocument(Document):
    """A page of alerts, the newest first."""

    alerts: list[AlertDocument]
    next: str | None
    """The `cursor` of the next page."""


class NotificationDocument(Document):
    """Who was told of an alert, or refused to be."""

    channel: str
    result: NotificationResult
    targets: list[str]
    reason: str | None
    at: str
    state: AlertState
    """Of the alert when it was told."""


class OneAlertDocument(AlertDocument):
    """An alert and who was told of it."""

    notifications: list[NotificationDocument]


class StageDocument(Document):
    """How far a stage is; null for what the log doesn't show."""

    position: int | None
    """Records behind it, over all partitions."""
    lag: int | None
    """Records before it."""
    watermark: str | None
    """How far it is in packet time."""
    last_record: str | None
    """When its last record was published."""
    drops: dict[str, int] | None
    since: str | None
    """Since when drops are counted."""


class StatusDocument(Document):
    """How far each stage is."""

    version: str
    at: str
    acting: bool
    """Whether this alerter tells people, or stands by."""
    stages: dict[Literal["capture", "detector", "alerter"], StageDocument]


class VersionDocument(Document):
    """What is running."""

    version: str


class ProblemErrorDocument(Document):
    """A parameter that is wrong."""

    parameter: str
    reason: str


class ProblemDocument(Document):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str | None = None
    errors: list[ProblemErrorDocument] | None = None
