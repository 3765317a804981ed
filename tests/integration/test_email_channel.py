"""The email channel against a real SMTP server that works, refuses, stalls, breaks off and lies."""

import asyncio
import datetime
import email.parser
import email.policy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from geophone_alerter.channels.email import open_email_channel
from geophone_alerter.email_settings import EmailSettings
from geophone_alerter.parcels import ACCEPTED, Outcome
from geophone_alerter.smtp_outcomes import ADVICE
from geophone_shared.errors import ConfigError
from tests.support.alert_events import NOW_US, create_alert, create_notice, create_parcel
from tests.support.hostile_names import HOSTILE_DOMAINS
from tests.support.mail_server import (
    DROP,
    HOST,
    STALL,
    open_mail_server,
    open_scripted_server,
    server_tls,
)

RECIPIENTS = ("soc@example.com", "admin@example.com")
PASSWORD = "correct horse"  # noqa: S105 - of a server that lives as long as a test
SHORT_SECONDS = 0.3
"""The timeout where the server is to run into it."""
PARCEL = create_parcel(create_notice(create_alert()), targets=RECIPIENTS)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


def settings(port: int, **fields: Any) -> EmailSettings:
    """Of a server on this machine, without encryption unless a test says otherwise."""
    defaults: dict[str, Any] = {
        "host": HOST,
        "port": port,
        "sender": "Geophone <geophone@example.com>",
        "recipients": RECIPIENTS,
        "starttls": "off",
        "timeout_seconds": 10,
    }
    return EmailSettings(**defaults | fields)


async def deliver(port: int, **fields: Any) -> Mapping[str, Outcome]:
    """The outcomes of the same mail, some time later but not never."""
    async with asyncio.timeout(30):
        return await open_email_channel(settings(port, **fields)).deliver(PARCEL, NOW_US)


async def outcome_of(port: int, **fields: Any) -> Outcome:
    """The outcome that all recipients share."""
    [outcome] = set((await deliver(port, **fields)).values())
    return outcome


class TestAccepted:
    async def test_a_mail_arrives_with_exactly_these_headers(
        self, authority: trustme.CA, ca_file: Path
    ) -> None:
        async with open_mail_server(server_tls(authority)) as server:
            outcomes = await deliver(server.port, starttls="required", ca_file=ca_file)
        assert outcomes == dict.fromkeys(RECIPIENTS, ACCEPTED)
        [mail] = server.received
        assert (mail.sender, mail.recipients) == ("geophone@example.com", RECIPIENTS)
        assert mail.is_encrypted
        message = email.parser.BytesParser(policy=email.policy.default).parsebytes(mail.content)
        alert = PARCEL.notices[0].alerts[0]
        headers = message.items()
        content_type, boundary = headers.pop()[1].split("; boundary=")
        assert headers == [
            ("From", "Geophone <geophone@example.com>"),
            ("To", "soc@example.com, admin@example.com"),
            ("Subject", "Suspected DNS Tunnel Alert"),
            ("Date", "Sun, 15 Jun 2025 15:06:40 +0000"),
            ("Message-ID", f"<{alert.id}.opened.{alert.updated_at_us}@example.com>"),
            ("References", f"<{PARCEL.notices[0].incident.id}@example.com>"),
            ("Auto-Submitted", "auto-generated"),
            ("MIME-Version", "1.0"),
        ]
        assert content_type == "multipart/mixed"
        assert boundary.startswith('"=_')

    @pytest.mark.parametrize("starttls", ["implicit", "off"])
    async def test_with_implicit_tls_and_without_any(
        self, authority: trustme.CA, ca_file: Path, starttls: Any
    ) -> None:
        tls = server_tls(authority) if starttls == "implicit" else None
        async with open_mail_server(tls, is_implicit=tls is not None) as server:
            assert await outcome_of(server.port, starttls=starttls, ca_file=ca_file) == ACCEPTED
        assert [mail.is_encrypted for mail in server.received] == [tls is not None]

    @pytest.mark.parametrize("domain", HOSTILE_DOMAINS)
    async def test_a_hostile_name_arrives_in_no_header(self, domain: str) -> None:
        parcel = create_parcel(create_notice(create_alert(domain)), targets=RECIPIENTS)
        async with open_mail_server() as server:
            channel = open_email_channel(settings(server.port))
            outcomes = await channel.deliver(parcel, NOW_US)
        assert set(outcomes.values()) == {ACCEPTED}
        [mail] = server.received
        assert mail.recipients == RECIPIENTS
        message = email.parser.BytesParser(policy=email.policy.default).parsebytes(mail.content)
        names = "From To Subject Date Message-ID References Auto-Submitted MIME-Version"
        assert message.keys() == [*names.split(), "Content-Type"]
        assert message["Subject"] == "Suspected DNS Tunnel Alert"

    async def test_a_server_that_does_not_say_goodbye_has_accepted_it_all_the_same(self) -> None:
        for cue in (STALL, DROP, "421 too busy"):
            async with open_mail_server() as server:
                server.script["QUIT"].append(cue)
                assert await outcome_of(server.port, timeout_seconds=2) == ACCEPTED
            assert len(server.received) == 1


