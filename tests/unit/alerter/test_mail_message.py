import html.parser
import json
import re
from dataclasses import replace
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

import pytest

from geophone_alerter.email_settings import EmailSettings
from geophone_alerter.mail_message import MOST_ATTACHED_BYTES, mail_bytes
from geophone_alerter.mail_sample import sample_parcel
from geophone_alerter.parcels import Parcel, digest_key
from geophone_shared.alerts import Alert, from_json
from geophone_shared.names import defanged
from tests.support.alert_events import (
    NOW_US,
    OPENED_US,
    create_alert,
    create_notice,
    create_parcel,
)
from tests.support.hostile_names import FORGED_TEXTS, HOSTILE_DOMAINS

SETTINGS = EmailSettings(
    host="mail.example.com",
    sender="Geophone <geophone@example.com>",
    recipients=("soc@example.com", "The Admin <admin@example.com>"),
)


def sent(parcel: Parcel, settings: EmailSettings = SETTINGS) -> bytes:
    return mail_bytes(settings, parcel, NOW_US)


def parsed(parcel: Parcel, settings: EmailSettings = SETTINGS) -> EmailMessage:
    return BytesParser(EmailMessage, policy=policy.default).parsebytes(sent(parcel, settings))


def bodies(parcel: Parcel) -> tuple[str, str]:
    """The text and the HTML."""
    message = parsed(parcel)
    text, markup = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert markup is not None
    plain, page = (str(body.get_content()).replace("\r\n", "\n") for body in (text, markup))
    return plain, page


def attached(parcel: Parcel) -> dict[str | None, Alert]:
    return {
        part.get_filename(): from_json(json.loads(part.get_content()))
        for part in parsed(parcel).iter_attachments()
    }


def alert_parcel(*alerts: Alert) -> Parcel:
    return create_parcel(create_notice(*(alerts or (create_alert(),))))


def forged(text: str) -> Alert:
    """An alert all of whose texts are the same."""
    alert = create_alert(text)
    evidence = replace(alert.evidence, sample_names=(text,))
    return replace(alert, id=text, rule=text, measure=text, evidence=evidence)


def digest_parcel(count: int, more: int = 0) -> Parcel:
    notices = tuple(
        create_notice(
            create_alert(f"{n}.example", severity="low" if n % 2 else "high", opened_us=OPENED_US)
        )
        for n in range(count)
    )
    return Parcel(notices, SETTINGS.recipients, digest_key(notices), more)


