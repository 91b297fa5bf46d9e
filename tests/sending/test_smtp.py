"""R11, R12, S17, S18: every way a mail server can treat a mail, and what becomes of it."""

import time
from collections.abc import Iterator

import pytest

from sending.channels.base import Outcome, OutcomeKind
from sending.smtp import Patience
from sending.smtp.connection import Connection
from tests.fakes.smtp import DROP, SILENCE, Answer, Mailbox, ScriptedServer, Slowly
from tests.sending.mailing import ANNA, BELA, DATA, FAILED, LATER, RETRY, SENT, UNCERTAIN, make_session, run, send


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as running:
        yield running


def test_r11_a_mail_reaches_a_real_server_as_it_was_given(mailbox: Mailbox) -> None:
    session = make_session(mailbox.server)
    outcome = send(session, ANNA, BELA)
    session.close()
    assert outcome == Outcome(kind=SENT, words="250 2.0.0 kept as 1", recipients={ANNA: "sent", BELA: "sent"})
    assert [(mail.sender, mail.recipients, mail.data) for mail in mailbox.mails] == [
        ("noreply@hammy.test", (ANNA, BELA), DATA)
    ]


def test_data_waits_for_the_answers_to_several_recipients() -> None:
    server = ScriptedServer(answers={"RCPT": Slowly("250 ok", 0.01)})
    assert run(server, ANNA, BELA).kind == SENT
    assert server.commands[1:5] == [
        f"MAIL FROM:<noreply@hammy.test> SIZE={len(DATA)}", f"RCPT TO:<{ANNA}>", f"RCPT TO:<{BELA}>", "DATA",
    ]  # fmt: skip


def test_a_recipient_named_twice_is_announced_once() -> None:
    server = ScriptedServer()
    outcome = run(server, ANNA, BELA, "anna@EXAMPLE.org")
    assert outcome.recipients == {ANNA: "sent", BELA: "sent"}
    assert server.mails[0].recipients == (ANNA, BELA)


@pytest.mark.parametrize("extensions", [("PIPELINING",), ()], ids=["pipelining", "step by step"])
@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("421 4.3.2 closing", LATER),
        ("450 4.2.0 greylisted", RETRY),
        ("451 4.3.0 local error", RETRY),
        ("452 4.3.1 no space", RETRY),
        ("454 4.7.0 throttled", LATER),
        ("550 5.1.1 no such user", FAILED),
        ("554 5.7.1 spam", FAILED),
        ("550-5.7.1 first\r\n550-\r\n550 5.7.1 second", FAILED),
    ],
)
def test_r11_r12_a_refusal_is_judged_by_its_code_and_the_session_goes_on(
    answer: str, kind: OutcomeKind, command: str, extensions: tuple[str, ...]
) -> None:
    with ScriptedServer(answers={command: [answer, _usual(command)]}, extensions=extensions) as server:
        session = make_session(server.server)
        refused = send(session)
        assert (refused.kind, server.mails) == (kind, [])
        assert refused.words == ("550 5.7.1 first 5.7.1 second" if "-" in answer else answer)
        assert send(session).kind == SENT
        session.close()
    assert [mail.data for mail in server.mails] == [DATA]
    assert server.connections == (2 if answer.startswith("421") else 1)
    assert server.commands.count("RSET") == (0 if answer.startswith("421") else 1)


def _usual(command: str) -> str:
    return "354 go on" if command == "DATA" else "250 ok"


@pytest.mark.parametrize("answer", ["530 5.7.0 authentication required", "538 5.7.11 encryption required"])
def test_a_server_that_wants_a_login_is_the_lanes_trouble_not_the_mails(answer: str) -> None:
    assert run(ScriptedServer(answers={"MAIL": answer})).kind == LATER


def test_r11_a_slow_drip_has_to_end_within_the_patience() -> None:
    began = time.monotonic()
    outcome = run(
        ScriptedServer(answers={"MAIL": Slowly("250 " + "x" * 500, 0.02)}),
        patience=Patience(command=0.3, final_dot=0.3),
    )
    assert outcome == Outcome(kind=LATER, words="before the final dot: no answer in time")
    assert time.monotonic() - began < 2


