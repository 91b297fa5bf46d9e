"""R11: getting in, staying connected, and never speaking where we should not."""

import os
import ssl
import time
from pathlib import Path

import pytest

from sending.channels.base import Outcome, SmtpServer
from sending.smtp import Patience
from tests.fakes.smtp import DROP, SILENCE, Answer, ScriptedServer, tls_contexts
from tests.sending.mailing import (
    ANNA,
    DATA,
    LATER,
    SENT,
    a_closed_port,
    make_session,
    run,
    send,
)


def test_one_recipient_takes_two_round_trips_and_the_connection_is_kept() -> None:
    with ScriptedServer() as server:
        session = make_session(server.server)
        assert [send(session).kind for _ in range(3)] == [SENT] * 3
        session.close()
    mail = [f"MAIL FROM:<noreply@hammy.test> SIZE={len(DATA)}", f"RCPT TO:<{ANNA}>", "DATA", "."]
    assert server.commands == ["ehlo hammy.test", *mail, *mail, *mail, "QUIT"]
    assert server.connections == 1


@pytest.mark.parametrize(
    ("key", "answer", "words"),
    [
        ("CONNECT", "554 5.7.1 go away", "554 5.7.1 go away"),
        ("CONNECT", "421 too busy", "421 too busy"),
        ("CONNECT", DROP, "connection closed by the server"),
        ("CONNECT", b"HTTP/1.1 400 Bad Request\r\n", "not an SMTP reply: HTTP/1.1 400 Bad Request"),
        ("CONNECT", b"220-" + b"x" * 5000, "a reply line of more than 4096 bytes"),
        ("CONNECT", b"220-x\r\n" * 200, "a reply of more than 128 lines"),
        ("CONNECT", b"220-x\r\n250 y\r\n", "not an SMTP reply: 250 y"),
        ("EHLO", "550 not you", "550 not you"),
        ("EHLO", DROP, "connection closed by the server"),
    ],
)
def test_r11_a_server_that_does_not_let_us_in_is_passed_over(key: str, answer: Answer, words: str) -> None:
    first = ScriptedServer(answers={key: answer})
    assert run(first) == Outcome(kind=LATER, words=f"127.0.0.1:{first.port}: {words}")
    with ScriptedServer(answers={key: answer}) as first, ScriptedServer() as second:
        session = make_session(first.server, second.server)
        assert send(session).kind == SENT
        assert (len(first.mails), len(second.mails)) == (0, 1)
        session.close()


def test_r11_an_unreachable_server_is_passed_over() -> None:
    port = a_closed_port()
    dead = SmtpServer(host="127.0.0.1", port=port)
    with ScriptedServer() as second:
        session = make_session(dead, second.server)
        assert send(session).kind == SENT
        session.close()
    outcome = send(make_session(dead))
    assert outcome == Outcome(kind=LATER, words=f"127.0.0.1:{port}: [Errno 111] Connection refused")
    assert send(make_session()) == Outcome(kind=LATER, words="no mail server is set")


def test_a_greeting_that_never_comes_costs_its_time_only() -> None:
    outcome = run(ScriptedServer(answers={"CONNECT": SILENCE}), patience=Patience(command=0.2))
    assert (outcome.kind, outcome.words.partition(": ")[2]) == (LATER, "no answer in time")


def test_an_idle_connection_closed_by_the_server_costs_nothing() -> None:
    with ScriptedServer() as server:
        session = make_session(server.server)
        assert send(session).kind == SENT
        server.hang_up()
        assert send(session).kind == SENT
        session.close()
    assert (len(server.mails), server.connections) == (2, 2)


def test_a_kept_connection_that_dies_under_the_first_command_is_replaced_at_once() -> None:
    with ScriptedServer(answers={"MAIL": ["250 ok", DROP, "250 ok"]}) as server:
        session = make_session(server.server)
        assert [send(session).kind, send(session).kind] == [SENT, SENT]
        session.close()
    assert server.connections == 2


def test_an_idle_connection_ended_with_421_costs_nothing() -> None:
    with ScriptedServer(answers={"DOT": [("250 ok", "421 4.4.2 idle for too long"), "250 ok"]}) as server:
        session = make_session(server.server)
        assert send(session).kind == SENT
        time.sleep(0.1)
        assert send(session).kind == SENT
        session.close()
    assert server.connections == 2


def test_r11_a_connection_is_left_after_its_share_of_mails() -> None:
    with ScriptedServer() as server:
        session = make_session(server.server, mails_per_connection=2)
        assert [send(session).kind for _ in range(5)] == [SENT] * 5
        session.close()
    assert server.connections == 3
    assert server.commands.count("QUIT") == 3


