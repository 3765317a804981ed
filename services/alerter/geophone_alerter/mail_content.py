"""What a mail says, before it is text or HTML: titles and rows of label and text [core].

Names are defanged here: mail programs turn what looks like a link into one.
"""

from dataclasses import dataclass

from geophone_alerter import render, wording
from geophone_alerter.ecs import totals
from geophone_alerter.parcels import Notice, Parcel
from geophone_shared.alerts import SEVERITIES, Alert, to_json
from geophone_shared.names import defanged
from geophone_shared.timestamps import rfc3339

DIGEST_DOMAINS = 50
"""As many as one reads; the log and the API have all of them."""

_NAME_CHARACTERS = 120
_TECHNIQUES = "T1071.004 (DNS), T1572 (protocol tunneling), T1048 (exfiltration)"


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of a label and a text under a title; an empty label continues the row above."""

    title: str
    rows: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Content:
    """A mail's headline, its sections, and the lines at its end."""

    headline: str
    sections: list[Section]
    notes: list[str]


def content_of(parcel: Parcel) -> Content:
    """What a mail about one incident, or a digest of several, says."""
    if len(parcel.notices) == 1 and not parcel.more:
        return _alert_content(parcel.notices[0])
    return _digest_content(parcel)


def most_severe_first(parcel: Parcel) -> list[Notice]:
    """The notices of a digest in the order in which they are listed."""
    return sorted(parcel.notices, key=lambda n: -SEVERITIES.index(n.alerts[0].severity))


def _alert_content(notice: Notice) -> Content:
    alert, *others = notice.alerts
    sections = [Section("Totals", _totals(alert)), Section("Evidence", _evidence(alert))]
    if others:
        sections.append(Section("Also", [(other.rule, _headline(other)) for other in others]))
    sections.append(
        Section(
            "What to do",
            [
                ("look at", "the clients above: which program sends these queries?"),
                ("if wanted", f"add {_domain(alert)} to the allow list, without the brackets"),
                ("MITRE ATT&CK", _TECHNIQUES),
            ],
        )
    )
    notes = [
        "Dots in names are written [.] and unusual bytes \\DDD.",
        f"Alert {alert.id[:_NAME_CHARACTERS]}, incident {notice.incident.id}.",
    ]
    return Content(f"{alert.severity.upper()}  {_headline(alert)}", sections, notes)


def _digest_content(parcel: Parcel) -> Content:
    notices = most_severe_first(parcel)
    shown = notices[:DIGEST_DOMAINS]
    hidden = len(notices) - len(shown)
    rows: list[tuple[str, str]] = [
        (notice.alerts[0].severity, f"{_headline(notice.alerts[0])}; {_since(notice.alerts[0])}")
        for notice in shown
    ]
    notes = ["Dots in names are written [.] and unusual bytes \\DDD."]
    more = []
    if hidden:
        more.append(wording.count(hidden, "more domain"))
    if parcel.more:
        more.append(f"{wording.count(parcel.more, 'more alert')} that found no room")
    if more:
        notes.insert(0, f"And {wording.listing(more)}: the event log has all of them.")
    domains = wording.count(len(notices), "domain")
    return Content(f"{domains} with suspected DNS tunnels", [Section("Domains", rows)], notes)


def _totals(alert: Alert) -> list[tuple[str, str]]:
    """The watch's numbers under its names, bare, as its mails had them."""
    rows = [("registered_domain", _domain(alert))]
    rows += [(name, str(number)) for name, number in totals(alert).items()]
    if not alert.evidence.exact:
        lower, upper = (
            alert.evidence.unique_hostnames_lower,
            alert.evidence.unique_hostnames_upper,
        )
        rows.insert(3, ("", f"(an estimate: {lower} to {upper})"))
    return rows


def _evidence(alert: Alert) -> list[tuple[str, str]]:
    evidence = alert.evidence
    rows = render.facts(_defanged(alert))
    seen = [
        ("first seen", wording.timestamp(rfc3339(evidence.first_seen_us))),
        ("last seen", wording.timestamp(rfc3339(evidence.last_seen_us))),
    ]
    return [*rows[:2], *seen, *rows[2:]]


def _headline(alert: Alert) -> str:
    return render.headline(_defanged(alert))


def _since(alert: Alert) -> str:
    return f"opened {wording.timestamp(rfc3339(alert.opened_at_us))}"


def _domain(alert: Alert) -> str:
    return wording.shortened(defanged(alert.registered_domain), _NAME_CHARACTERS)


def _defanged(alert: Alert) -> dict[str, object]:
    """The record of an alert, for people to read: its names can't be clicked."""
    record = to_json(alert)
    names = [defanged(name) for name in alert.evidence.sample_names]
    evidence = record["evidence"]
    if isinstance(evidence, dict):
        record["evidence"] = evidence | {"sample_names": names}
    return record | {"registered_domain": _domain(alert)}
