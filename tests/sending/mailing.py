"""One mail through a session against a scripted server."""

import socket
from typing import Any

from sending.channels.base import Outcome, OutcomeKind, SmtpServer
from sending.smtp import Patience, SmtpSession
from tests.fakes.smtp import ScriptedServer

DATA = b"Subject: x\r\nMessage-ID: <1@hammy.test>\r\n\r\nSzia!\r\n"
ANNA = "anna@example.org"
BELA = "bela@example.org"
SENT, RETRY, FAILED = OutcomeKind.SENT, OutcomeKind.RETRY, OutcomeKind.FAILED
UNCERTAIN, LATER = OutcomeKind.UNCERTAIN, OutcomeKind.LATER


def make_session(*servers: SmtpServer, **overrides: Any) -> SmtpSession:
    values: dict[str, Any] = {"patience": Patience(connect=2.0, command=2.0, final_dot=2.0)}
    return SmtpSession(servers=servers, greeting_name="hammy.test", **values | overrides)


def send(session: SmtpSession, *recipients: str, data: bytes = DATA, mail_id: str = "1") -> Outcome:
    return session.send(mail_id=mail_id, sender="noreply@hammy.test", recipients=recipients or (ANNA,), data=data)


def run(server: ScriptedServer, *recipients: str, data: bytes = DATA, **overrides: Any) -> Outcome:
    """One mail through a session of its own."""
    with server:
        session = make_session(server.server, **overrides)
        outcome = send(session, *recipients, data=data)
        session.close()
    return outcome


def a_closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