class TestHeaders:
    def expected(self, parcel: Parcel) -> list[tuple[str, str]]:
        references = [("References", f"<{parcel.notices[0].incident.id}@example.com>")]
        return [
            ("From", "Geophone <geophone@example.com>"),
            ("To", "soc@example.com, The Admin <admin@example.com>"),
            ("Subject", "Suspected DNS Tunnel Alert"),
            ("Date", "Sun, 15 Jun 2025 15:06:40 +0000"),
            ("Message-ID", f"<{parcel.message}@example.com>"),
            *(references if len(parcel.notices) == 1 else []),
            ("Auto-Submitted", "auto-generated"),
            ("MIME-Version", "1.0"),
        ]

    def check(self, parcel: Parcel) -> None:
        """Whatever parses the mail finds these headers, one a line, and no other."""
        data = sent(parcel)
        expected = self.expected(parcel)
        for each in (policy.default, policy.compat32, policy.SMTPUTF8, policy.HTTP):
            headers = BytesParser(policy=each).parsebytes(data).items()
            assert [(name, str(value)) for name, value in headers[:-1]] == expected
            assert headers[-1][0] == "Content-Type"
        lines = data.split(b"\r\n\r\n", 1)[0].decode("ascii").split("\r\n")
        assert lines[:-1] == [f"{name}: {value}" for name, value in expected]
        pattern = r'Content-Type: multipart/mixed; boundary="=_[0-9a-f]{24}"'
        assert re.fullmatch(pattern, lines[-1])

    def test_of_an_alert(self) -> None:
        self.check(alert_parcel())

    def test_of_a_digest(self) -> None:
        self.check(digest_parcel(3, more=2))

    @pytest.mark.parametrize("text", HOSTILE_DOMAINS + FORGED_TEXTS)
    def test_nothing_that_came_off_the_wire_is_in_one(self, text: str) -> None:
        self.check(alert_parcel(forged(text), create_alert(text, rule="slow")))
        notices = (create_notice(forged(text)), create_notice(create_alert(text, rule="slow")))
        self.check(Parcel(notices, SETTINGS.recipients, digest_key(notices)))
        # In the parts, too, every header is one of ours.
        for part in parsed(alert_parcel(forged(text))).walk():
            for name, value in part.items():
                if name.startswith("Content-") and part.get_content_maintype() != "multipart":
                    assert value in {
                        'text/plain; charset="utf-8"',
                        'text/html; charset="utf-8"',
                        "quoted-printable",
                        "application/json",
                        "base64",
                        'attachment; filename="alert.json"',
                    }

    def test_a_long_domain_of_the_sender_and_many_recipients(self) -> None:
        domain = ".".join(["x" * 60] * 3)
        settings = EmailSettings(
            host="mail",
            sender=f"geophone@{domain}",
            recipients=tuple(f"{n}.{'y' * 50}@{domain}" for n in range(100)),
        )
        parcel = alert_parcel()
        message = parsed(parcel, settings)
        assert message["Message-ID"] == f"<{parcel.message}@{domain}>"
        assert message["References"] == f"<{parcel.notices[0].incident.id}@{domain}>"
        assert message["To"] == ", ".join(settings.recipients)
        assert max(len(line) for line in sent(parcel, settings).split(b"\r\n")) <= 998

    def test_the_same_mail_again_is_the_same_bytes(self) -> None:
        assert sent(alert_parcel()) == sent(alert_parcel())

    def test_messages_of_an_incident_share_a_thread(self) -> None:
        opened = parsed(alert_parcel())
        grown = parsed(alert_parcel(create_alert(state="updated", after_us=60_000_000, value=402)))
        assert opened["References"] == grown["References"]
        assert opened["Message-ID"] != grown["Message-ID"]

    def test_everything_is_ascii_in_lines_that_every_server_takes(self) -> None:
        parcel = alert_parcel(create_alert("日" * 300))
        data = sent(parcel)
        assert data.isascii()
        assert max(len(line) for line in data.split(b"\r\n")) <= 200
        assert b"\n" not in data.replace(b"\r\n", b"")


