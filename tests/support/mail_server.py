"""A real SMTP server (aiosmtpd) in the test's own event loop, which can misbehave on cue."""

import asyncio
import socket
import ssl
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HOST: Final = "127.0.0.1"

STALL: Final = "stall"
"""Say nothing more, and keep the connection."""
DROP: Final = "drop"
"""Break the connection off."""


@dataclass(frozen=True)
class ReceivedMail:
    """A mail that the server accepted."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    is_encrypted: bool
    username: str | None
    arrived_seconds: float = field(compare=False)


@dataclass
class MailServer:
    """What the server received, and what it is to do.

    Attributes:
        port: where it listens.
        script: by command (`MAIL`, `RCPT`, `354`, `DATA`, `QUIT`), what it does instead of the
            usual at the next calls: a reply, `STALL` or `DROP`. `354` is before a mail's content,
            `DATA` after it.
        received: the mails that it accepted.
        commands: everything that was said to it up to a mail's content.
    """

    port: int = 0
    script: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    received: list[ReceivedMail] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)

    async def cue(self, connection: SMTP, command: str) -> str | None:
        """The reply that the script has for a command; None for the usual one."""
        self.commands.append(command)
        reply = self.script[command].popleft() if self.script[command] else None
        if reply == STALL:
            await asyncio.Event().wait()
        if reply == DROP:
            assert isinstance(connection.transport, asyncio.Transport)
            connection.transport.abort()
            await asyncio.Event().wait()  # until the lost connection cancels this
        return reply


class _Connection(SMTP):
    """A connection that can fail between DATA and the content."""

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the name that aiosmtpd looks for
        reply = await self.event_handler.server.cue(self, "354")
        if reply is not None:
            await self.push(reply)
            return
        await super().smtp_DATA(arg)


class _Handler:
    """The hooks that aiosmtpd calls, by name."""

    def __init__(self, server: MailServer) -> None:
        self.server = server

    async def handle_MAIL(  # noqa: N802
        self, connection: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        reply = await self.server.cue(connection, "MAIL")
        if reply is None:
            envelope.mail_from = address
        return reply or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, connection: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        reply = await self.server.cue(connection, "RCPT")
        if reply is None:
            envelope.rcpt_tos.append(address)
        return reply or "250 OK"

    async def handle_DATA(  # noqa: N802
        self, connection: SMTP, session: Session, envelope: Envelope
    ) -> str:
        reply = await self.server.cue(connection, "DATA")
        if reply is not None:
            return reply
        assert isinstance(envelope.content, bytes)
        login = session.auth_data
        self.server.received.append(
            ReceivedMail(
                sender=str(envelope.mail_from),
                recipients=tuple(envelope.rcpt_tos),
                content=envelope.content,
                is_encrypted=connection.transport is not None
                and connection.transport.get_extra_info("sslcontext") is not None,
                arrived_seconds=datetime.now(UTC).timestamp(),
                username=login.login.decode() if isinstance(login, LoginPassword) else None,
            )
        )
        return "250 OK"

    async def handle_QUIT(  # noqa: N802
        self, connection: SMTP, _session: Session, _envelope: Envelope
    ) -> str:
        return await self.server.cue(connection, "QUIT") or "221 Bye"


def server_tls(authority: trustme.CA, name: str = HOST, **options: Any) -> ssl.SSLContext:
    """What a server of that name shows; `options` as for `trustme.CA.issue_cert`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, **options).configure_cert(context)
    return context


@asynccontextmanager
async def open_mail_server(
    tls: ssl.SSLContext | None = None,
    *,
    is_implicit: bool = False,
    password: str | None = None,
    auth_without_tls: bool = False,
    bound: socket.socket | None = None,
) -> AsyncIterator[MailServer]:
    """A server that listens on a free port of the loopback interface.

    Args:
        tls: what it offers STARTTLS with; None for a server without.
        is_implicit: whether it is encrypted from the first byte instead.
        password: of the user `geophone`; None for a server without AUTH.
        auth_without_tls: whether it offers AUTH on an unencrypted connection.
        bound: a socket to listen on in place of that address, as of another network namespace.
    """
    server = MailServer()
    handler = _Handler(server)
    loop = asyncio.get_running_loop()
    connections: list[SMTP] = []

    def check(
        _server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        server.commands.append(f"AUTH {mechanism}")
        is_right = data == LoginPassword(b"geophone", str(password).encode())
        return AuthResult(success=is_right, handled=False, auth_data=data if is_right else None)

    def connect() -> SMTP:
        connection = _Connection(
            handler,
            hostname="mail.example",
            loop=loop,
            tls_context=None if is_implicit else tls,
            authenticator=check if password is not None else None,
            auth_require_tls=not (is_implicit or auth_without_tls),
            auth_exclude_mechanism=None if password is not None else ("LOGIN", "PLAIN"),
        )
        connections.append(connection)
        return connection

    encryption = tls if is_implicit else None
    if bound is None:
        listener = await loop.create_server(connect, HOST, 0, ssl=encryption)
    else:
        listener = await loop.create_server(connect, sock=bound, ssl=encryption)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for connection in connections:
            if connection.transport is not None:
                connection.transport.close()
        await asyncio.sleep(0)


@asynccontextmanager
async def open_scripted_server(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any],
) -> AsyncIterator[int]:
    """A server that says whatever `talk` does; its port."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await talk(reader, writer)

    listener = await asyncio.start_server(serve, HOST, 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for writer in writers:
            writer.close()
