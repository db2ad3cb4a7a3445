"""A mail server that keeps what it gets: it insists on STARTTLS, and on a login after it."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import ssl
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER = "perfwatch@example.org"


class MailSink:
    """The mails that came in, and who may send."""

    def __init__(self, password: str) -> None:
        self.password = password
        self.mails: list[EmailMessage] = []
        self.refused = 0
        self.address = ""

    def subjects(self) -> list[str]:
        """What the mails are about, in the order in which they came."""
        return [str(mail["Subject"]) for mail in self.mails]

    async def handle_DATA(  # noqa: N802 -- aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail that came encrypted."""
        assert session.ssl is not None
        assert isinstance(envelope.content, bytes)
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 kept"

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, login: object
    ) -> AuthResult:
        """Let in who has the password."""
        assert isinstance(login, LoginPassword)
        accepted = login == LoginPassword(USER.encode(), self.password.encode())
        self.refused += not accepted
        # "handled" would mean that the answer is sent already.
        return AuthResult(success=accepted, handled=False)


def body(mail: EmailMessage, kind: str) -> str:
    """One of the two forms of a mail: plain or html."""
    part = mail.get_body((kind,))
    assert part is not None
    text: str = part.get_content()
    return text


@contextlib.contextmanager
def mail_sink(certificate: Path, key: Path, password: str) -> Iterator[MailSink]:
    """Run a mail server until the end of the block."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    sink = MailSink(password)
    loop = asyncio.new_event_loop()

    def make() -> SMTP:
        return SMTP(
            sink,
            hostname="localhost",
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=sink.authenticate,
            auth_exclude_mechanism=["LOGIN"],
            loop=loop,
        )

    server = loop.run_until_complete(loop.create_server(make, "127.0.0.1", 0))
    sink.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield sink
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
