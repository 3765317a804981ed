"""What the answers of a mail server mean for a mail that was sent to it [core].

For good is only what the server said of this mail, its sender or a recipient with a code 5xx. What
says that no mail at all can pass at the moment (no STARTTLS, a certificate that isn't trusted, a
refused password) keeps the mail waiting, as Postfix does: someone has to put it right, and then the
mail should go out.
"""

from collections.abc import Mapping
from typing import Literal

from geophone_alerter.parcels import Outcome

SmtpReason = Literal[
    "timeout",
    "connection",
    "starttls_missing",
    "certificate",
    "tls",
    "authentication",
    "server",
    "sender",
    "recipient",
    "content",
]

ADVICE: Mapping[SmtpReason, str] = {
    "timeout": "the mail server didn't answer in time; check host and port, and whether it is busy",
    "connection": "the connection to the mail server failed or broke off; check host and port",
    "starttls_missing": "the mail server doesn't offer STARTTLS; use a port where it does, or"
    " starttls implicit, or off for a relay on this machine",
    "certificate": "the mail server's certificate isn't trusted; check the host name, or set"
    " ca_file to the authority that signed it",
    "tls": "no encrypted connection came about; check whether the port wants starttls required or"
    " implicit",
    "authentication": "the mail server refused the username and password; correct them",
    "server": "the mail server takes no mail at the moment",
    "sender": "the mail server refused the sender; check from",
    "recipient": "the mail server refused the recipient; check to",
    "content": "the mail server refused the mail's content; its log says why",
}
"""By reason, one sentence for the person who set it up."""

_FIRST_PERMANENT_CODE = 500


def server_outcome(reason: SmtpReason, code: int | None = None) -> Outcome:
    """What says nothing about the mail itself: it may pass later."""
    return Outcome("temporary", reason, code)


def mail_outcome(reason: SmtpReason, code: int) -> Outcome:
    """What the server answered to the sender, a recipient or the content (RFC 5321 §4.2.1)."""
    return Outcome("permanent" if code >= _FIRST_PERMANENT_CODE else "temporary", reason, code)