def test_r11_a_slow_but_timely_answer_is_waited_for() -> None:
    assert run(ScriptedServer(answers={"DOT": Slowly("250 queued at last", 0.02)})).words == "250 queued at last"


@pytest.mark.parametrize("extensions", [("PIPELINING",), ()], ids=["pipelining", "step by step"])
@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("answer", [DROP, b"\x00\xff garbage\r\n", "999 what", "354 early", SILENCE])
def test_r11_what_breaks_before_the_dot_was_certainly_not_delivered(
    answer: Answer, command: str, extensions: tuple[str, ...]
) -> None:
    if (command, answer) == ("DATA", "354 early"):
        answer = "250 odd"
    server = ScriptedServer(answers={command: answer}, extensions=extensions)
    outcome = run(server, patience=Patience(command=0.3))
    assert outcome.kind == LATER
    assert server.mails == []
    assert "." not in server.commands


def test_r11_dropped_after_354_is_noticed_before_the_dot_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    write_mail = Connection.write_mail

    def write_mail_later(connection: Connection, data: bytes) -> bool:
        time.sleep(0.1)
        return write_mail(connection, data)

    monkeypatch.setattr(Connection, "write_mail", write_mail_later)
    server = ScriptedServer(answers={"DATA": ("354 go on", DROP)})
    assert run(server) == Outcome(
        kind=LATER, words="before the final dot: connection closed by the server", recipients={ANNA: "not sent"}
    )


@pytest.mark.parametrize(
    ("news", "kind"), [("421 closing", LATER), ("552 too big", FAILED), ("451 no space", RETRY), ("250 odd", LATER)]
)
def test_r11_a_354_taken_back_stops_the_body(news: str, kind: OutcomeKind) -> None:
    server = ScriptedServer(answers={"DATA": f"354 go on\r\n{news}"})
    assert run(server).kind == kind
    assert "." not in server.commands


def test_r11_dropped_inside_a_big_body_was_not_delivered() -> None:
    big = b"Subject: x\r\n\r\n" + b"x" * 70 + (b"\r\n" + b"y" * 70) * 400_000
    server = ScriptedServer(drop_after_body_bytes=1000, extensions=("PIPELINING",))
    with server:
        session = make_session(server.server)
        first, second, third = (send(session, data=big) for _ in range(3))
        session.close()
    assert [first.kind, second.kind, third.kind] == [LATER, RETRY, RETRY]
    assert first.words.startswith("before the final dot: connection lost")
    assert server.mails == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (DROP, "connection closed by the server"),
        (SILENCE, "no answer in time"),
        (b"\x1b[31mwhat?\r\n", "not an SMTP reply: ?[31mwhat?"),
        ("354 more", "unexpected answer: 354 more"),
        (b"250-half a reply\r\n", "no answer in time"),
    ],
)
def test_r11_what_breaks_after_the_dot_is_in_doubt(answer: Answer, words: str) -> None:
    with ScriptedServer(answers={"DOT": [answer, "250 ok"]}) as server:
        session = make_session(server.server, patience=Patience(final_dot=0.3))
        outcome = send(session)
        assert outcome == Outcome(kind=UNCERTAIN, words=f"after the final dot: {words}", recipients={ANNA: "uncertain"})
        assert server.commands.count(".") == 1
        assert send(session).kind == SENT
        session.close()
    assert server.connections == 2


def test_the_servers_words_are_kept_without_what_could_harm_a_terminal() -> None:
    outcome = run(ScriptedServer(answers={"RCPT": b"550 \x1b[31mn\xc3\xa9m\xff\r\n"}))
    assert outcome.words == "550 ?[31mném\ufffd"


def test_only_the_copy_refused_the_mail_goes() -> None:
    server = ScriptedServer(answers={f"RCPT {BELA}": "550 5.1.1 unknown"})
    assert run(server, ANNA, BELA) == Outcome(
        kind=SENT, words="250 2.0.0 queued", recipients={ANNA: "sent", BELA: "refused: 550 5.1.1 unknown"}
    )
    assert [mail.recipients for mail in server.mails] == [(ANNA,)]