class TestAnswers:
    @pytest.mark.parametrize(
        ("command", "reply", "outcome"),
        [
            ("MAIL", "451 later", Outcome("temporary", "sender", 451)),
            ("MAIL", "553 not you", Outcome("permanent", "sender", 553)),
            ("DATA", "452 disk is full", Outcome("temporary", "content", 452)),
            ("DATA", "554 looks like spam", Outcome("permanent", "content", 554)),
            ("354", "451 later", Outcome("temporary", "content", 451)),
            ("354", "554 no", Outcome("permanent", "content", 554)),
        ],
    )
    async def test_of_the_mail(self, command: str, reply: str, outcome: Outcome) -> None:
        async with open_mail_server() as server:
            server.script[command].append(reply)
            assert await outcome_of(server.port) == outcome
            assert server.received == []
            assert await outcome_of(server.port) == ACCEPTED
        assert len(server.received) == 1

    async def test_a_recipient_that_is_refused_for_good(self) -> None:
        async with open_mail_server() as server:
            server.script["RCPT"] += ["550 5.1.1 no such user"] * 2
            assert await outcome_of(server.port) == Outcome("permanent", "recipient", 550)

    async def test_greylisting_and_then_acceptance(self) -> None:
        async with open_mail_server() as server:
            server.script["RCPT"] += ["451 4.7.1 greylisted"] * 2
            assert await outcome_of(server.port) == Outcome("temporary", "recipient", 451)
            assert await outcome_of(server.port) == ACCEPTED
        [mail] = server.received
        assert mail.recipients == RECIPIENTS

    async def test_recipients_have_outcomes_of_their_own(self) -> None:
        async with open_mail_server() as server:
            server.script["RCPT"].append("450 4.2.1 greylisted")
            assert await deliver(server.port) == {
                RECIPIENTS[0]: Outcome("temporary", "recipient", 450),
                RECIPIENTS[1]: ACCEPTED,
            }
        [mail] = server.received
        assert mail.recipients == RECIPIENTS[1:]


class TestBrokenServers:
    @pytest.mark.parametrize("command", ["MAIL", "RCPT", "354", "DATA"])
    @pytest.mark.parametrize(("cue", "reason"), [(STALL, "timeout"), (DROP, "connection")])
    async def test_one_that_stalls_or_breaks_off(self, command: str, cue: str, reason: str) -> None:
        async with open_mail_server() as server:
            server.script[command].append(cue)
            outcome = await outcome_of(server.port, timeout_seconds=SHORT_SECONDS)
            assert outcome == Outcome("temporary", reason)
            assert await outcome_of(server.port) == ACCEPTED
        assert len(server.received) == 1

    async def test_one_that_is_not_there(self) -> None:
        async with open_mail_server() as server:
            pass
        assert await outcome_of(server.port) == Outcome("temporary", "connection")

    @pytest.mark.parametrize(
        ("greeting", "outcome"),
        [
            (b"", Outcome("temporary", "timeout")),
            (b"220 mail.exa", Outcome("temporary", "timeout")),
            (b"554 5.3.2 go away\r\n", Outcome("temporary", "server", 554)),
            (b"421 busy\r\n", Outcome("temporary", "server", 421)),
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", Outcome("temporary", "server", -1)),
            (b"\xff\x00\xfe\r\n", Outcome("temporary", "server", -1)),
            (b"220-" + b"x" * 100_000 + b"\r\n", Outcome("temporary", "server", -1)),
            (b"220 hello\r\n250 hello\r\n250 hello\r\n", Outcome("temporary", "timeout")),
        ],
        ids=range(8),
    )
    async def test_one_that_speaks_something_else(self, greeting: bytes, outcome: Outcome) -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(greeting)
            while await reader.read(1_000):
                pass

        async with open_scripted_server(talk) as port:
            assert await outcome_of(port, timeout_seconds=SHORT_SECONDS) == outcome


