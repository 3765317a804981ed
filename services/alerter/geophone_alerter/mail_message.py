"""A mail with its headers, as the bytes that go to the server [core].

No header holds anything that came off the wire: the subject is constant, a message is named by its
alert's id, a thread by its incident's, both of them hashes. The same parcel gives the same bytes
but for the date, so a receiver that gets it twice can tell.
"""

import hashlib
import json
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from geophone_alerter.email_settings import EmailSettings, mailbox
from geophone_alerter.mail_bodies import html_body, text_body
from geophone_alerter.mail_content import DIGEST_DOMAINS, content_of, most_severe_first
from geophone_alerter.parcels import Parcel
from geophone_shared.alerts import Alert, to_json

SUBJECT = "Suspected DNS Tunnel Alert"

MOST_ATTACHED_BYTES = 1_048_576
"""What is attached in all; an alert record has a few KiB."""

# Long enough that no message id is folded, which Python would do by encoding it, and short enough
# for the limit of 998 (RFC 5322 §2.1.1).
_AS_SENT = SMTP.clone(max_line_length=900)


def mail_bytes(settings: EmailSettings, parcel: Parcel, now_us: int) -> bytes:
    """The mail about one incident, or the digest of several.

    Args:
        settings: whose sender and recipients the headers show.
        parcel: what to tell; its `message` names the mail.
        now_us: wall-clock time, for the header `Date`.
    """
    content = content_of(parcel)
    sender = mailbox(settings.sender)
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = [mailbox(recipient) for recipient in settings.recipients]
    message["Subject"] = SUBJECT
    message["Date"] = format_datetime(datetime.fromtimestamp(now_us // 1_000_000, UTC))
    message["Message-ID"] = f"<{parcel.message}@{sender.domain}>"
    if len(parcel.notices) == 1:
        message["References"] = f"<{parcel.notices[0].incident.id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text_body(content), cte="quoted-printable")
    message.add_alternative(html_body(content), subtype="html", cte="quoted-printable")
    for name, data in _attachments(parcel):
        message.add_attachment(data, "application", "json", cte="base64", filename=name)
    _set_boundaries(message, str(parcel.message))
    return message.as_bytes(policy=_AS_SENT)


def _attachments(parcel: Parcel) -> list[tuple[str, bytes]]:
    """The alert records by file name: all of one incident, the listed ones of a digest."""
    if len(parcel.notices) == 1:
        alerts = parcel.notices[0].alerts
    else:
        listed = most_severe_first(parcel)[:DIGEST_DOMAINS]
        alerts = tuple(notice.alerts[0] for notice in listed)
    attached = []
    total_bytes = 0
    for number, alert in enumerate(alerts, start=1):
        data = _record(alert)
        total_bytes += len(data)
        if total_bytes > MOST_ATTACHED_BYTES:
            break
        attached.append(("alert.json" if number == 1 else f"alert-{number}.json", data))
    return attached


def _record(alert: Alert) -> bytes:
    return json.dumps(to_json(alert), indent=2).encode("ascii") + b"\n"


def _set_boundaries(message: EmailMessage, name: str) -> None:
    """Boundaries from the message's name, where Python would draw them.

    `=_` can't stand in quoted-printable or base64 (RFC 2045 §6.7), so they can't in a body.
    """
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            digest = hashlib.blake2b(f"{name} {number}".encode(), digest_size=12).hexdigest()
            part.set_boundary(f"=_{digest}")