@pytest.mark.parametrize("extensions", [("PIPELINING",), ()], ids=["pipelining", "step by step"])
@pytest.mark.parametrize(("answer", "kind"), [("550 5.1.1 unknown", FAILED), ("450 4.2.1 greylisted", RETRY)])
def test_the_letters_own_recipient_refused_the_copy_gets_nothing(
    answer: str, kind: OutcomeKind, extensions: tuple[str, ...]
) -> None:
    server = ScriptedServer(answers={f"RCPT {ANNA}": answer}, extensions=extensions)
    outcome = run(server, ANNA, BELA)
    assert (outcome.kind, outcome.words) == (kind, answer)
    assert outcome.recipients[ANNA] == f"refused: {answer}"
    assert server.mails == []
    assert "DATA" not in server.commands


def test_r12_throttled_at_the_copy_nobody_gets_it_yet() -> None:
    server = ScriptedServer(answers={f"RCPT {BELA}": "454 4.7.0 too fast"})
    outcome = run(server, ANNA, BELA)
    assert outcome == Outcome(
        kind=LATER,
        words="454 4.7.0 too fast",
        recipients={ANNA: "not sent", BELA: "refused: 454 4.7.0 too fast"},
    )
    assert server.mails == []


def test_an_empty_body_ends_a_354_that_came_though_the_recipient_was_refused() -> None:
    answers: dict[str, Answer | list[Answer]] = {
        "RCPT": ["550 no", "250 ok"],
        "DATA": "354 go on",
        "DOT": ["554 no valid recipients", "250 ok"],
    }
    with ScriptedServer(answers=answers) as server:
        session = make_session(server.server)
        assert send(session) == Outcome(kind=FAILED, words="550 no", recipients={ANNA: "refused: 550 no"})
        assert send(session).kind == SENT
        session.close()
    assert server.connections == 1


def test_a_server_that_refuses_and_hangs_up_has_still_refused() -> None:
    assert run(ScriptedServer(answers={"MAIL": ("550 5.7.1 blocked", DROP)})).kind == FAILED


def test_r11_more_than_fifty_recipients_are_announced_in_groups() -> None:
    server = ScriptedServer()
    recipients = [f"u{number}@example.org" for number in range(120)]
    outcome = run(server, *recipients)
    assert outcome.kind == SENT
    assert server.mails[0].recipients == tuple(recipients)


def test_a_mail_over_the_servers_size_is_not_even_announced() -> None:
    server = ScriptedServer(extensions=("SIZE 20",))
    assert run(server) == Outcome(kind=FAILED, words=f"the mail has {len(DATA)} bytes, the server takes 20")
    assert server.commands == ["ehlo hammy.test", "QUIT"]


def test_s17_idn_domains_travel_as_a_labels() -> None:
    server = ScriptedServer(extensions=())
    outcome = run(server, "anna@Bücher.example")
    assert outcome.recipients == {"anna@Bücher.example": "sent"}
    assert server.mails[0].recipients == ("anna@xn--bcher-kva.example",)


def test_s17_other_local_parts_need_smtputf8() -> None:
    server = ScriptedServer()
    assert run(server, "éva@example.org").kind == SENT
    assert server.commands[1] == f"MAIL FROM:<noreply@hammy.test> SIZE={len(DATA)} SMTPUTF8"
    outcome = run(ScriptedServer(extensions=("PIPELINING",)), "éva@example.org")
    assert (outcome.kind, "SMTPUTF8" in outcome.words) == (FAILED, True)


@pytest.mark.parametrize("address", ["a@b>,<c@d", "a@b\r\nRCPT TO:<c@d>", "", "a"])
def test_s16_what_is_no_address_never_reaches_the_wire(address: str) -> None:
    server = ScriptedServer()
    assert run(server, address).kind == FAILED
    assert server.connections == 0


def test_s18_leading_dots_and_bare_line_ends_cannot_end_the_mail() -> None:
    tricky = b".\r\nX\r\n.\r\n..\r\nbare lf\n.\nMAIL FROM:<evil@example.org>\r.\rend"
    server = ScriptedServer()
    assert run(server, data=tricky).kind == SENT
    assert [mail.data for mail in server.mails] == [
        b".\r\nX\r\n.\r\n..\r\nbare lf\r\n.\r\nMAIL FROM:<evil@example.org>\r\n.\r\nend\r\n"
    ]