class TestEncryption:
    async def test_a_server_that_offers_no_starttls_hears_nothing_more(self) -> None:
        async with open_mail_server(password=PASSWORD, auth_without_tls=True) as server:
            outcome = await outcome_of(
                server.port, starttls="required", username="geophone", password=PASSWORD
            )
        assert outcome == Outcome("temporary", "starttls_missing")
        assert server.commands == []

    @pytest.mark.parametrize("is_implicit", [False, True])
    @pytest.mark.parametrize("case", ["unknown authority", "other name", "expired"])
    async def test_a_bad_certificate(
        self, authority: trustme.CA, ca_file: Path, case: str, is_implicit: bool
    ) -> None:
        yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
        tls = {
            "unknown authority": lambda: server_tls(trustme.CA()),
            "other name": lambda: server_tls(authority, "mail.example"),
            "expired": lambda: server_tls(authority, not_after=yesterday),
        }[case]()
        async with open_mail_server(tls, is_implicit=is_implicit) as server:
            starttls = "implicit" if is_implicit else "required"
            outcome = await outcome_of(server.port, starttls=starttls, ca_file=ca_file)
        assert outcome == Outcome("temporary", "certificate")
        assert server.commands == []

    async def test_a_server_that_does_not_encrypt_at_once(self, ca_file: Path) -> None:
        async with open_mail_server() as server:
            outcome = await outcome_of(server.port, starttls="implicit", ca_file=ca_file)
        assert outcome == Outcome("temporary", "tls")

    async def test_what_a_stranger_says_before_the_encryption_is_not_believed(
        self, ca_file: Path
    ) -> None:
        """Whoever sits in between adds answers to the one to STARTTLS (GHSA-vxj7-4xrp-5vr4)."""

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 hello\r\n")
            await reader.readline()
            writer.write(b"250-hello\r\n250 STARTTLS\r\n")
            await reader.readline()
            writer.write(b"220 go ahead\r\n250 hello\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n")
            while await reader.read(1_000):
                pass

        async with open_scripted_server(talk) as port:
            outcome = await outcome_of(
                port, starttls="required", ca_file=ca_file, timeout_seconds=SHORT_SECONDS
            )
        assert outcome.kind == "temporary"

    def test_a_file_without_certificates(self, tmp_path: Path) -> None:
        (tmp_path / "empty.pem").write_text("")
        for path in (tmp_path / "empty.pem", tmp_path / "missing.pem"):
            with pytest.raises(ConfigError, match=r"ca_file .*\.pem' holds no readable"):
                open_email_channel(settings(25, starttls="required", ca_file=path))


class TestLogin:
    @pytest.mark.parametrize("is_implicit", [False, True])
    async def test_the_right_password(
        self, authority: trustme.CA, ca_file: Path, is_implicit: bool
    ) -> None:
        tls = server_tls(authority)
        async with open_mail_server(tls, is_implicit=is_implicit, password=PASSWORD) as server:
            outcome = await outcome_of(
                server.port,
                starttls="implicit" if is_implicit else "required",
                ca_file=ca_file,
                username="geophone",
                password=PASSWORD,
            )
        assert outcome == ACCEPTED
        assert [mail.username for mail in server.received] == ["geophone"]

    async def test_a_wrong_password_is_said_once_and_in_no_outcome(
        self, authority: trustme.CA, ca_file: Path
    ) -> None:
        async with open_mail_server(server_tls(authority), password=PASSWORD) as server:
            outcome = await outcome_of(
                server.port,
                starttls="required",
                ca_file=ca_file,
                username="geophone",
                password="wrong horse",  # noqa: S106
            )
        assert outcome == Outcome("temporary", "authentication", 535)
        assert server.commands == ["AUTH PLAIN"]
        assert "horse" not in outcome.text

    async def test_a_server_without_logins(self, authority: trustme.CA, ca_file: Path) -> None:
        async with open_mail_server(server_tls(authority)) as server:
            outcome = await outcome_of(
                server.port,
                starttls="required",
                ca_file=ca_file,
                username="geophone",
                password=PASSWORD,
            )
        assert outcome == Outcome("temporary", "authentication")
        assert server.received == []


def test_there_is_advice_for_every_reason() -> None:
    assert set(ADVICE) == {
        *("timeout", "connection", "starttls_missing", "certificate", "tls"),
        *("authentication", "server", "sender", "recipient", "content"),
    }


def test_a_channel_needs_no_network_to_be_opened() -> None:
    channel = open_email_channel(replace(settings(1), host="mail.invalid", starttls="required"))
    assert (channel.name, channel.targets) == ("email", RECIPIENTS)