def test_a_forked_child_opens_its_own_connection_and_leaves_the_parents_alone() -> None:
    with ScriptedServer() as server:
        session = make_session(server.server)
        assert send(session).kind == SENT
        child = os.fork()
        if child == 0:
            outcome = send(session)
            session.close()
            os._exit(0 if outcome.kind == SENT else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert send(session).kind == SENT
        session.close()
    assert (server.connections, len(server.mails)) == (2, 3)
    assert server.commands.count("QUIT") == 2


def test_an_exception_from_outside_leaves_a_connection_that_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer() as server:
        session = make_session(server.server)
        assert send(session).kind == SENT
        with monkeypatch.context() as patched:
            patched.setattr("sending.smtp.connection.Connection.reply", _interrupt)
            with pytest.raises(KeyboardInterrupt):
                send(session)
        assert send(session).kind == SENT
        session.close()
    assert server.connections == 2


def _interrupt(*args: object, **options: object) -> None:
    raise KeyboardInterrupt


def secure(server: ScriptedServer, security: str, **login: str) -> SmtpServer:
    return SmtpServer(host="127.0.0.1", port=server.port, security=security, **login)


@pytest.fixture
def contexts(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return tls_contexts(tmp_path)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mails_travel_over_tls(security: str, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    with ScriptedServer(
        extensions=("PIPELINING", "STARTTLS", "AUTH PLAIN"), tls=contexts[0], is_tls_implicit=security == "tls"
    ) as server:
        session = make_session(secure(server, security, user="u", password="p"), tls_context=contexts[1])
        assert [send(session).kind, send(session, data=DATA * 5000).kind] == [SENT, SENT]
        time.sleep(0.05)
        assert send(session).kind == SENT
        session.close()
    assert server.connections == 1
    assert "AUTH PLAIN AHUAcA==" in server.commands


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_r11_a_certificate_nobody_vouches_for_is_refused(
    security: str, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    with ScriptedServer(extensions=("STARTTLS",), tls=contexts[0], is_tls_implicit=security == "tls") as server:
        outcome = send(make_session(secure(server, security, user="u", password="p")))
    assert outcome.kind == LATER
    assert "certificate verify failed" in outcome.words
    assert not any(command.startswith(("AUTH", "MAIL")) for command in server.commands)


@pytest.mark.parametrize(
    ("extensions", "answers", "words"),
    [
        ((), {}, "STARTTLS extension not supported by server."),
        (("STARTTLS",), {"STARTTLS": "454 4.7.0 not now"}, "454 4.7.0 not now"),
        (("STARTTLS",), {"STARTTLS": DROP}, "connection closed by the server"),
    ],
)
def test_r11_without_starttls_nothing_goes_in_clear(
    extensions: tuple[str, ...], answers: dict[str, Answer], words: str
) -> None:
    with ScriptedServer(extensions=extensions, answers=answers) as server:
        outcome = send(make_session(secure(server, "starttls", user="u", password="p")))
    assert outcome == Outcome(kind=LATER, words=f"127.0.0.1:{server.port}: {words}")
    assert not any(command.startswith(("AUTH", "MAIL")) for command in server.commands)


def test_r11_a_reply_injected_before_the_handshake_is_not_believed(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    answers: dict[str, Answer] = {"STARTTLS": b"220 go\r\n250 AUTH PLAIN\r\n"}
    with ScriptedServer(extensions=("STARTTLS",), answers=answers, tls=contexts[0]) as server:
        outcome = send(make_session(secure(server, "starttls"), tls_context=contexts[1]))
    assert (outcome.kind, server.mails) == (LATER, [])


@pytest.mark.parametrize(
    ("extensions", "answers", "password", "words"),
    [
        (("AUTH PLAIN",), {"AUTH": "535 5.7.8 wrong"}, "secret", "535 5.7.8 wrong"),
        (("AUTH PLAIN",), {}, "jelszó", "the host's name or the login holds what SMTP cannot carry"),
        ((), {}, "secret", "SMTP AUTH extension not supported by server."),
        (("AUTH GSSAPI",), {}, "secret", "No suitable authentication method found."),
    ],
)
def test_r11_a_login_that_fails_is_the_operators_trouble(
    extensions: tuple[str, ...], answers: dict[str, Answer], password: str, words: str
) -> None:
    with ScriptedServer(extensions=extensions, answers=answers) as server:
        outcome = send(make_session(secure(server, "", user="u", password=password)))
    assert outcome == Outcome(kind=LATER, words=f"127.0.0.1:{server.port}: {words}")
    assert password not in outcome.words
