"""Mail servers: reached, what they offer, and how long their certificates last."""

import smtplib
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

from django.conf import settings

from hammy_project.doctor.findings import Finding, failure, ok, warning
from sending.channels.base import SmtpServer

_SECONDS = 10.0
_SHOWN = ("PIPELINING", "8BITMIME", "SMTPUTF8", "STARTTLS", "AUTH", "SIZE")
_WARNING_DAYS = 21


def servers() -> Iterator[Finding]:
    """Each server of EMAIL_URL in turn."""
    for server in settings.HAMMY_SMTP_SERVERS:
        subject = f"smtp {server.host}:{server.port}"
        try:
            with _connected(server) as session:
                yield from _examine(subject, server, session)
        except (OSError, smtplib.SMTPException) as error:
            yield failure(subject, _words(error))


def _connected(server: SmtpServer) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.security == "tls":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=_SECONDS, context=context)
    session = smtplib.SMTP(server.host, server.port, timeout=_SECONDS)
    if server.security == "starttls":
        session.starttls(context=context)
    return session


def _examine(subject: str, server: SmtpServer, session: smtplib.SMTP) -> Iterator[Finding]:
    session.ehlo()
    offered = [name for name in _SHOWN if session.has_extn(name)]
    if server.user:
        session.login(server.user, server.password)
        offered.append("login accepted")
    yield ok(subject, ", ".join(offered) or "no extensions")
    if "PIPELINING" not in offered:
        yield warning(f"{subject} speed", "no PIPELINING: each mail takes a few round trips more")
    if isinstance(session.sock, ssl.SSLSocket):
        yield _certificate(f"{subject} certificate", session.sock)
    elif server.user:
        yield warning(f"{subject} encryption", "the password is sent in clear: use smtp+tls:// or smtps://")


def _certificate(subject: str, socket: ssl.SSLSocket) -> Finding:
    ends_at = ssl.cert_time_to_seconds(str((socket.getpeercert() or {})["notAfter"]))
    days = (datetime.fromtimestamp(ends_at, UTC) - datetime.now(UTC)).days
    words = f"{socket.version()}, valid for {days} days more"
    return ok(subject, words) if days > _WARNING_DAYS else warning(subject, words)


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        return f"{error.smtp_code} {said}"
    return str(error) or type(error).__name__