class TestBodies:
    def test_the_numbers_of_the_published_watch(self) -> None:
        text, markup = bodies(alert_parcel())
        totals = {
            "registered_domain": "tunnel[.]example",
            "total_requests": "201",
            "unique_hostnames": "201",
            "total_bytes_in": "14070",
            "total_bytes_out": "31155",
            "total_bytes": "45225",
        }
        for name, value in totals.items():
            assert re.search(rf"^ +{name} +{re.escape(value)}$", text, re.MULTILINE)
            assert re.search(rf">{name}</td><td [^>]+>{re.escape(value)}</td>", markup)

    def test_the_evidence(self) -> None:
        text, markup = bodies(alert_parcel())
        for line in (
            "HIGH  tunnel[.]example: 201 different hostnames in 4 h (rule unique-hostnames,",
            "first seen      2023-11-14 22:13:20.000000 UTC",
            "last seen       2023-11-14 22:13:40.499250 UTC",
            "clients         192.0.2.30: 150 queries (75 %)",
            "query types     NULL 190, TXT 10, TYPE65399 1",
            "sample names    vaaaakat2v2[.]tunnel[.]example",
            "T1071.004",
        ):
            assert line in text
            assert line.split("  ")[-1].strip() in markup

    def test_an_estimate_has_its_bounds(self) -> None:
        alert = create_alert()
        evidence = replace(
            alert.evidence,
            exact=False,
            unique_hostnames=5_000,
            unique_hostnames_lower=4_900,
            unique_hostnames_upper=5_100,
        )
        text, _ = bodies(alert_parcel(replace(alert, evidence=evidence)))
        assert re.search(r"unique_hostnames +5000\n +\(an estimate: 4900 to 5100\)", text)
        assert "≈ 5,000 (4,900 to 5,100) different" in text

    def test_other_alerts_of_the_incident(self) -> None:
        text, _ = bodies(alert_parcel(create_alert(), create_alert(rule="slow", value=999)))
        assert re.search(r"^Also\n +slow +tunnel\[\.\]example: 999 different", text, re.MULTILINE)

    def test_a_digest_lists_the_worst_first_and_counts_the_rest(self) -> None:
        text, markup = bodies(digest_parcel(60, more=7))
        assert text.startswith("60 domains with suspected DNS tunnels\n")
        listed = re.findall(r"^ +(high|low) +(\d+)\[\.\]example: ", text, re.MULTILINE)
        assert len(listed) == 50
        assert [severity for severity, _ in listed] == ["high"] * 30 + ["low"] * 20
        rest = "And 10 more domains and 7 more alerts that found no room: the event log has all"
        assert rest in text
        assert rest in markup

    def test_a_small_digest_has_no_rest(self) -> None:
        text, _ = bodies(digest_parcel(2))
        assert text.startswith("2 domains with")
        assert "more" not in text

    @pytest.mark.parametrize("text", HOSTILE_DOMAINS + FORGED_TEXTS)
    def test_hostile_text_stays_text(self, text: str) -> None:
        plain, markup = bodies(alert_parcel(forged(text)))
        assert tags(markup) == tags(bodies(alert_parcel(forged("harmless")))[1])
        assert all(line.isprintable() for line in plain.split("\n"))
        if len(text) < 100:
            assert defanged(text) in plain

    def test_names_can_not_be_clicked_and_nothing_is_fetched(self) -> None:
        text, markup = bodies(alert_parcel())
        for body in (text, markup):
            assert "tunnel.example" not in body
            assert not re.search(r"https?:|src=|href=|url\(|<style|<link|<script", body)


class TestAttachment:
    def test_is_the_alert_record(self) -> None:
        alert = create_alert()
        assert attached(alert_parcel(alert)) == {"alert.json": alert}

    def test_all_alerts_of_the_incident(self) -> None:
        alerts = [create_alert(), create_alert(rule="slow")]
        assert attached(alert_parcel(*alerts)) == {
            "alert.json": alerts[0],
            "alert-2.json": alerts[1],
        }

    def test_a_digest_has_those_that_it_lists(self) -> None:
        assert len(attached(digest_parcel(60))) == 50

    def test_it_is_bounded(self) -> None:
        alert = create_alert()
        names = tuple("x" * 1_000 for _ in range(200))
        huge = replace(alert, evidence=replace(alert.evidence, sample_names=names))
        notices = tuple(create_notice(replace(huge, id=f"{n:032x}")) for n in range(20))
        parcel = Parcel(notices, SETTINGS.recipients, digest_key(notices))
        parts = list(parsed(parcel).iter_attachments())
        assert len(parts) == 5
        total = sum(len(part.get_content()) for part in parts)
        assert 0 < total <= MOST_ATTACHED_BYTES


def test_the_sample_says_that_it_is_one() -> None:
    text, _ = bodies(sample_parcel(SETTINGS.recipients, NOW_US))
    assert "rule test-email" in text
    assert "this-is-a-test[.]tunnel[.]example" in text


class _Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


def tags(markup: str) -> list[tuple[str, tuple[str, ...]]]:
    """The elements of a page with the names of their attributes."""
    parser = _Tags()
    parser.feed(markup)
    return parser.found
